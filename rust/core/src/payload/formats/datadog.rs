//! Datadog's logs intake v2: an array of logs as the Agent writes them (`pkg/logs/processor/json.go`).

use crate::payload::Settings;
use crate::payload::encode::{Encode, Item};
use crate::payload::json::push_string;

/// The keys behind the message whose values are constant.
const CONSTANT: [&str; 4] = ["hostname", "service", "ddsource", "ddtags"];

/// An array of logs.
pub(in crate::payload) struct Datadog {
    /// What stands behind the message.
    tail: Vec<u8>,
}

impl Datadog {
    pub(in crate::payload) fn new(settings: &Settings, made: i64) -> Self {
        let mut tail = format!(r#","status":"info","timestamp":{made}"#).into_bytes();
        for key in CONSTANT {
            if let Some(value) = settings.attribute(key) {
                tail.extend_from_slice(format!(r#","{key}":"#).as_bytes());
                push_string(&mut tail, value.as_bytes());
            }
        }
        tail.push(b'}');
        Self { tail }
    }
}

impl Encode for Datadog {
    fn begin(&self, body: &mut Vec<u8>) {
        body.push(b'[');
    }

    fn opening(&self) -> usize {
        1
    }

    fn item(&mut self, item: &Item<'_>, body: &mut Vec<u8>) {
        body.extend_from_slice(br#"{"message":"#);
        push_string(body, item.text);
        body.extend_from_slice(&self.tail);
    }

    fn between(&self) -> &'static [u8] {
        b","
    }

    fn size(&self, body: usize) -> usize {
        body + 1
    }

    fn finish(&self, mut body: Vec<u8>) -> Vec<u8> {
        body.push(b']');
        body
    }
}
