//! Payloads read by other means than they were written by.

use std::io::Read;

use auditwake_core::payload::Format;
use auditwake_core::payload::compress::Compression;
use prost::Message;
use serde_json::Value;

/// An event in a payload.
#[derive(Debug)]
pub(crate) enum Document {
    /// Where the format has JSON.
    Value(Value),
    /// Where the format has text.
    Text(String),
}

pub(crate) fn unpack(compression: Compression, body: &[u8]) -> Vec<u8> {
    match compression {
        Compression::None => body.to_vec(),
        Compression::Gzip(_) => {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(body).read_to_end(&mut text).unwrap();
            text
        }
        Compression::Zstd(_) => zstd::decode_all(body).unwrap(),
    }
}

pub(crate) fn decode(format: Format, body: &[u8]) -> Vec<Document> {
    let text = || std::str::from_utf8(body).unwrap();
    let value = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
    match format {
        Format::Ndjson => text().lines().map(|line| Document::Value(value(line))).collect(),
        Format::Json => array(value(text())).into_iter().map(Document::Value).collect(),
        Format::Datadog => array(value(text())).into_iter().map(|log| datadog(&log)).collect(),
        Format::Splunk => text().lines().map(|line| splunk(&value(line))).collect(),
        Format::Elasticsearch => {
            let lines: Vec<&str> = text().strip_suffix('\n').unwrap().split('\n').collect();
            lines.chunks(2).map(|pair| elasticsearch(&value(pair[0]), value(pair[1]))).collect()
        }
        Format::Otlp => otlp(body),
    }
}

fn array(value: Value) -> Vec<Value> {
    let Value::Array(items) = value else { panic!("no array") };
    items
}

fn datadog(log: &Value) -> Document {
    let keys: Vec<&str> = log.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 7);
    assert_eq!((&log["status"], &log["timestamp"]), (&"info".into(), &super::MADE.into()));
    assert_eq!(log["ddtags"], "env:\"dev\",a:b");
    Document::Text(log["message"].as_str().unwrap().to_owned())
}

fn splunk(event: &Value) -> Document {
    assert_eq!((&event["host"], &event["sourcetype"]), (&"node-1".into(), &"_json".into()));
    assert!(event["time"].as_f64().unwrap() >= 1_789_898_400.0 && event.get("index").is_none());
    Document::Value(event["event"].clone())
}

fn elasticsearch(action: &Value, mut document: Value) -> Document {
    let id = action["create"]["_id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let members = document.as_object_mut().unwrap();
    let time = members.remove("@timestamp").unwrap();
    assert!(time.as_str().unwrap().starts_with("2026-09-20T"));
    match members.remove("message") {
        Some(message) => Document::Text(message.as_str().unwrap().to_owned()),
        None => Document::Value(document),
    }
}

// The fields of opentelemetry-proto by their numbers.

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    resource: Option<Attributes>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
}

#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

#[derive(Clone, PartialEq, Message)]
struct LogRecord {
    #[prost(int32, tag = "2")]
    severity: i32,
    #[prost(message, optional, tag = "5")]
    body: Option<Text>,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
}

fn otlp(body: &[u8]) -> Vec<Document> {
    let mut request = Request::decode(body).unwrap();
    assert_eq!((request.resources.len(), request.resources[0].scopes.len()), (1, 1));
    let resource = request.resources.remove(0);
    assert_eq!(resource.resource.unwrap().attributes.len(), 6);
    let records = resource.scopes.into_iter().flat_map(|scope| scope.records);
    records
        .map(|record| {
            assert!(matches!(record.severity, 9 | 13 | 17));
            let mut keys: Vec<&str> = record.attributes.iter().map(|one| one.key.as_str()).collect();
            keys.sort_unstable();
            assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "an attribute twice: {keys:?}");
            Document::Text(record.body.unwrap().text)
        })
        .collect()
}
