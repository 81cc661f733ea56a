//! Events of Splunk's HTTP event collector: JSON objects one behind the other.

use std::io::Write;

use crate::payload::Settings;
use crate::payload::encode::{Encode, Item};
use crate::payload::json::push_string;

use super::lines::push_event;

/// The keys whose values are constant.
const CONSTANT: [&str; 4] = ["host", "source", "sourcetype", "index"];

/// Events with their time in seconds since the epoch.
pub(in crate::payload) struct Splunk {
    /// What stands between the time and the event.
    middle: Vec<u8>,
    /// Milliseconds since the epoch.
    made: i64,
}

impl Splunk {
    pub(in crate::payload) fn new(settings: &Settings, made: i64) -> Self {
        let mut middle = Vec::new();
        for key in CONSTANT {
            if let Some(value) = settings.attribute(key) {
                middle.extend_from_slice(format!(r#","{key}":"#).as_bytes());
                push_string(&mut middle, value.as_bytes());
            }
        }
        middle.extend_from_slice(br#","event":"#);
        Self { middle, made }
    }
}

impl Encode for Splunk {
    fn item(&mut self, item: &Item<'_>, body: &mut Vec<u8>) {
        let millis = item.stage.map_or(self.made, |micros| micros.div_euclid(1000));
        let (sign, millis) = (if millis < 0 { "-" } else { "" }, millis.unsigned_abs());
        write!(body, r#"{{"time":{sign}{}.{:03}"#, millis / 1000, millis % 1000)
            .expect("memory takes everything");
        body.extend_from_slice(&self.middle);
        push_event(item.text, body);
        body.push(b'}');
    }

    fn between(&self) -> &'static [u8] {
        b"\n"
    }
}
