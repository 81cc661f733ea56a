//! Events, batches of them, and settings.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use auditwake_core::payload::compress::Compression;
use auditwake_core::payload::{Format, Settings};
use proptest::prelude::*;
use proptest::sample::select;

/// Milliseconds since the epoch.
pub(crate) const MADE: i64 = 1_789_898_400_123;

/// More of them by `PAYLOAD_CASES`.
pub(crate) fn cases() -> u32 {
    std::env::var("PAYLOAD_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500)
}

pub(crate) fn settings(format: Format, compression: Compression) -> Settings {
    let attributes = [
        ("hostname", "node-1"),
        ("service", "audit"),
        ("ddsource", "kubernetes.audit"),
        ("ddtags", "env:\"dev\",a:b"),
        ("host", "node-1"),
        ("sourcetype", "_json"),
    ];
    Settings {
        format,
        compression,
        max_events: 10_000,
        max_bytes: 5_000_000,
        max_event_bytes: None,
        attributes: attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
    }
}

/// A batch as a tail gives it; events have no time of their own where their number is a multiple of three.
pub(crate) fn batch(events: &[Vec<u8>]) -> RecordBatch {
    let numbers = 0..events.len() as i64;
    let time = |number| (number % 3 > 0).then_some(1_789_898_400_000_000 + number);
    let times: TimestampMicrosecondArray = numbers.clone().map(time).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("raw", Arc::new(BinaryArray::from_iter_values(events))),
        ("src_file", Arc::new(StringArray::from_iter_values(events.iter().map(|_| "audit.log")))),
        ("src_offset", Arc::new(Int64Array::from_iter_values(numbers.map(|number| number * 7)))),
        ("ts_stage", Arc::new(times.with_timezone("UTC"))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// An event, or another line; without line breaks.
pub(crate) fn event() -> impl Strategy<Value = Vec<u8>> {
    let odd = select(vec![
        "",
        "{}",
        " { } ",
        "no JSON",
        "[1]",
        "{\"a\":",
        "\"text\"",
        "\t\u{1}\"\\",
        "{\"a\":\"\u{2028}é\"}",
    ]);
    prop_oneof![
        8 => prop::collection::vec(member(), 0..6).prop_map(|members| {
            let line = format!("{{{}}}", members.join(","));
            line.into_bytes()
        }),
        1 => odd.prop_map(|line: &str| line.as_bytes().to_vec()),
        1 => prop::collection::vec(member(), 1..4).prop_map(|members| {
            // Bytes that are no UTF-8, inside a string of valid JSON.
            [format!("{{{},\"odd\":\"", members.join(",")).as_bytes(), b"\xff\xe2\x80", b"\"}"].concat()
        }),
    ]
}

fn member() -> impl Strategy<Value = String> {
    let body = prop_oneof![
        Just("{}".to_owned()),
        Just("null".to_owned()),
        (0_usize..300).prop_map(|long| format!(r#"{{"data":{{"k":"{}\"\\"}}}}"#, "x".repeat(long))),
    ];
    let annotations = select(vec![
        "{}",
        "null",
        r#"{"authorization.k8s.io/decision":"allow"}"#,
        r#"{"audit.k8s.io/truncated":"no"}"#,
        r#"{"audit.k8s.io\/truncated":"no","b":"c"}"#,
    ]);
    let keys = select(vec!["requestObject", "responseObject", r"requestO\u0062ject"]);
    let others = select(vec![
        r#""stageTimestamp":"2026-09-20T10:00:00.123456Z""#,
        r#""requestReceivedTimestamp":"2026-09-20T10:00:00.000001Z""#,
        r#""stageTimestamp":null"#,
        r#""level":"RequestResponse""#,
        r#""auditID":"é\"\u003c""#,
        r#""user":{"username":"system:admin"}"#,
        r#""objectRef":{"resource":"pods","name":"a"}"#,
        r#""responseStatus":{"code":404}"#,
        r#" "verb" : [1, {"a":{}}] "#,
    ]);
    prop_oneof![
        3 => (keys, body).prop_map(|(key, body)| format!("\"{key}\":{body}")),
        1 => annotations.prop_map(|value| format!("\"annotations\":{value}")),
        4 => others.prop_map(str::to_owned),
    ]
}
