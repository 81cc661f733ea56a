//! The schema drops nothing: a line as kube-apiserver writes it comes back from its row, byte for byte.

use auditwake_core::reader::Options;
use auditwake_core::restore::Restorer;
use auditwake_core::stats::Outcome;
use proptest::prelude::*;

use super::pass;
use super::strategy::{canonical, compact};

/// All rows written back, each with a newline.
fn restored(pass: &pass::Pass) -> String {
    let mut out = Vec::new();
    for batch in &pass.batches {
        let restorer = Restorer::new(batch).unwrap();
        for row in 0..restorer.len() {
            restorer.write(row, &mut out);
            out.push(b'\n');
        }
    }
    String::from_utf8(out).unwrap()
}

fn assert_lossless(line: &str) {
    let pass = pass::read(line.as_bytes(), Options::default());
    assert_eq!(pass.outcomes.total(Outcome::Ok).lines, 1, "{line}\n{:?}", pass.rejected);
    assert_eq!(restored(&pass).trim_end_matches('\n'), line);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(3000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_lines_come_back(events in prop::collection::vec(canonical(), 1..6)) {
        let text: String = events.iter().map(|event| compact(event) + "\n").collect();
        let pass = pass::read(text.as_bytes(), Options::default());
        prop_assert_eq!(restored(&pass), text);
    }
}

/// An event with some of its values replaced.
fn event(values: &[(&str, &str)]) -> String {
    let mut members = vec![
        ("kind", r#""Event""#),
        ("apiVersion", r#""audit.k8s.io/v1""#),
        ("level", r#""Metadata""#),
        ("auditID", r#""1""#),
        ("stage", r#""ResponseComplete""#),
        ("requestURI", r#""/""#),
        ("verb", r#""get""#),
        ("user", r#"{"username":"a"}"#),
        ("objectRef", ""),
        ("responseStatus", r#"{"metadata":{},"code":200}"#),
        ("requestReceivedTimestamp", r#""2026-11-24T00:10:19.000001Z""#),
        ("stageTimestamp", r#""2026-11-24T00:10:19.000002Z""#),
    ];
    for &(key, value) in values {
        match members.iter_mut().find(|member| member.0 == key) {
            Some(member) => member.1 = value,
            None => members.push((key, value)),
        }
    }
    let members = members.iter().filter(|member| !member.1.is_empty());
    let members: Vec<String> = members.map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn unknown_keys_with_escapes_come_back() {
    assert_lossless(&event(&[(r"a\u003cb\u003e\u0026\u2028\\\u0022", "[1,2]")]));
    assert_lossless(&event(&[("user", r#"{"username":"a","x\u003cy":{"\u003c":"\u003c"}}"#)]));
    assert_lossless(&event(&[("responseStatus", r#"{"metadata":{},"code":200,"z\n":1}"#)]));
}

#[test]
fn empty_and_absent_differ() {
    for value in ["{}", r#"{"username":""}"#, r#"{"groups":[]}"#, r#"{"extra":{}}"#, r#"{"extra":{"a":[]}}"#]
    {
        assert_lossless(&event(&[("user", value)]));
    }
    for value in ["{}", r#"{"apiGroup":""}"#, r#"{"name":""}"#, r#"{"resource":"pods","apiGroup":"","x":1}"#]
    {
        assert_lossless(&event(&[("objectRef", value)]));
    }
    for value in [r#"{"metadata":{}}"#, r#"{"metadata":{},"status":"","message":"","code":0}"#] {
        assert_lossless(&event(&[("responseStatus", value)]));
    }
}

#[test]
fn details_and_list_metadata_come_back() {
    for value in [
        r#"{"metadata":{"resourceVersion":"1"},"code":200}"#,
        r#"{"metadata":{},"status":"Failure","message":"m","reason":"NotFound","details":{"name":"x","causes":[{}]},"code":404}"#,
        r#"{"metadata":{},"details":{}}"#,
        r#"{"metadata":{},"message":"\ufffd","details":{"name":"\ufffd"},"code":404}"#,
    ] {
        assert_lossless(&event(&[("responseStatus", value)]));
    }
}

#[test]
fn strings_that_go_writes_in_two_ways_come_back() {
    for text in [
        r#""\ufffd""#,
        "\"\u{fffd}\"",
        r#""\b\f\u0008\u000c""#,
        r#""\u2028\u2029\u003c\u003e\u0026""#,
        r#""\\ufffd""#,
    ] {
        assert_lossless(&event(&[("requestURI", text), ("auditID", text), ("verb", text)]));
        assert_lossless(&event(&[(
            "user",
            &format!(r#"{{"username":{text},"groups":[{text}],"extra":{{{text}:[{text}]}}}}"#),
        )]));
    }
}
