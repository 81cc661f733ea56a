//! From the text of one record to the candidates in it.

use super::keys::{Key, Keys, Span, string};
use super::payload::unescape;
use super::prefix::{self, Prefix, holds_event, trim};
use super::verdict::{Reject, Skip, Verdict};
use super::{Origin, Sink};
use crate::repair::Repairs;
use crate::scan::{Elements, Members, is_json, string_end};

/// How often a string or a nested object is opened inside another.
const MAX_DEPTH: u8 = 3;

/// How many prefixes are taken off one text: a time in front of a part in front of a node, at most.
const MAX_PREFIXES: usize = 3;

/// Keys under which shippers put the line, as a string or parsed, the likeliest first.
const NESTED: [Key; 10] = [
    Key::Attributes,
    Key::Source,
    Key::Log,
    Key::LogS,
    Key::Message,
    Key::JournalMessage,
    Key::InsightsMessage,
    Key::ShortMessage,
    Key::Line,
    Key::Properties,
];

/// Where a text stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Place<'a> {
    /// As in [`Origin`].
    pub(super) node: Option<&'a str>,
    /// As in [`Origin`].
    pub(super) wrapped: bool,
    /// As in [`Origin`].
    pub(super) repairs: Repairs,
    /// How many strings and nested objects were opened to get here; at most [`MAX_DEPTH`].
    pub(super) depth: u8,
}

/// Looks for candidates in one record and keeps what it finds out about it.
pub(super) struct Walk<'w> {
    /// Receives candidates only; the record is closed by whoever walks.
    sink: &'w mut dyn Sink,
    /// Offset of the record.
    offset: u64,
    /// Bytes that may still be inflated. One budget for the whole record, or nested payloads would multiply.
    pub(super) budget: usize,
    /// How many candidates were handed out.
    pub(super) events: usize,
    /// The most telling reason so far why there are none.
    skip: Option<Skip>,
    /// The first damage.
    reject: Option<Reject>,
}

impl<'w> Walk<'w> {
    /// Starts on a record; `limit` bounds what its compressed payloads inflate to.
    pub(super) fn new(sink: &'w mut dyn Sink, limit: usize, offset: u64) -> Self {
        Self { sink, offset, budget: limit, events: 0, skip: None, reject: None }
    }

    /// What the record is.
    pub(super) fn verdict(&self) -> Verdict {
        match (self.reject, self.events) {
            (Some(reject), _) => Verdict::Rejected(reject),
            (None, 0) => Verdict::Skipped(self.skip.unwrap_or(Skip::NotAudit)),
            (None, _) => Verdict::Events,
        }
    }

    /// Notes a reason why there is nothing to hand out.
    pub(super) fn skip(&mut self, skip: Skip) {
        if matches!(self.skip, None | Some(Skip::NotAudit)) {
            self.skip = Some(skip);
        }
    }

    /// Notes damage.
    pub(super) fn reject(&mut self, reject: Reject) {
        self.reject.get_or_insert(reject);
    }

    /// Hands out a candidate.
    pub(super) fn event(&mut self, text: &[u8], place: Place<'_>) {
        let Place { node, wrapped, repairs, .. } = place;
        self.events += 1;
        self.sink.event(text, Origin { offset: self.offset, node, wrapped, repairs });
    }

