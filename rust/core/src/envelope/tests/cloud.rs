//! Envelopes of clouds and log stores.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;

const KLOG: &str = "I0714 12:00:00.000000       1 x.go:1] y";

fn messages(texts: &[&str]) -> String {
    let events = texts.iter().map(|text| format!(r#"{{"id":"1","timestamp":1,"message":{}}}"#, quoted(text)));
    events.collect::<Vec<_>>().join(",")
}

fn subscription(texts: &[&str]) -> String {
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/aws/eks/c/cluster","logEvents":[{}]}}"#,
        messages(texts)
    )
}

fn packed(text: &str) -> String {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    BASE64_STANDARD.encode(encoder.finish().expect("memory"))
}

#[test]
fn filter_log_events() {
    let line = format!(r#"{{"events":[{}],"searchedLogStreams":[]}}"#, messages(&[EVENT, KLOG, ITEM]));
    let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    for input in [line, serde_json::to_string_pretty(&value).expect("JSON")] {
        let records = read(input.as_bytes());
        assert_eq!((verdicts(&records), texts(&records)), (vec![Verdict::Events], vec![EVENT, ITEM]));
        assert!(records[0].events[0].wrapped);
    }
}

#[test]
fn subscriptions() {
    gives(&subscription(&[KLOG, EVENT]), EVENT);
    is_skipped(&subscription(&[KLOG, "text"]), Skip::NotAudit);
    is_skipped(
        r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE: x"}]}"#,
        Skip::ControlMessage,
    );
    let truncated = format!("{}[Truncated...]", &EVENT[..90]);
    gives(&subscription(&[&truncated]), &truncated);
}

#[test]
fn subscriptions_behind_each_other() {
    let line = format!("{}{}", subscription(&[EVENT]), subscription(&[KLOG, ITEM]));
    assert_eq!(texts(&read(line.as_bytes())), [EVENT, ITEM]);
    let cut = &line[..line.len() - 10];
    let records = read(cut.as_bytes());
    assert_eq!(
        (verdicts(&records), texts(&records)),
        (vec![Verdict::Rejected(Reject::TornDocument)], vec![EVENT])
    );
}

#[test]
fn lambda_and_kinesis() {
    let data = packed(&subscription(&[EVENT]));
    gives(&format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#), EVENT);
    gives(&format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, data.replace('/', "\\/")), EVENT);
    gives(&format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, data.trim_end_matches('=')), EVENT);
    gives(&format!(r#"{{"Records":[{{"kinesis":{{"partitionKey":"x","data":"{data}"}}}}]}}"#), EVENT);
    gives(&format!(r#"{{"records":[{{"recordId":"1","data":"{data}"}}]}}"#), EVENT);
    gives(&format!(r#"{{"records":[{{"data":"{}"}}]}}"#, BASE64_STANDARD.encode(EVENT)), EVENT);
}

#[test]
fn damaged_payloads_are_rejected() {
    is_rejected(r#"{"awslogs":{"data":"!"}}"#, Reject::BadBase64);
    is_rejected(r#"{"awslogs":{"data":"H4sIAAAA"}}"#, Reject::BadGzip);
    let data = BASE64_STANDARD.decode(packed(&subscription(&[EVENT]))).expect("base64");
    for cut in 0..data.len() {
        let data = BASE64_STANDARD.encode(&data[..cut]);
        assert_ne!(one(&format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#)).verdict, Verdict::Events, "{cut}");
    }
}

#[test]
fn payloads_inflate_no_further_than_the_limit() {
    let message = subscription(&[EVENT, &"x".repeat(LIMIT)]);
    let records = read(format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, packed(&message)).as_bytes());
    assert_eq!(verdicts(&records), [Verdict::Rejected(Reject::InflatedTooLong)]);
    assert_eq!(texts(&records), [EVENT]);
    let record = format!(r#"{{"kinesis":{{"data":"{}"}}}}"#, packed(&subscription(&[EVENT])));
    let records = read(format!(r#"{{"Records":[{}]}}"#, vec![record; 100].join(",")).as_bytes());
    assert_eq!(verdicts(&records), [Verdict::Rejected(Reject::InflatedTooLong)]);
    assert!(texts(&records).len() * EVENT.len() < LIMIT);
}

#[test]
fn azure() {
    let log = quoted(&format!("{EVENT}\n"));
    let record = |category: &str| {
        format!(
            r#"{{"time":"x","category":"{category}","properties":{{"log":{log},"pod":"kube-apiserver-1"}}}}"#
        )
    };
    gives(&record("kube-audit"), EVENT);
    gives(&record("kube-audit-admin"), EVENT);
    gives(&format!(r#"{{"records":[{},{}]}}"#, record("kube-audit"), record("kube-apiserver")), EVENT);
    is_skipped(&record("kube-apiserver"), Skip::OtherCategory);
    is_skipped(&format!(r#"{{"records":[{}]}}"#, record("guard")), Skip::OtherCategory);
    let text = quoted(&format!(r#"{{"log":{log}}}"#));
    gives(&format!(r#"{{"category":"kube-audit","properties":{text}}}"#), EVENT);
    gives(&format!(r#"{{"Category":"kube-audit","log_s":{log}}}"#), EVENT);
    is_skipped(&format!(r#"{{"Category":"kube-apiserver","log_s":{log}}}"#), Skip::OtherCategory);
    let cut = format!(r#"{{"category":"kube-audit","properties":{{"log":{}}}}}"#, quoted(&EVENT[..90]));
    gives(&cut, &EVENT[..90]);
}

#[test]
fn google() {
    is_skipped(
        r#"{"protoPayload":{"methodName":"io.k8s.core.v1.pods.create"},"insertId":"x"}"#,
        Skip::GkeLogEntry,
    );
    is_skipped(r#"{"logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity"}"#, Skip::GkeLogEntry);
    let on_premises = format!(r#"{{"_gdch_cluster":"c","hostname":"h",{}"#, &EVENT[1..]);
    assert!(!gives(&on_premises, &on_premises).wrapped);
}

#[test]
fn log_stores() {
    let text = quoted(EVENT);
    gives(&format!(r#"{{"_id":"x","attributes":{EVENT},"message":"y"}}"#), EVENT);
    gives(&format!(r#"{{"_id":"x","attributes":{{"env":"y"}},"message":{text}}}"#), EVENT);
    gives(&format!(r#"{{"_index":"i","_source":{{"kubernetes":{{"audit":{EVENT}}}}}}}"#), EVENT);
    gives(&format!(r#"{{"@timestamp":"x","kubernetes":{{"audit":{ITEM}}}}}"#), ITEM);
    let line =
        format!(r#"{{"streams":[{{"stream":{{}},"values":[["1",{text}],["2",{}]]}},{{}}]}}"#, quoted(ITEM));
    assert_eq!(texts(&read(line.as_bytes())), [EVENT, ITEM]);
    is_skipped(r#"{"streams":[{"values":[["1","text"],[]]}]}"#, Skip::NotAudit);
}

#[test]
fn damage_beside_an_event_does_not_hide_it() {
    let line = format!(r#"{{"events":[{},{{"x":1 "message":2}}]}}"#, messages(&[EVENT]));
    let records = read(line.as_bytes());
    assert_eq!(
        (verdicts(&records), texts(&records)),
        (vec![Verdict::Rejected(Reject::TornDocument)], vec![EVENT])
    );
}

/// Quotes and brackets close the first element, but read as JSON it goes on behind them.
#[test]
fn nothing_behind_an_element_is_its_member() {
    for rest in [format!(r#""message":{}"#, quoted(EVENT)), format!(r#""values":[["1",{}]]"#, quoted(EVENT))]
    {
        for key in ["events", "streams"] {
            is_rejected(&format!(r#"{{"{key}":[{{"k":x","}},":1,{rest},"]}}"#), Reject::TornDocument);
        }
    }
}
