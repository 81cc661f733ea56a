//! An `ExportLogsServiceRequest` of OpenTelemetry: one resource, one scope, a record an event.
//!
//! There is no ratified convention for audit events; the attributes are the ones that `OpenShift` ships.

use prost::{Message, encode_length_delimiter, length_delimiter_len};

use crate::event::Key;
use crate::payload::Settings;
use crate::payload::encode::{Encode, Item};
use crate::payload::fields::{Fields, string, string_content};

/// The first and the second field of a message, with a length.
const FIRST: u8 = 1 << 3 | 2;
const SECOND: u8 = 2 << 3 | 2;

const SCOPE: &str = "auditwake";

/// Records, and what stands in front of them.
pub(in crate::payload) struct Otlp {
    /// `ResourceLogs.resource`
    resource: Vec<u8>,
    /// `ScopeLogs.scope`
    scope: Vec<u8>,
    /// Nanoseconds since the epoch.
    observed: u64,
}

impl Otlp {
    pub(in crate::payload) fn new(settings: &Settings, made: i64) -> Self {
        let attributes = settings.attributes.iter();
        let attributes =
            attributes.map(|(key, value)| KeyValue::new(key.clone(), Value::Text(value.clone()))).collect();
        let scope = Scope { name: SCOPE.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        Self {
            resource: field(FIRST, &Resource { attributes }),
            scope: field(FIRST, &scope),
            observed: nanos(made, 1_000_000),
        }
    }

    /// Lengths of `ScopeLogs` and `ResourceLogs` around records of so many bytes.
    fn lengths(&self, records: usize) -> (usize, usize) {
        let scope = self.scope.len() + records;
        (scope, self.resource.len() + 1 + length_delimiter_len(scope) + scope)
    }
}

/// A message as a field of another.
fn field(key: u8, message: &impl Message) -> Vec<u8> {
    let mut field = vec![key];
    message.encode_length_delimited(&mut field).expect("memory takes everything");
    field
}

/// Nanoseconds of a time; 0, which says that it is unknown, for one that there are none of.
fn nanos(time: i64, scale: u64) -> u64 {
    u64::try_from(time).ok().and_then(|time| time.checked_mul(scale)).unwrap_or_default()
}

impl Encode for Otlp {
    fn item(&mut self, item: &Item<'_>, body: &mut Vec<u8>) {
        let mut record = LogRecord {
            time: item.stage.map_or(0, |micros| nanos(micros, 1000)),
            observed: self.observed,
            body: Some(AnyValue::new(Value::Text(String::from_utf8_lossy(item.text).into_owned()))),
            ..LogRecord::default()
        };
        let code = Fields::read(item.text).and_then(|fields| describe(&fields, &mut record.attributes));
        let (number, text) = severity(code);
        record.severity = number;
        text.clone_into(&mut record.severity_text);
        body.push(SECOND);
        record.encode_length_delimited(body).expect("memory takes everything");
    }

    fn size(&self, body: usize) -> usize {
        let (_, resource) = self.lengths(body);
        1 + length_delimiter_len(resource) + resource
    }

    fn finish(&self, body: Vec<u8>) -> Vec<u8> {
        let (scope, resource) = self.lengths(body.len());
        let mut out = Vec::with_capacity(self.size(body.len()));
        let length = |length, out: &mut Vec<u8>| {
            encode_length_delimiter(length, out).expect("memory takes everything");
        };
        out.push(FIRST);
        length(resource, &mut out);
        out.extend_from_slice(&self.resource);
        out.push(SECOND);
        length(scope, &mut out);
        out.extend_from_slice(&self.scope);
        out.extend_from_slice(&body);
        out
    }
}

/// Number and text of the severity of a response.
fn severity(code: Option<i64>) -> (i32, &'static str) {
    match code {
        Some(500..) => (17, "ERROR"),
        Some(400..) => (13, "WARN"),
        _ => (9, "INFO"),
    }
}

/// Writes the attributes of an event; answers the code of its response.
fn describe(fields: &Fields<'_>, attributes: &mut Vec<KeyValue>) -> Option<i64> {
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.push(KeyValue::new(name.to_owned(), Value::Text(value)));
        }
    };
    put("k8s.audit.event.level", fields.text(Key::Level));
    put("k8s.audit.event.stage", fields.text(Key::Stage));
    put("k8s.audit.event.id", fields.text(Key::AuditId));
    put("k8s.audit.event.request.uri", fields.text(Key::RequestUri));
    put("k8s.audit.event.request.verb", fields.text(Key::Verb));
    put("k8s.audit.event.user_agent", fields.text(Key::UserAgent));
    let (mut user, mut code) = (None, None::<i64>);
    fields.members(Key::User, |key, value| {
        if is_named(key, "username") {
            user = string(value);
        }
    });
    put("k8s.user.username", user);
    let mut object = [const { None }; OBJECT.len()];
    fields.members(Key::ObjectRef, |key, value| {
        if let Some(at) = OBJECT.iter().position(|(name, _)| is_named(key, name)) {
            object[at] = string(value);
        }
    });
    for ((_, name), value) in OBJECT.iter().zip(object) {
        put(name, value);
    }
    fields.members(Key::ResponseStatus, |key, value| {
        if is_named(key, "code") {
            code = std::str::from_utf8(value).ok().and_then(|code| code.parse().ok());
        }
    });
    if let Some(code) = code {
        attributes.push(KeyValue::new("k8s.audit.event.response.code".to_owned(), Value::Int(code)));
    }
    annotations(fields, attributes);
    code
}

/// Keys of `objectRef`, and their attributes.
const OBJECT: [(&str, &str); 6] = [
    ("resource", "k8s.audit.event.object_ref.resource"),
    ("namespace", "k8s.audit.event.object_ref.namespace"),
    ("name", "k8s.audit.event.object_ref.name"),
    ("apiGroup", "k8s.audit.event.object_ref.api_group"),
    ("apiVersion", "k8s.audit.event.object_ref.api_version"),
    ("subresource", "k8s.audit.event.object_ref.subresource"),
];

/// An attribute for each annotation; of equal keys, which OpenTelemetry forbids, the last.
fn annotations(fields: &Fields<'_>, attributes: &mut Vec<KeyValue>) {
    let first = attributes.len();
    fields.members(Key::Annotations, |key, value| {
        let (Some(key), Some(value)) = (string_content(key), string(value)) else { return };
        attributes.push(KeyValue::new(format!("k8s.audit.event.annotation.{key}"), Value::Text(value)));
    });
    let mut found = attributes.split_off(first);
    // A stable sort has the last of equal keys at the end of them.
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found.reverse();
    found.dedup_by(|one, other| one.key == other.key);
    found.reverse();
    attributes.append(&mut found);
}

/// Whether the text between the quotes of a key is a name.
fn is_named(key: &[u8], name: &str) -> bool {
    crate::parse::gojson::spells(key, name)
}

// opentelemetry-proto, `opentelemetry/proto/{common,resource,logs}/v1`: the fields that we write.

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 3")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Int(i64),
}

impl AnyValue {
    fn new(value: Value) -> Self {
        Self { value: Some(value) }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

impl KeyValue {
    fn new(key: String, value: Value) -> Self {
        Self { key, value: Some(AnyValue::new(value)) }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LogRecord {
    #[prost(fixed64, tag = "1")]
    time: u64,
    #[prost(int32, tag = "2")]
    severity: i32,
    #[prost(string, tag = "3")]
    severity_text: String,
    #[prost(message, optional, tag = "5")]
    body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "11")]
    observed: u64,
}