    /// Any text: a line, a part of one, or what was in a string.
    pub(super) fn text<'a>(&mut self, text: &'a [u8], mut place: Place<'a>) {
        let mut rest = text;
        for _ in 0..=MAX_PREFIXES {
            let (trimmed, _, repairs) = trim(rest);
            place.repairs.merge(repairs);
            rest = trimmed;
            match rest.first() {
                None => return self.skip(Skip::Blank),
                Some(b'{' | b'[' | b']' | b',') => {
                    if let Some(broken) = self.sequence(rest, place) {
                        self.broken(&broken, place);
                    }
                    return;
                }
                Some(b'"') => return self.quoted(rest, place),
                _ => {}
            }
            match prefix::strip(rest) {
                Prefix::Klog => return self.skip(Skip::Klog),
                Prefix::Legacy => return self.skip(Skip::LegacyText),
                Prefix::Plain(behind) => rest = behind,
                Prefix::Node(node, behind) => {
                    place.node = Some(node);
                    rest = behind;
                }
                Prefix::Unknown => break,
            }
        }
        self.no_json(rest, place);
    }

    /// Objects one behind the other, with or without commas and the brackets of an array around them. One
    /// that is not whole ends it, and is left to the caller.
    pub(super) fn sequence<'a>(&mut self, text: &'a [u8], place: Place<'a>) -> Option<Keys<'a>> {
        let mut at = punctuation(text, 0);
        if at == text.len() {
            self.skip(Skip::ArrayPunctuation);
            return None;
        }
        if text[at] != b'{' {
            self.other_value(text, place);
            return None;
        }
        loop {
            let keys = Keys::read(text, at);
            if keys.broken {
                return Some(keys);
            }
            let next = punctuation(text, keys.end);
            let clean = next == text.len() || text[next] == b'{';
            if !clean && keys.is_event() {
                // The parser knows better than the brackets where a damaged event ends.
                self.event(&text[at..], place);
                return None;
            }
            self.member_of_sequence(text, &keys, place);
            if next == text.len() {
                return None;
            }
            if !clean {
                self.garbage(&text[next..], place);
                return None;
            }
            at = next;
        }
    }

    /// An object whose extent is known. What is no event must be whole to be skipped; that of an event is the
    /// parser's concern.
    fn member_of_sequence<'a>(&mut self, text: &'a [u8], keys: &Keys<'_>, place: Place<'a>) {
        let before = self.events;
        self.object(text, keys, place);
        if self.events == before && !self.is_json(&text[keys.start..keys.end]) {
            self.reject(Reject::NotJson);
        }
    }

    fn is_json(&self, object: &[u8]) -> bool {
        self.reject.is_some() || std::str::from_utf8(object).is_ok_and(is_json)
    }

    /// An object that is cut or malformed: the whole items of a list, or the text as it stands for the
    /// parser.
    pub(super) fn broken(&mut self, keys: &Keys<'_>, place: Place<'_>) {
        if is_list(keys) {
            self.broken_list(keys, place, Reject::TornDocument);
        } else {
            self.event(&keys.text()[keys.start..], place);
        }
    }

    /// Hands out what is whole of an object that is not, and nothing else.
    pub(super) fn broken_list(&mut self, keys: &Keys<'_>, place: Place<'_>, reject: Reject) {
        self.reject(reject);
        if is_list(keys) {
            self.object(keys.text(), keys, place);
        }
    }

    /// An object with its keys known. `text` is the one that they were read from.
    pub(super) fn object<'a>(&mut self, text: &'a [u8], keys: &Keys<'_>, place: Place<'a>) {
        if keys.is_event() {
            return self.event(&text[keys.start..keys.end], place);
        }
        let versioned = keys.has(Key::ApiVersion);
        match keys.string(Key::Kind) {
            Some(b"EventList") if keys.has_audit_version() => self.items(text, keys, place, true),
            Some(b"List") => self.items(text, keys, place, false),
            Some(b"EventList") if !versioned => self.items(text, keys, place, false),
            // Sorted keys put `items` in front of `kind`, and the list may be cut between them.
            None if keys.has(Key::Items) => self.items(text, keys, place, keys.has_audit_version()),
            // Objects of the API hold text of other people: what their messages say is no event.
            Some(_) if versioned => self.skip(Skip::NotAudit),
            _ => self.envelope(text, keys, place),
        }
    }

    fn items<'a>(&mut self, text: &'a [u8], keys: &Keys<'_>, place: Place<'a>, audit: bool) {
        let place = Place { wrapped: true, ..place };
        if let Some(span) = keys.get(Key::Items) {
            self.elements(text, span, |walk, (start, end)| {
                let item = &text[start..end];
                if !item.starts_with(b"{") {
                    return;
                }
                let keys = Keys::read(item, 0);
                if audit || keys.broken || keys.is_event() {
                    walk.event(item, place);
                }
            });
        }
        self.skip(Skip::NotAudit);
    }

    fn envelope<'a>(&mut self, text: &'a [u8], keys: &Keys<'_>, place: Place<'a>) {
        let before = self.events;
        if self.cloud(text, keys, place) {
            return;
        }
        for key in NESTED {
            if self.events > before {
                return;
            }
            if let Some(span) = keys.get(key) {
                self.value(text, span, place);
            }
        }
        self.skip(Skip::NotAudit);
    }

    /// A value that may hold an event: an object, or a string with text in it.
    pub(super) fn value<'a>(&mut self, text: &'a [u8], span: Span, place: Place<'a>) {
        let value = &text[span.0..span.1];
        let last = place.depth == MAX_DEPTH && memchr::memchr(b'{', value).is_none();
        if last || !matches!(value.first(), Some(b'{' | b'"')) {
            return;
        }
        let Some(place) = self.deeper(place) else { return };
        if text[span.0] == b'"' {
            let Some(raw) = string(text, span) else { return };
            match unescape(raw) {
                Some(inner) => self.text(&inner, place),
                None => self.reject(Reject::BadString),
            }
        } else {
            self.nested(&text[..span.1], span.0, place);
        }
    }

    /// The object that opens at `text[start]` and whose brackets close at the end of the text.
    pub(super) fn nested<'a>(&mut self, text: &'a [u8], start: usize, place: Place<'a>) {
        let keys = Keys::read(text, start);
        if keys.broken { self.broken(&keys, place) } else { self.object(text, &keys, place) }
    }

    /// Extent of the value of `key` in the object at `span`. Of an object that is no JSON the members may seem to go on
    /// behind its brackets, where others stand: nothing is looked at there, or a list of such objects would cost its
    /// square.
    pub(super) fn member(&mut self, text: &[u8], span: Span, key: &[u8]) -> Option<Span> {
        let mut members = Members::new(&text[..span.1], span.0)?;
        loop {
            match members.next_member() {
                Ok(Some(member)) if member.key == key => return Some((member.start, member.end)),
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(_) => {
                    self.reject(Reject::TornDocument);
                    return None;
                }
            }
        }
    }

    /// The place one level further in, unless that is too deep.
    pub(super) fn deeper<'a>(&mut self, place: Place<'a>) -> Option<Place<'a>> {
        if place.depth == MAX_DEPTH {
            self.reject(Reject::TooDeep);
            return None;
        }
        Some(Place { wrapped: true, depth: place.depth + 1, ..place })
    }

    /// Calls `each` for the elements of the array at `span`; anything else than an array has none. Nothing behind the
    /// span is looked at, as in [`Walk::member`].
    pub(super) fn elements(&mut self, text: &[u8], span: Span, mut each: impl FnMut(&mut Self, Span)) {
        let Some(mut elements) = Elements::new(&text[..span.1], span.0) else { return };
        loop {
            match elements.next_element() {
                Ok(Some(element)) => each(self, element),
                Ok(None) => return,
                Err(_) => return self.reject(Reject::TornDocument),
            }
        }
    }

    /// Like `each` of several messages, where text that is no event is nothing to report.
    pub(super) fn quietly(&mut self, each: impl FnOnce(&mut Self)) {
        let before = self.skip;
        each(self);
        self.skip = before;
        self.skip(Skip::NotAudit);
    }

    /// A line that is one JSON string, as `jq .message` writes it.
    fn quoted(&mut self, text: &[u8], place: Place<'_>) {
        if string_end(text, 1) == Some(text.len()) {
            self.value(text, (0, text.len()), place);
        } else {
            self.no_json(text, place);
        }
    }

    /// An array of other things than objects, or no JSON at all.
    fn other_value(&mut self, text: &[u8], place: Place<'_>) {
        let whole = text.starts_with(b"[") && std::str::from_utf8(text).is_ok_and(is_json);
        if whole && !holds_event(text) {
            self.skip(Skip::NotAudit);
        } else {
            self.no_json(text, place);
        }
    }

    fn garbage(&mut self, text: &[u8], place: Place<'_>) {
        if holds_event(text) { self.event(text, place) } else { self.reject(Reject::NotJson) }
    }

    /// The front of an event can be torn off. Inside a string anything can stand, on a line it is damage.
    fn no_json(&mut self, text: &[u8], place: Place<'_>) {
        if place.depth == 0 || holds_event(text) {
            self.garbage(text, place);
        } else {
            self.skip(Skip::NotAudit);
        }
    }
}

/// Whether the whole items of the object are worth reading if it is cut.
pub(super) fn is_list(keys: &Keys<'_>) -> bool {
    const LISTS: [Key; 6] =
        [Key::Items, Key::LogEvents, Key::Events, Key::KinesisRecords, Key::Records, Key::Streams];
    !keys.is_event() && LISTS.into_iter().any(|key| keys.has(key))
}

/// Position behind the white space, commas and brackets of an array. Braces belong to it behind the bracket
/// that closes the items of a list.
pub(super) fn punctuation(text: &[u8], from: usize) -> usize {
    let mut closed = false;
    let behind = text[from..].iter().position(|byte| match byte {
        b' ' | b'\t' | b'\n' | b'\r' | b',' | b'[' => false,
        b']' => {
            closed = true;
            false
        }
        b'}' => !closed,
        _ => true,
    });
    behind.map_or(text.len(), |length| from + length)
}
