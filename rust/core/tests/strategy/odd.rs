//! Lines that other writers make of events: other order and white space, values of other types, keys twice.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::strategy::{Members, canonical, go_string};

#[derive(Clone, Copy, Debug)]
enum Edit {
    Replace(Index, &'static str),
    Duplicate(Index, &'static str),
    Swap(Index, Index),
    Remove(Index),
    Insert(Index, &'static str),
    EscapeKey(Index),
}

const VALUES: &[&str] = &[
    "null",
    "5",
    "-0",
    "1e400",
    "true",
    r#""x""#,
    r#""""#,
    r#""\ud800\udc00 \udfff\/\u0041""#,
    "[]",
    r#"["a","b"]"#,
    r#"["a",null]"#,
    "{}",
    r#"{"a":"b","a":"c"}"#,
    r#"{"a":"b","c":null}"#,
    r#"{"a":["b"]}"#,
    r#"{"username":"a","username":"b","groups":["g"]}"#,
    r#"{"username":"a","username":7}"#,
    r#"{"username":null,"groups":[1]}"#,
    r#"{ "user\u006eame" : "escaped", "extra" : { "k" : [ "v" , "w" ] , "k" : [] } }"#,
    r#"{"extra":{"k":"v"},"uid":""}"#,
    r#"{"metadata":{},"code":"200"}"#,
    r#"{"code":200,"code":404,"status":null}"#,
    r#"{"code":99999}"#,
    r#"{"code":1.5,"details":{"x":1e999}}"#,
    r#"{"resource":"pods","apiGroup":"","other":{"deep":[[[]]]}}"#,
    r#"{"impersonationConstraint":"impersonate:user-info","x":[1, 2]}"#,
    r#"{"authorization.k8s.io/decision":"allow","authorization.k8s.io/decision":"forbid"}"#,
    r#""2026-11-24T00:10:19Z""#,
    r#""2026-11-24t00:10:19.5+05:30""#,
    r#""2026-11-24 00:10:19.123456789z""#,
    r#""2026-02-30T00:10:19.000000Z""#,
    r#""2026-11-24T23:59:60.000000Z""#,
    r#""0000-01-01T00:00:00.000000+00:01""#,
    r#""2026-11-24T00:10:19.000000\u005a""#,
];

/// A line with up to three oddities, and in an order and spacing of its own.
pub(crate) fn odd_line() -> impl Strategy<Value = String> {
    let edits = prop::collection::vec(edit(), 0..4);
    let spaces = prop::collection::vec(select(vec!["", "", "", " ", "\t", "  ", " \r "]), 1..8);
    (canonical(), edits, any::<bool>(), spaces)
        .prop_map(|(mut members, edits, shuffle, spaces)| {
            let mut escaped = Vec::new();
            for edit in edits {
                apply(&mut members, edit, &mut escaped);
            }
            (members, escaped, shuffle, spaces)
        })
        .prop_flat_map(|(members, escaped, shuffle, spaces)| {
            let order = if shuffle { Just(members).prop_shuffle().boxed() } else { Just(members).boxed() };
            (order, Just(escaped), Just(spaces))
        })
        .prop_map(|(members, escaped, spaces)| render(&members, &escaped, &spaces))
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    let value = || select(VALUES);
    prop_oneof![
        4 => (index(), value()).prop_map(|(at, value)| Edit::Replace(at, value)),
        3 => (index(), value()).prop_map(|(at, value)| Edit::Duplicate(at, value)),
        1 => (index(), index()).prop_map(|(from, to)| Edit::Swap(from, to)),
        1 => index().prop_map(Edit::Remove),
        2 => (index(), value()).prop_map(|(at, value)| Edit::Insert(at, value)),
        1 => index().prop_map(Edit::EscapeKey),
    ]
}

fn apply(members: &mut Members, edit: Edit, escaped: &mut Vec<String>) {
    if members.is_empty() {
        return;
    }
    // Most edits leave the type alone, or the line is seldom an event.
    let pick = |at: Index| {
        if members.len() > 3 { (at.index(members.len() * 4) / 4).max(at.index(8).min(2)) } else { 0 }
    };
    match edit {
        Edit::Replace(at, value) => {
            let place = pick(at);
            value.clone_into(&mut members[place].1);
        }
        Edit::Duplicate(at, value) => {
            let place = pick(at);
            let key = members[place].0.clone();
            members.insert((place + 1 + at.index(3)).min(members.len()), (key, value.to_owned()));
        }
        Edit::Swap(from, to) => {
            let (from, to) = (pick(from), pick(to));
            members.swap(from, to);
        }
        Edit::Remove(at) => {
            let place = pick(at);
            members.remove(place);
        }
        Edit::Insert(at, value) => {
            let place = pick(at);
            members.insert(place, ("verbs".to_owned(), value.to_owned()));
        }
        Edit::EscapeKey(at) => escaped.push(members[pick(at)].0.clone()),
    }
}

/// Escaped keys are for lines that begin as kube-apiserver begins them: what wraps an event is told by plain keys.
fn render(members: &Members, escaped: &[String], spaces: &[&str]) -> String {
    let head: Vec<&str> = members.iter().take(2).map(|member| &*member.0).collect();
    let native = head == ["kind", "apiVersion"] && members[1].1.starts_with("\"audit.k8s.io/");
    let native = native && members[0].1 == "\"Event\"";
    let mut spaces = spaces.iter().cycle();
    let mut line = String::from("{");
    for (place, (key, value)) in members.iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        // A native beginning has no white space, so that it is known by its bytes.
        let mut space = || if native && place < 2 { "" } else { spaces.next().copied().unwrap_or_default() };
        let key = match key.chars().next() {
            Some(first) if native && place > 1 && escaped.contains(key) => {
                format!("\"\\u{:04x}{}", u32::from(first), &go_string(&key[first.len_utf8()..])[1..])
            }
            _ => go_string(key),
        };
        let parts = [space(), &key, space(), ":", space(), value, space()];
        line.extend(parts);
    }
    line.push('}');
    line
}
