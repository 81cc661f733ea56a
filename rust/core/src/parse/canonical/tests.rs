//! What the lane answers, next to what the general one does.

use proptest::prelude::*;

use super::*;
use crate::event::Event;
use crate::parse::general;
use crate::parse::values::{ObjectReference, ObjectTexts, Text};

fn line(object: &str) -> String {
    format!(
        "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"a\",\"auditID\":\"b\",\"stage\":\"c\",\"objectRef\":{object}}}"
    )
}

/// What the lane cuts out of a reference, and what it leaves.
fn split(object: &str) -> Option<(ObjectTexts<'static>, String)> {
    let (text, mut spans, mut constant) = (line(object), Spans::default(), Vec::new());
    parse(&text, &mut spans).ok()?;
    let [name, uid, resource_version] = Event::new(&text, &spans)
        .split_object(&mut constant)?
        .map(|text| text.map(|text| Text::Owned(text.to_owned())));
    Some((ObjectTexts { name, uid, resource_version }, String::from_utf8(constant).ok()?))
}

fn seen(object: &ObjectReference<'_>) -> [Option<String>; 5] {
    [&object.resource, &object.namespace, &object.api_group, &object.api_version, &object.subresource]
        .map(|text| text.as_deref().map(str::to_owned))
}

#[test]
fn what_is_not_in_its_usual_form_is_not_split() {
    for raw in [
        "{}",
        r#"{"resource":"pods","name":""}"#,
        r#"{"resource":"pods","apiGroup":""}"#,
        r#"{"name":"a","resource":"pods"}"#,
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a\u0026"}"#,
        r#"{"resource":"a\u0026","name":"b"}"#,
        "{\"name\":\"a\n\"}",
        r#"{"name":"a","extra":"b"}"#,
        r#"{ "name":"a"}"#,
        r#"{"name":null}"#,
        r#"{,"name":"a"}"#,
        r#"{"resource":"pods","name":"a"#,
    ] {
        assert_eq!(split(raw), None, "{raw}");
    }
}

