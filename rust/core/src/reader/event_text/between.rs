//! What stands between the events of one text, and where it stands in the raw bytes.

use crate::repair::Repair;

const SPACE: &[char] = &[' ', '\t', '\n', '\r'];

/// What may stand between events without a word: white space, NULs, and the punctuation of an array of events.
const SEPARATORS: &[char] = &[' ', '\t', '\n', '\r', ',', ']', '}', '\0'];

/// What stands between the end of an object and whatever comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// Its length; nothing behind it was looked at but the next byte.
    pub(super) len: usize,
    /// What it says of the object: nothing when it is blank, the rest of an array, or leads to another object.
    pub(super) repair: Option<Repair>,
    /// Whether it is white space that ends the text.
    blank_end: bool,
}

impl Gap {
    /// The gap that `rest` begins with.
    pub(super) fn of(rest: &str) -> Self {
        let len = leading(rest, SEPARATORS);
        let (between, next) = rest.split_at(len);
        let inner = between.trim_start_matches(SPACE);
        let blank_end = inner.is_empty() && next.is_empty();
        let repair = match next.as_bytes() {
            [] if is_nul_run(inner) => Some(Repair::NulRun),
            [] if inner.is_empty() || inner.starts_with([',', ']']) => None,
            [b'{', ..] if inner.strip_prefix(',').unwrap_or(inner).trim_start_matches(SPACE).is_empty() => {
                None
            }
            _ => Some(Repair::Resynchronised),
        };
        Self { len, repair, blank_end }
    }

    /// Whether nothing but white space is left of the text.
    pub(super) fn is_blank_end(self) -> bool {
        self.blank_end
    }
}

fn is_nul_run(text: &str) -> bool {
    text.starts_with('\0') && text.trim_start_matches('\0').trim_start_matches(SPACE).is_empty()
}

/// Length of the white space at the beginning of the text.
pub(super) fn space(text: &str) -> usize {
    leading(text, SPACE)
}

/// Bytes at the beginning of the text that are all of the set.
fn leading(text: &str, set: &[char]) -> usize {
    // Nearly every text begins with its event, and ends with it.
    if text.is_empty() || text.starts_with('{') {
        return 0;
    }
    text.len() - text.trim_start_matches(set).len()
}

/// A place that is known both in a text and in the raw bytes that it was decoded from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) text: usize,
    pub(super) raw: usize,
}

impl Mark {
    /// The place further on that is at `text` in the text. Only the raw bytes on the way are looked at: no character is
    /// longer in the raw bytes than in the text.
    pub(super) fn ahead(self, raw: &[u8], text: usize) -> Self {
        let way = text - self.text;
        let Self { text: mut at, raw: mut place } = self;
        let way = &raw[place..raw.len().min(place + way)];
        for chunk in way.utf8_chunks() {
            let valid = chunk.valid().len();
            if text <= at + valid {
                break;
            }
            at += valid + char::REPLACEMENT_CHARACTER.len_utf8();
            place += valid + chunk.invalid().len();
        }
        Self { text, raw: place + (text - at) }
    }
}
