//! A JSON object that stands on several lines, followed line by line without looking back.

use super::LINE_START;
use super::keys::Keys;
use super::walk::is_list;
use crate::repair::Repairs;
use crate::scan::string_end;

/// Levels whose kind of bracket is remembered.
const REMEMBERED: usize = u64::BITS as usize;

/// What a line does to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It ends before this position.
    Closed(usize),
    /// It goes on.
    Open,
    /// It is damaged: no JSON string goes over the end of a line.
    InString,
}

/// How deep the lines so far have led, and what may come next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nesting {
    /// Containers that are open.
    depth: usize,
    /// Bit 0 is set when the innermost container is an array, bit 1 for the one around it, and so on.
    arrays: u64,
    /// Containers around these many outer ones have lost their bit; never shrinks.
    forgotten: usize,
    /// The last byte that is no white space; the quote for a string.
    last: u8,
}

impl Nesting {
    /// Follows one line.
    pub(super) fn advance(&mut self, line: &[u8]) -> Step {
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            at += 1;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                b'"' => match string_end(line, at) {
                    Some(end) => at = end,
                    None => return Step::InString,
                },
                b'{' | b'[' => {
                    self.depth += 1;
                    self.arrays = self.arrays << 1 | u64::from(byte == b'[');
                    self.forgotten = self.forgotten.max(self.depth.saturating_sub(REMEMBERED));
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.arrays >>= 1;
                    if self.depth == 0 {
                        return Step::Closed(at);
                    }
                }
                _ => {}
            }
            self.last = byte;
        }
        Step::Open
    }

    /// Whether an element of an array in the outermost object must come next, as of the items of a list.
    fn item_due(&self) -> bool {
        self.depth == 2 && self.in_array() == Some(true) && matches!(self.last, b'[' | b',')
    }

    /// Whether a line that begins with this byte can go on with the object.
    fn fits(&self, first: u8) -> bool {
        let value = matches!(first, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n');
        match (self.last, self.in_array()) {
            (b'{', _) => matches!(first, b'"' | b'}'),
            (b'[', _) => value || first == b']',
            (b',', Some(false)) => first == b'"',
            (b',' | b':', _) => value,
            (b'"', _) => matches!(first, b',' | b'}' | b']' | b':'),
            _ => matches!(first, b',' | b'}' | b']'),
        }
    }

    fn in_array(&self) -> Option<bool> {
        (self.depth > self.forgotten).then_some(self.arrays & 1 == 1)
    }
}

/// Whether lines that follow may belong to the object that `keys` begins: it is open where JSON is broken into lines. A
/// compact event never is; it is torn. A list may be broken behind its items as well, in front of its own brackets.
pub(super) fn opens_document(keys: &Keys<'_>) -> bool {
    let text = &keys.text()[keys.start..];
    let mut nesting = Nesting::default();
    if text.starts_with(super::EVENT_START) || nesting.advance(text) != Step::Open {
        return false;
    }
    match nesting.last {
        b'{' | b'[' | b',' | b':' => true,
        b'}' | b']' => nesting.depth <= 2 && is_list(keys),
        _ => false,
    }
}

/// What the next line means to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It belongs to the document.
    Continues,
    /// It is an event of its own, and an element of the list that the document began.
    Element,
    /// It cannot belong to the document.
    Foreign,
}

/// An object that is being collected.
pub(super) struct Document {
    /// Offset of its first byte.
    pub(super) offset: u64,
    /// Bytes that it accounts for so far.
    pub(super) len: u64,
    /// What was removed in front of it.
    pub(super) repairs: Repairs,
    /// Its lines so far; at most the longest document.
    pub(super) text: Vec<u8>,
    /// Whether it outgrew the longest document: `text` then is its beginning.
    pub(super) too_long: bool,
    /// State behind the last byte taken, kept even of what is not stored.
    nesting: Nesting,
}

impl Document {
    /// Begins without a line, in the storage of an earlier document.
    pub(super) fn new(offset: u64, repairs: Repairs, storage: Vec<u8>) -> Self {
        let mut text = storage;
        text.clear();
        Self { offset, len: 0, repairs, text, too_long: false, nesting: Nesting::default() }
    }

    /// What a line means, before it is taken. One that looks like an event is one, as an item of a list or behind a
    /// document that breaks off.
    pub(super) fn judge(&self, line: &[u8]) -> Next {
        let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        if line.starts_with(LINE_START) {
            if self.nesting.item_due() && self.is_list() { Next::Element } else { Next::Foreign }
        } else if first.is_none_or(|first| self.nesting.fits(*first)) {
            Next::Continues
        } else {
            Next::Foreign
        }
    }

    /// Whether a line that looks like an event could as well be a value in the document, such as a part of a body.
    pub(super) fn may_hold(&self, line: &[u8]) -> bool {
        line.starts_with(LINE_START) && self.nesting.fits(b'{')
    }

    fn is_list(&self) -> bool {
        is_list(&Keys::read(&self.text, 0))
    }

    /// Takes a line of `len` bytes, and as much of its text as belongs to the object.
    pub(super) fn push(&mut self, line: &[u8], len: u64, limit: usize) -> Step {
        self.len += len;
        let step = self.nesting.advance(line);
        let part = if let Step::Closed(end) = step { &line[..end] } else { line };
        if part.len() >= limit.saturating_sub(self.text.len()) {
            self.too_long = true;
        }
        if !self.too_long {
            self.text.extend_from_slice(part);
            self.text.push(b'\n');
        }
        step
    }
}
