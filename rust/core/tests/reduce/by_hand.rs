//! Bodies and what Go leaves of them: the answers of `copyWithoutManagedFields` of k8s.io/apiserver 0.37.2 for the type
//! that each body is of, and whole events with every byte that should be left.

use auditwake_core::policy::level::Level;
use auditwake_core::policy::reduce::{Reducer, Unreduced};

const FIELDS: &str = r#""managedFields":[{"manager":"m","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]"#;

fn reduce(event: &str, to: Level, omit: bool) -> String {
    let text = Reducer::default().reduce(event.as_bytes(), to, omit).unwrap().text.to_vec();
    String::from_utf8(text).unwrap()
}

fn with_bodies(verb: &str, request: &str, response: &str) -> String {
    format!(
        r#"{{"level":"RequestResponse","verb":"{verb}","requestObject":{request},"responseObject":{response},"x":1}}"#
    )
}

/// `FIELDS` stands for `$,` or `,$`, so that what is cut can be seen.
fn assert_body(body: &str, left: &str) {
    let full = body.replace('$', FIELDS);
    let left = left.replace('$', FIELDS);
    let event = with_bodies("update", &full, &full);
    let wanted = with_bodies("update", &left, &left);
    assert_eq!(reduce(&event, Level::RequestResponse, true), wanted);
    assert_eq!(reduce(&event, Level::RequestResponse, false), event);
    let patch = with_bodies("patch", &full, &left);
    assert_eq!(reduce(&with_bodies("patch", &full, &full), Level::RequestResponse, true), patch, "a patch");
}

#[test]
fn objects() {
    assert_body(
        r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a",$},"data":{"k":"v"}}"#,
        r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"k":"v"}}"#,
    );
    assert_body(r#"{"metadata":{$}}"#, r#"{"metadata":{}}"#);
    assert_body(r#"{"metadata":{$,"name":"a"}}"#, r#"{"metadata":{"name":"a"}}"#);
    assert_body(r#"{"metadata":{"a":1,$,"b":2}}"#, r#"{"metadata":{"a":1,"b":2}}"#);
    assert_body(r#"{"metadata":{$,$,"b":2,$,$}}"#, r#"{"metadata":{"b":2}}"#);
    assert_body(r#"{ "metadata" : { $ , "b" : 2 , $ } }"#, r#"{ "metadata" : { "b" : 2 } }"#);
    let template = r#"{"metadata":{},"template":{"metadata":{$}},"labels":{$},$}"#;
    assert_body(template, template);
}

#[test]
fn what_has_no_metadata_is_left_alone() {
    for body in [
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"code":200}"#,
        r#"{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}"#,
        r#"{"metadata":"x"}"#,
        r#"{"metadata":[{$}]}"#,
        r#"[{"metadata":{$}}]"#,
        r#""{\"metadata\":{\"managedFields\":[]}}""#,
        "null",
        "1e400",
        "{}",
    ] {
        assert_body(body, body);
    }
}

#[test]
fn lists() {
    assert_body(
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{"metadata":{$}},{"metadata":{"a":1,$}},{}]}"#,
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{"metadata":{}},{"metadata":{"a":1}},{}]}"#,
    );
    // A custom resource with items of its own is an object and a list.
    assert_body(
        r#"{"items":[{"metadata":{$}}],"kind":"Foo","metadata":{$}}"#,
        r#"{"items":[{"metadata":{}}],"kind":"Foo","metadata":{}}"#,
    );
    assert_body(
        r#"{"items":{"metadata":{$}},"metadata":{$}}"#,
        r#"{"items":{"metadata":{$}},"metadata":{}}"#,
    );
    assert_body(r#"{"items":[],"metadata":{$}}"#, r#"{"items":[],"metadata":{}}"#);
}

#[test]
fn a_list_in_a_list_is_an_object() {
    assert_body(
        r#"{"metadata":{$},"items":[{"metadata":{$},"items":[{"metadata":{$}}]}]}"#,
        r#"{"metadata":{},"items":[{"metadata":{},"items":[{"metadata":{$}}]}]}"#,
    );
}

