//! Events as they are: one a line, or in an array.

use crate::payload::encode::{Encode, Item};
use crate::payload::fields::is_object;
use crate::payload::json::{push_string, push_utf8};

/// One JSON value a line: the event, and for one that is no valid JSON the string of its text.
pub(in crate::payload) struct Lines;

impl Encode for Lines {
    fn item(&mut self, item: &Item<'_>, body: &mut Vec<u8>) {
        push_event(item.text, body);
    }

    fn between(&self) -> &'static [u8] {
        b"\n"
    }

    fn size(&self, body: usize) -> usize {
        body + 1
    }

    fn finish(&self, mut body: Vec<u8>) -> Vec<u8> {
        body.push(b'\n');
        body
    }
}

/// A JSON array of the same values.
pub(in crate::payload) struct Array;

impl Encode for Array {
    fn begin(&self, body: &mut Vec<u8>) {
        body.push(b'[');
    }

    fn opening(&self) -> usize {
        1
    }

    fn item(&mut self, item: &Item<'_>, body: &mut Vec<u8>) {
        push_event(item.text, body);
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

/// Appends an event as one JSON value.
pub(super) fn push_event(event: &[u8], body: &mut Vec<u8>) {
    if is_object(event) {
        push_utf8(body, event);
    } else {
        push_string(body, event);
    }
}