#[test]
fn a_caller_is_all_from_user_to_user_agent() {
    let head = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get""#;
    let user = r#","user":{"username":"system:serviceaccount:kube-system:someone","uid":"1"}"#;
    for (members, remembered) in [
        (r#","sourceIPs":["::1"],"userAgent":"x","objectRef":{}}"#, true),
        (r#","userAgent":"\u0026"}"#, true),
        (r#","sourceIPs":["::1"]}"#, false),
        (r#","impersonatedUser":{}}"#, false),
    ] {
        let (text, mut spans) = ([head, user, members].concat(), Spans::default());
        assert_eq!(parse(&text, &mut spans), Ok(text.len()), "{text}");
        let first = Event::new(&text, &spans).caller();
        assert_eq!(first.is_some(), remembered, "{text}");
        // The same caller on another line, and another one in its place.
        let longer = text.replace(head, &head.replace("get", "delete"));
        assert_eq!(parse(&longer, &mut spans), Ok(longer.len()));
        assert_eq!(Event::new(&longer, &spans).caller(), first);
        let other = text.replace("someone", "anyone ");
        assert_eq!(parse(&other, &mut spans), Ok(other.len()));
        assert!(!remembered || Event::new(&other, &spans).caller() != first);
    }
}

#[test]
fn annotations_have_a_name_where_they_end_the_line() {
    let head = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","annotations":"#;
    let mut spans = Spans::default();
    let mut name = |text: &str| {
        assert!(parse(text, &mut spans).is_ok(), "{text}");
        Event::new(text, &spans).annotations()
    };
    let first = name(&format!("{head}{{\"a\":\"}}\"}}}}"));
    assert!(first.is_some());
    assert_eq!(name(&format!("{head}{{\"a\":\"}}\"}}}}")), first);
    assert_ne!(name(&format!("{head}{{\"a\":\"{{\"}}}}")), first);
    assert_eq!(name(&format!("{head}{{\"a\":\"}}\"}}}} ")), None);
    let deep = format!("{head}{{\"a\":{}{}}}}}", "[".repeat(2000), "]".repeat(2000));
    assert_eq!(name(&deep), None);
    assert_eq!(name(&deep), None);
}

/// A lane may go on behind what this one found, where any key may come again.
#[test]
fn what_is_known_of_a_value_goes_with_it() {
    let text = line(r#"{"resource":"pods","name":"a"}"#)
        .replace(r#""objectRef""#, r#""user":{"username":"a"},"userAgent":"b","objectRef""#);
    let text = text.strip_suffix('}').unwrap().to_owned();
    let text = text + r#","responseStatus":{"metadata":{},"code":200},"annotations":{"a":"b"}}"#;
    let known = |spans: &Spans| {
        let event = Event::new(&text, spans);
        let object = event.split_object(&mut Vec::new()).is_some();
        (
            event.plain(Key::Level).is_some(),
            event.caller().is_some(),
            object,
            event.usual_code(),
            event.annotations().is_some(),
        )
    };
    let mut spans = Spans::default();
    assert_eq!(parse(&text, &mut spans), Ok(text.len()), "{text}");
    assert_eq!(known(&spans), (true, true, true, 200, true));
    let lost = [
        (Key::Level, (false, true, true, 200, true)),
        (Key::ImpersonatedUser, (false, false, true, 200, true)),
        (Key::ObjectRef, (false, false, false, 200, true)),
        (Key::ResponseStatus, (false, false, false, 0, true)),
        (Key::Annotations, (false, false, false, 0, false)),
    ];
    for (key, left) in lost {
        spans.set_anywhere(key, 1, 2);
        assert_eq!(known(&spans), left, "{key:?}");
    }
}

/// Where the lane stops, the general one goes on: behind the last value, whatever comes there.
#[test]
fn what_was_found_is_not_looked_for_again() {
    let whole = line("{}");
    for rest in ["", ",\"zzz\":1}", " }", ",\"level\":\"a\"}", ",\"verb\":1}", "]"] {
        let text = whole.strip_suffix('}').unwrap().to_owned() + rest;
        let (mut spans, mut slow) = (Spans::default(), Spans::default());
        let left = parse(&text, &mut spans).unwrap_err();
        assert_eq!(left, whole.len() - 1, "{text}");
        assert_eq!(general::resume(&text, &mut spans, left), general::parse(&text, &mut slow), "{text}");
        let (one, two) = (Event::new(&text, &spans), Event::new(&text, &slow));
        assert!(Key::ALL.into_iter().all(|key| one.get(key) == two.get(key)), "{text}");
        assert!(one.unknown().eq(two.unknown()) && one.repairs() == two.repairs(), "{text}");
    }
}

proptest! {
    #[test]
    fn annotations_and_statuses_of_earlier_lines_change_nothing(
        lines in prop::collection::vec(
            (
                "\\{(\"metadata\":\\{\\},)?\"code\":[0-9]{2,4}(,\"x\":1)?\\}",
                "\\{(\"[ab]{1,2}\":\"[ab}\\\\\"]{0,3}\",?){0,3}\\}",
                "(\\}| \\}|,\"a\":1\\}|\\}\\{\"kind\":\"Event\"|\\}\\}\\}|)",
            ),
            1..40,
        ),
    ) {
        let mut known = Spans::default();
        for (status, annotations, rest) in &lines {
            let text = format!(
                "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"responseStatus\":{status},\"annotations\":{annotations}{rest}",
            );
            let (mut new, mut slow) = (Spans::default(), Spans::default());
            let end = parse(&text, &mut known);
            prop_assert_eq!(end, parse(&text, &mut new));
            if let Ok(end) = end {
                prop_assert_eq!(general::parse(&text, &mut slow), Ok(end));
                let (one, two) = (Event::new(&text, &known), Event::new(&text, &new));
                let three = Event::new(&text, &slow);
                for key in Key::ALL {
                    prop_assert_eq!((one.get(key), one.plain(key)), (two.get(key), two.plain(key)));
                    prop_assert_eq!(one.get(key), three.get(key));
                }
            }
        }
    }

    #[test]
    fn a_split_reference_says_what_the_whole_one_says(
        values in prop::collection::vec(prop::option::of("[a-zé.:/-]{1,40}"), 8),
    ) {
        let keys =
            ["resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource"];
        let member = |(key, value): (&&str, &Option<String>)| Some(format!("\"{key}\":\"{}\"", value.as_ref()?));
        let members: Vec<String> = keys.iter().zip(&values).filter_map(member).collect();
        prop_assume!(!members.is_empty());
        let raw = format!("{{{}}}", members.join(","));
        let (texts, constant) = split(&raw).unwrap();
        let (whole, rest) = (ObjectReference::parse(&raw).unwrap(), ObjectReference::parse(&constant).unwrap());
        prop_assert_eq!(&texts, &whole.texts);
        prop_assert_eq!(seen(&rest), seen(&whole));
        prop_assert_eq!((rest.rest, rest.present), (whole.rest, whole.present));
    }

    #[test]
    fn callers_of_earlier_lines_change_nothing(
        lines in prop::collection::vec(
            ("[ab]", "(,\"impersonatedUser\":\\{\\})?", "[ab]{1,2}", "(\\\\u0026)?", 0..3usize),
            1..40,
        ),
    ) {
        let mut known = Spans::default();
        for (name, other, agent, escape, cut) in &lines {
            let caller = format!(
                "{{\"username\":\"system:serviceaccount:kube-system:somebody-{name}\"}}{other},\"userAgent\":\"{agent}{escape}\"",
            );
            let text = format!(
                "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"user\":{caller}}}",
            );
            let text = &text[..text.len() - cut];
            let mut new = Spans::default();
            prop_assert_eq!(parse(text, &mut known), parse(text, &mut new));
            let (one, two) = (Event::new(text, &known), Event::new(text, &new));
            for key in Key::ALL {
                prop_assert_eq!((one.get(key), one.plain(key)), (two.get(key), two.plain(key)));
            }
        }
    }

    #[test]
    fn the_lane_finds_what_the_general_one_finds(
        object in "\\{(\"(name|uid|resource)\":\"[a-z\\\\\"]{0,3}\",?){0,3}\\}",
    ) {
        let (text, mut fast, mut slow) = (line(&object), Spans::default(), Spans::default());
        if let Ok(end) = parse(&text, &mut fast) {
            prop_assert_eq!(general::parse(&text, &mut slow), Ok(end));
            let (fast, slow) = (Event::new(&text, &fast), Event::new(&text, &slow));
            for key in Key::ALL {
                prop_assert_eq!(fast.get(key), slow.get(key));
            }
        }
    }
}