#[test]
fn go_keeps_all_of_a_list_with_an_odd_item() {
    for item in ["null", r#""s""#, "[]"] {
        let body = format!(r#"{{"metadata":{{$}},"items":[{{"metadata":{{$}}}},{item}]}}"#);
        assert_body(&body, &body);
    }
    let list = r#"{"kind":"List","apiVersion":"v1","metadata":{},"items":[{"metadata":{$}}]}"#;
    assert_body(list, list);
}

#[test]
fn tables() {
    let rows = |left: &str| {
        format!(
            concat!(
                r#""metadata":{{}},"columnDefinitions":[{{"name":"Name"}}],"rows":[{{"cells":["a"],"object":"#,
                r#"{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{{"name":"a"{0}}}}}}},"#,
                r#"{{"cells":["b"],"object":{{"kind":"Pod","metadata":{{"name":"b"{0}}},"items":[]}}}},"#,
                r#"{{"cells":["c"],"object":null}},{{"cells":["d"]}}]"#
            ),
            left
        )
    };
    for version in ["meta.k8s.io/v1", "meta.k8s.io/v1beta1"] {
        let table = |left| format!(r#"{{"kind":"Table","apiVersion":"{version}",{}}}"#, rows(left));
        assert_body(&table(",$"), &table(""));
    }
    // Somebody's own kind.
    let table = format!(r#"{{"kind":"Table","apiVersion":"example.com/v1",{}}}"#, rows(",$"));
    assert_body(&table, &table);
}

#[test]
fn events() {
    let event = concat!(
        r#"{ "kind":"Event", "level" : "RequestResponse" ,"requestObject":{"a":"\u003c"} ,"verb":"create","#,
        r#""responseObject":[1e400], "extra":[ 1 ],"annotations":{"a":"b","#,
        r#""patch.webhook.admission.k8s.io/round_0_index_12":"{\"patch\":[]}"} }"#
    );
    let cases = [
        (Level::RequestResponse, event.to_owned()),
        (
            Level::Request,
            event.replace(r#""RequestResponse""#, r#""Request""#).replace(r#","responseObject":[1e400]"#, ""),
        ),
        (
            Level::Metadata,
            concat!(
                r#"{ "kind":"Event", "level" : "Metadata" ,"verb":"create", "extra":[ 1 ],"#,
                r#""annotations":{"a":"b"} }"#
            )
            .to_owned(),
        ),
    ];
    for (to, wanted) in cases {
        assert_eq!(reduce(event, to, false), wanted);
    }
}

#[test]
fn annotations_that_go_with_the_bodies() {
    for (annotations, left) in [
        (r#","annotations":{"patch.webhook.admission.k8s.io/round_0_index_0":"x"}"#, ""),
        (r#","annotations":{"audit.k8s.io/truncated":"true"}"#, ""),
        (r#","annotations":{}"#, r#","annotations":{}"#),
        (r#","annotations":null"#, r#","annotations":null"#),
        (r#","annotations":{"audit.k8s.io/truncated":"true","b":"c"}"#, r#","annotations":{"b":"c"}"#),
        (
            r#","annotations":{"patch.webhook.admission.k8s.io/mine":"x"}"#,
            r#","annotations":{"patch.webhook.admission.k8s.io/mine":"x"}"#,
        ),
    ] {
        let event = |level: &str, rest: &str| format!(r#"{{"level":"{level}"{rest}}}"#);
        assert_eq!(reduce(&event("Request", annotations), Level::Metadata, false), event("Metadata", left));
        assert_eq!(
            reduce(&event("Request", annotations), Level::Request, false),
            event("Request", annotations)
        );
    }
}

#[test]
fn every_spelling_and_every_copy_of_a_body_goes() {
    let event = r#"{"requestO\u0062ject":1,"level":"Metadata","requestObject":{},"a":0,"requestObject":null,"\u0072esponseObject":2}"#;
    assert_eq!(reduce(event, Level::RequestResponse, true), r#"{"level":"Metadata","a":0}"#);
    assert_eq!(reduce(r#"{"requestObject":{},"responseObject":{}}"#, Level::RequestResponse, false), "{}");
    let others = r#"{"level":"Metadata","RequestObject":1,"requestobject":2,"x":{"requestObject":3}}"#;
    assert_eq!(reduce(others, Level::Metadata, true), others);
}

#[test]
fn a_level_never_rises() {
    for (recorded, to, level) in [
        ("Metadata", Level::RequestResponse, "Metadata"),
        ("Request", Level::RequestResponse, "Request"),
        ("Request", Level::None, "None"),
        ("request", Level::Request, "request"),
    ] {
        let event = |level: &str| format!(r#"{{"level":"{level}"}}"#);
        assert_eq!(reduce(&event(recorded), to, false), event(level));
    }
    // Go reads the last level, and takes `null` for no level at all.
    let event =
        r#"{"level":"RequestResponse","level":"Request","level":null,"requestObject":1,"responseObject":2}"#;
    let left = r#"{"level":"Request","level":"Request","level":null,"requestObject":1}"#;
    assert_eq!(reduce(event, Level::RequestResponse, false), left);
}

#[test]
fn what_is_no_json_object_is_refused() {
    let refused =
        |text: &str| Reducer::default().reduce(text.as_bytes(), Level::Metadata, false).unwrap_err();
    for (text, why) in [
        ("", Unreduced::NotAnObject(0)),
        (" [1]", Unreduced::NotAnObject(1)),
        (r#"{"requestObject":{"#, Unreduced::Cut(18)),
        (r#"{"requestObject":1e"#, Unreduced::Cut(19)),
        (r#"{"requestObject":{"a":[}}}"#, Unreduced::Invalid(23)),
        (r#"{"requestObject":{"a":]},"b":"secret"}"#, Unreduced::Invalid(22)),
        (r#"{"user":{"a":[},"requestObject":{}]}"#, Unreduced::Invalid(14)),
        (r#"{"a":1}{"requestObject":1}"#, Unreduced::Invalid(7)),
        (r#"{"a":1,}"#, Unreduced::Invalid(7)),
        (r#"{"a":nul"#, Unreduced::Cut(8)),
        ("{\"a\":\"\n\"}", Unreduced::Invalid(6)),
        (r#"{"a":"\q"}"#, Unreduced::Invalid(7)),
        (r#"{"a":"\u12"}"#, Unreduced::Invalid(10)),
    ] {
        let refused = refused(text);
        assert_eq!((refused, refused.offset()), (why, why.offset()), "{text}");
    }
    assert_eq!(refused("{").to_string(), "the event is cut at byte 1");
}
