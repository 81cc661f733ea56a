//! JSON objects written member by member, strings as Go writes them.

use crate::parse::gojson::encode_string;
use crate::parse::time::format_micro_time;

/// A JSON object being written.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    pub(super) fn member(&mut self, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
        self.comma();
        encode_string(self.out, key);
        self.out.push(b':');
        value(self.out);
    }

    /// A member whose key is text between quotes, with its escapes.
    pub(super) fn verbatim(&mut self, key: &str, value: &str) {
        self.comma();
        for part in ["\"", key, "\":", value] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    pub(super) fn raw(&mut self, key: &str, value: &str) {
        self.member(key, |out| out.extend_from_slice(value.as_bytes()));
    }

    pub(super) fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.member(key, |out| encode_string(out, value));
        }
    }

    pub(super) fn list<'t>(&mut self, key: &str, items: Option<impl Iterator<Item = &'t str>>) {
        let Some(items) = items else { return };
        self.member(key, |out| {
            out.push(b'[');
            for (i, item) in items.enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                encode_string(out, item);
            }
            out.push(b']');
        });
    }

    pub(super) fn time(&mut self, key: &str, micros: Option<i64>) {
        self.member(key, |out| match micros {
            None => out.extend_from_slice(b"null"),
            Some(micros) => {
                out.push(b'"');
                format_micro_time(out, micros);
                out.push(b'"');
            }
        });
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}
