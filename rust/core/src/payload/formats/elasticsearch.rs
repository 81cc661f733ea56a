//! Actions and documents of the `_bulk` of Elasticsearch and `OpenSearch`; the index stands in the URL.

use sha2::{Digest, Sha256};

use crate::event::Key;
use crate::parse::time::format_micro_time;
use crate::payload::encode::{Encode, Item};
use crate::payload::fields::Fields;
use crate::payload::json::{push_string, push_utf8};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes of a digest that name a document.
const ID: usize = 16;

/// Documents under the digest of their event: an event that is sent again is there already. `auditID` would not do, since
/// a client may choose it, and hide one event behind another.
pub(in crate::payload) struct Elasticsearch {
    /// Milliseconds since the epoch.
    made: i64,
}

impl Elasticsearch {
    pub(in crate::payload) fn new(made: i64) -> Self {
        Self { made }
    }

    fn document(&self, item: &Item<'_>, body: &mut Vec<u8>) {
        body.extend_from_slice(br#"{"@timestamp":"#);
        let Some(fields) = Fields::read(item.text) else {
            self.time(item, body);
            body.extend_from_slice(br#","message":"#);
            push_string(body, item.text);
            return body.push(b'}');
        };
        let mut times = [Key::StageTimestamp, Key::RequestReceivedTimestamp].into_iter();
        match times.find_map(|key| fields.raw(key).filter(|time| time.starts_with(b"\""))) {
            Some(time) => push_utf8(body, time),
            None => self.time(item, body),
        }
        if !fields.empty {
            body.push(b',');
        }
        push_utf8(body, &item.text[fields.opened..]);
    }

    /// The time of an event that does not say it.
    fn time(&self, item: &Item<'_>, body: &mut Vec<u8>) {
        body.push(b'"');
        format_micro_time(body, item.stage.unwrap_or(self.made.saturating_mul(1000)));
        body.push(b'"');
    }
}

impl Encode for Elasticsearch {
    fn item(&mut self, item: &Item<'_>, body: &mut Vec<u8>) {
        body.extend_from_slice(br#"{"create":{"_id":""#);
        for byte in &Sha256::digest(item.event)[..ID] {
            body.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
        }
        body.extend_from_slice(b"\"}}\n");
        self.document(item, body);
        body.push(b'\n');
    }
}
