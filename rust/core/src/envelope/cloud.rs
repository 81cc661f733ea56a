//! Envelopes of clouds and log stores: AWS, Azure, Google, Elastic, Loki.

use super::keys::{Key, Keys, Span, string};
use super::payload;
use super::verdict::Skip;
use super::walk::{Place, Walk};
use crate::scan::Elements;

impl Walk<'_> {
    /// Opens the envelope of a cloud, if it is one; true when it is and cannot hold an event.
    pub(super) fn cloud<'a>(&mut self, text: &'a [u8], keys: &Keys<'_>, place: Place<'a>) -> bool {
        if let Some(skip) = known_other(text, keys) {
            self.skip(skip);
            return true;
        }
        for key in [Key::LogEvents, Key::Events] {
            if let Some(span) = keys.get(key) {
                self.messages(text, span, place);
            }
        }
        for key in [Key::KinesisRecords, Key::Records] {
            if let Some(span) = keys.get(key) {
                self.records(text, span, place);
            }
        }
        let awslogs = keys.get(Key::AwsLogs);
        if let Some(data) = awslogs.and_then(|span| self.member(text, span, b"data")) {
            self.payload(text, data, place);
        }
        if let Some(span) = keys.get(Key::Streams) {
            self.streams(text, span, place);
        }
        let kubernetes = keys.get(Key::Kubernetes);
        if let Some(audit) = kubernetes.and_then(|span| self.member(text, span, b"audit")) {
            self.value(text, audit, place);
        }
        false
    }

    /// `CloudWatch`: `[{"timestamp":..,"message":".."},..]`. The group of a cluster has klog streams too.
    fn messages<'a>(&mut self, text: &'a [u8], span: Span, place: Place<'a>) {
        self.elements(text, span, |walk, element| {
            if let Some(message) = walk.member(text, element, b"message") {
                walk.quietly(|walk| walk.value(text, message, place));
            }
        });
    }

    /// Event Hub and storage of Azure, a Lambda on Kinesis, a transformation of Firehose.
    fn records<'a>(&mut self, text: &'a [u8], span: Span, place: Place<'a>) {
        self.elements(text, span, |walk, (start, end)| {
            if text[start] != b'{' {
                return;
            }
            let keys = Keys::read(&text[..end], start);
            let kinesis = keys.get(Key::Kinesis).and_then(|span| walk.member(text, span, b"data"));
            if let Some(data) = kinesis.or_else(|| keys.get(Key::Data)) {
                walk.payload(text, data, place);
            } else if let Some(place) = walk.deeper(place) {
                walk.nested(&text[..end], start, place);
            }
        });
    }

    /// Text in base64, compressed or not.
    fn payload(&mut self, text: &[u8], span: Span, place: Place<'_>) {
        let (Some(raw), Some(place)) = (string(text, span), self.deeper(place)) else { return };
        let payload = payload::decode(raw, &mut self.budget);
        // The damage comes first: that the text is cut then is its consequence.
        if let Some(damage) = payload.damage {
            self.reject(damage);
        }
        if !payload.text.is_empty() {
            self.text(&payload.text, place);
        }
    }

    /// Loki: `[{"stream":{..},"values":[["<ns>","<line>"],..]},..]`.
    fn streams<'a>(&mut self, text: &'a [u8], span: Span, place: Place<'a>) {
        self.elements(text, span, |walk, element| {
            let Some(values) = walk.member(text, element, b"values") else { return };
            walk.elements(text, values, |walk, (start, end)| {
                let Some(mut pair) = Elements::new(&text[..end], start) else { return };
                if let (Ok(Some(_)), Ok(Some(line))) = (pair.next_element(), pair.next_element()) {
                    walk.quietly(|walk| walk.value(text, line, place));
                }
            });
        });
    }
}

/// Logs that clouds keep beside the audit log. Google's log of a cluster on premises holds native events and
/// is none of them.
fn known_other(text: &[u8], keys: &Keys<'_>) -> Option<Skip> {
    if keys.string(Key::MessageType) == Some(b"CONTROL_MESSAGE") {
        return Some(Skip::ControlMessage);
    }
    let payload = keys.get(Key::ProtoPayload).is_some_and(|(start, _)| text[start] == b'{');
    let cloud_audit = |name: &[u8]| memchr::memmem::find(name, b"cloudaudit").is_some();
    if payload || keys.string(Key::LogName).is_some_and(cloud_audit) {
        return Some(Skip::GkeLogEntry);
    }
    let azure = keys.has(Key::Properties) || keys.has(Key::LogS);
    let category = keys.string(Key::Category).filter(|_| azure)?;
    (!category.starts_with(b"kube-audit")).then_some(Skip::OtherCategory)
}
