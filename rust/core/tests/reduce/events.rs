//! Events with bodies of every kind, and lines that other writers make of them.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::strategy::{Members, canonical, go_string};

/// An event of any level, with bodies and annotations that a lower level changes.
pub(crate) fn event() -> impl Strategy<Value = Members> {
    let level = prop_oneof![
        8 => select(vec!["Metadata", "Request", "RequestResponse"]).prop_map(go_string),
        1 => select(vec![r#""None""#, r#""request""#, "null", "5", r#""Requ\u0065st""#]).prop_map(str::to_owned),
    ];
    let verb = select(vec!["create", "patch", "update", "list"]).prop_map(go_string);
    let body = || prop::option::weighted(0.8, body());
    let annotations = prop::option::weighted(0.7, annotations());
    (canonical(), level, verb, body(), body(), annotations).prop_map(
        |(mut members, level, verb, request, response, annotations)| {
            members.retain(|(key, _)| !key.ends_with("Object") && key != "annotations");
            for (key, value) in &mut members {
                match &**key {
                    "level" => value.clone_from(&level),
                    "verb" => value.clone_from(&verb),
                    _ => {}
                }
            }
            let place = members.iter().position(|(key, _)| key == "requestReceivedTimestamp").unwrap();
            let bodies = [("requestObject", request), ("responseObject", response)];
            let bodies: Members =
                bodies.into_iter().filter_map(|(key, body)| Some((key.to_owned(), body?))).collect();
            members.splice(place..place, bodies);
            members.extend(annotations.map(|annotations| ("annotations".to_owned(), annotations)));
            members
        },
    )
}

/// The event on a line of its own order, white space and escapes, with keys that stand twice.
pub(crate) fn line() -> impl Strategy<Value = String> {
    let spaces = prop::collection::vec(select(vec!["", "", "", " ", "\t", " \r "]), 1..8);
    let again = prop::collection::vec((any::<Index>(), any::<Index>(), any::<bool>()), 0..3);
    (event(), event(), again, prop::bool::weighted(0.3), spaces)
        .prop_flat_map(|(mut members, others, again, shuffle, spaces)| {
            for (from, to, own) in again {
                let source = if own { &members } else { &others };
                let member = source[from.index(source.len())].clone();
                members.insert(to.index(members.len() + 1), member);
            }
            let members = if shuffle { Just(members).prop_shuffle().boxed() } else { Just(members).boxed() };
            (members, Just(spaces), any::<u32>())
        })
        .prop_map(|(members, spaces, escaped)| render(&members, &spaces, escaped))
}

fn render(members: &Members, spaces: &[&str], escaped: u32) -> String {
    let mut spaces = spaces.iter().cycle();
    let mut line = String::from("{");
    for (place, (key, value)) in members.iter().enumerate() {
        let key = if escaped >> (place % 32) & 7 == 7 { escape(key) } else { go_string(key) };
        line.push_str(if place > 0 { "," } else { "" });
        let mut space = || spaces.next().copied().unwrap_or_default();
        line.extend([space(), &key, space(), ":", space(), value, space()]);
    }
    line.push('}');
    line
}

/// A key with its last character escaped.
fn escape(key: &str) -> String {
    match key.chars().last() {
        Some(last) if u32::from(last) < 0x1_0000 => {
            let rest = go_string(&key[..key.len() - last.len_utf8()]);
            format!("{}\\u{:04X}\"", &rest[..rest.len() - 1], u32::from(last))
        }
        _ => go_string(key),
    }
}

fn annotations() -> impl Strategy<Value = String> {
    let key = select(vec![
        "patch.webhook.admission.k8s.io/round_0_index_0",
        "patch.webhook.admission.k8s.io/round_12_index_3",
        r"patch.webhook.admission.k8s.io\/round_1_index_1",
        "patch.webhook.admission.k8s.io/round_x_index_0",
        "patch.webhook.admission.k8s.io/round_0_index_",
        "mutation.webhook.admission.k8s.io/round_0_index_0",
        "audit.k8s.io/truncated",
        "authorization.k8s.io/decision",
    ]);
    let member = (key, select(vec![r#""x""#, r#""{\"a\":\"requestObject\"}""#, "null"]));
    let member = member.prop_map(|(key, value)| format!("\"{key}\":{value}"));
    prop_oneof![
        8 => prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        1 => select(vec!["null", "[]", r#""x""#]).prop_map(str::to_owned),
    ]
}

/// Any body: an object, a list, a table, or none of them.
pub(crate) fn body() -> impl Strategy<Value = String> {
    let rows = prop::collection::vec(
        prop_oneof![
            object().prop_map(|object| format!(r#"{{"cells":["a",1],"object":{object}}}"#)),
            Just(r#"{"cells":[],"object":null}"#.to_owned()),
        ],
        0..3,
    );
    let items = prop::collection::vec(
        prop_oneof![9 => object(), 1 => select(vec!["null", "7", "[]"]).prop_map(str::to_owned)],
        0..4,
    );
    let kinds = select(vec![
        r#""kind":"Table","apiVersion":"meta.k8s.io/v1""#,
        r#""kind":"Table","apiVersion":"meta.k8s.io\/v1beta1""#,
        r#""kind":"Table","apiVersion":"example.com/v1""#,
        r#""kind":"List","apiVersion":"v1""#,
        r#""kind":"PodList","apiVersion":"v1""#,
        r#""apiVersion":"v1","kind":"Pod","kind":"Li\u0073t""#,
        r#""kind":null"#,
    ]);
    let whole =
        (kinds, metadata(), items, rows, any::<bool>()).prop_map(|(kind, metadata, items, rows, late)| {
            let lists = format!(r#""items":[{}],"rows":[{}]"#, items.join(","), rows.join(","));
            if late {
                format!("{{{metadata},{lists},{kind}}}")
            } else {
                format!("{{{kind},{metadata},{lists}}}")
            }
        });
    prop_oneof![
        4 => whole,
        4 => object(),
        1 => select(vec!["null", "{}", "[]", r#""text""#, "1.5", r#"[{"op":"add","path":"/metadata/managedFields"}]"#])
            .prop_map(str::to_owned),
    ]
}

fn object() -> impl Strategy<Value = String> {
    let spec = select(vec![
        "",
        r#","spec":{"metadata":{"managedFields":[1]},"requestObject":{}}"#,
        r#", "data" : {"managedFields":[]} "#,
        r#","metadata":{"managedFields":{}}"#,
    ]);
    (metadata(), spec).prop_map(|(metadata, spec)| format!("{{{metadata}{spec}}}"))
}

/// A member `metadata`, with managed fields in any place.
fn metadata() -> impl Strategy<Value = String> {
    let members = select(vec![
        r#""managedFields":[{"manager":"m","fieldsV1":{"f:metadata":{}}}]"#,
        r#""managed\u0046ields":null"#,
        r#""managedFields" : "x""#,
        r#""name":"a""#,
        r#""labels":{"managedFields":"label"}"#,
    ]);
    let members = prop::collection::vec(members, 0..4).prop_map(|members| members.join(" , "));
    prop_oneof![
        8 => members.prop_map(|members| format!(r#""metadata":{{{members}}}"#)),
        1 => select(vec![r#""metadata":null"#, r#""metad\u0061ta":{"managedFields":[]}"#, r#""other":{}"#])
            .prop_map(str::to_owned),
    ]
}
