//! One event, borrowed from its line: where each value of `audit.k8s.io/v1` `Event` stands, and nothing decoded yet.
//!
//! A lane fills [`Spans`]; the batch builder reads them through [`Event`]. Neither knows the other.

#![expect(
    clippy::inline_always,
    reason = "on the way of every line: what the compiler leaves as a call costs more than it does"
)]

mod callers;
mod known;

use std::mem;
use std::ops::Range;

use crate::repair::Repairs;

use callers::{Caller, Callers};
use known::Known;

pub(crate) use known::Name;

/// The keys of an event in the order of the Go struct, which is the order on the wire
/// (k8s.io/apiserver, `pkg/apis/audit/v1/types.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the JSON key that `Key::name` gives")]
pub enum Key {
    Kind,
    ApiVersion,
    Level,
    AuditId,
    Stage,
    RequestUri,
    Verb,
    User,
    ImpersonatedUser,
    AuthenticationMetadata,
    SourceIps,
    UserAgent,
    ObjectRef,
    ResponseStatus,
    RequestObject,
    ResponseObject,
    RequestReceivedTimestamp,
    StageTimestamp,
    Annotations,
}

impl Key {
    /// Every key, in wire order.
    pub const ALL: [Self; 19] = [
        Self::Kind,
        Self::ApiVersion,
        Self::Level,
        Self::AuditId,
        Self::Stage,
        Self::RequestUri,
        Self::Verb,
        Self::User,
        Self::ImpersonatedUser,
        Self::AuthenticationMetadata,
        Self::SourceIps,
        Self::UserAgent,
        Self::ObjectRef,
        Self::ResponseStatus,
        Self::RequestObject,
        Self::ResponseObject,
        Self::RequestReceivedTimestamp,
        Self::StageTimestamp,
        Self::Annotations,
    ];

    /// The JSON key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::ApiVersion => "apiVersion",
            Self::Level => "level",
            Self::AuditId => "auditID",
            Self::Stage => "stage",
            Self::RequestUri => "requestURI",
            Self::Verb => "verb",
            Self::User => "user",
            Self::ImpersonatedUser => "impersonatedUser",
            Self::AuthenticationMetadata => "authenticationMetadata",
            Self::SourceIps => "sourceIPs",
            Self::UserAgent => "userAgent",
            Self::ObjectRef => "objectRef",
            Self::ResponseStatus => "responseStatus",
            Self::RequestObject => "requestObject",
            Self::ResponseObject => "responseObject",
            Self::RequestReceivedTimestamp => "requestReceivedTimestamp",
            Self::StageTimestamp => "stageTimestamp",
            Self::Annotations => "annotations",
        }
    }

    /// The key of that JSON name; keys are case-sensitive.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name().as_bytes() == name)
    }

    /// Whether the value is a body: any JSON, found by its extent and never looked into.
    #[must_use]
    pub const fn is_body(self) -> bool {
        matches!(self, Self::RequestObject | Self::ResponseObject)
    }
}

/// Where the values of one event stand in its text. Reused from line to line.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    /// Extent of each key's value; an empty range is an absent key.
    values: [Range<u32>; Key::ALL.len()],
    /// Keys whose value is a string that is its own content: no escape, no control character. One bit a key; only some
    /// lanes look.
    plain: u32,
    /// Where name, UID and resource version stand in an object reference in its usual form: keys in the order of the Go
    /// struct, strings that are neither empty nor escaped. An empty range is an absent one; only some lanes look.
    object: Option<[Range<u32>; 3]>,
    /// The code of a status that says nothing else, in its usual form; zero for any other. Only some lanes look.
    code: u16,
    /// Names what stands from the value of `user` to the end of `userAgent`, where these keys stand side by side.
    caller: Option<Name>,
    /// Callers of earlier lines.
    callers: Callers,
    /// Names the value of `annotations`; only some lanes look.
    annotations: Option<Name>,
    /// Annotations of earlier lines.
    known_annotations: Known<()>,
    /// Extents of whole members (`"key":value`) whose key is not one of [`Key`], in order.
    pub(crate) unknown: Vec<Range<u32>>,
    /// What the lane had to repair to get here.
    pub(crate) repairs: Repairs,
}

impl Spans {
    /// Forgets the last event.
    pub fn clear(&mut self) {
        self.values = std::array::from_fn(|_| 0..0);
        self.plain = 0;
        self.object = None;
        self.code = 0;
        self.caller = None;
        self.annotations = None;
        self.unknown.clear();
        self.repairs = Repairs::default();
    }

    /// Notes the value of a key; answers where the one stands that it had before. Go keeps the last, and so do we.
    pub fn set(&mut self, key: Key, start: usize, end: usize) -> Option<Range<usize>> {
        let before = mem::replace(&mut self.values[key as usize], start as u32..end as u32);
        (before.end > 0).then_some(before.start as usize..before.end as usize)
    }

    /// Notes the value of a key that stands anywhere: what a lane knows of the values around it no longer holds. Answers as
    /// [`Self::set`].
    pub(crate) fn set_anywhere(&mut self, key: Key, start: usize, end: usize) -> Option<Range<usize>> {
        self.plain &= !(1 << key as u32);
        match key {
            Key::ObjectRef => self.object = None,
            Key::ResponseStatus => self.code = 0,
            Key::Annotations => self.annotations = None,
            _ if (Key::User..=Key::UserAgent).contains(&key) => self.caller = None,
            _ => {}
        }
        self.set(key, start, end)
    }

    /// Notes that the value of a key is a string without escapes and control characters.
    pub(crate) fn set_plain(&mut self, key: Key) {
        self.plain |= 1 << key as u32;
    }

    /// Notes that the status is the usual one of that code.
    pub(crate) fn set_code(&mut self, digits: [u8; 3]) {
        self.code = digits.iter().fold(0, |code, digit| 10 * code + u16::from(digit - b'0'));
    }

    /// Notes where name, UID and resource version stand in the object reference.
    pub(crate) fn set_object(&mut self, texts: [Range<usize>; 3]) {
        self.object = Some(texts.map(|text| text.start as u32..text.end as u32));
    }

    /// Notes the values from `user` to `userAgent` if the user that begins at `start` begins the text of a caller of an
    /// earlier line; answers where the last of them ends.
    pub(crate) fn find_caller(&mut self, text: &[u8], start: usize) -> Option<usize> {
        let (name, caller) = self.callers.find(&text[start..])?;
        let values = &mut self.values[Key::User as usize..=Key::UserAgent as usize];
        let mut end = 0;
        for (value, found) in values.iter_mut().zip(&caller.values) {
            let moved = if found.end == 0 { 0 } else { start as u32 };
            *value = found.start + moved..found.end + moved;
            end = end.max(value.end);
        }
        self.plain |= u32::from(caller.plain) << Key::UserAgent as u32;
        self.caller = Some(name);
        Some(end as usize)
    }

    /// Remembers the caller for later lines: the keys from `user` to `userAgent` stand side by side, in wire order and none
    /// of them twice. One that needed a repair is not remembered, nor one without a user agent, behind which another of the
    /// keys might stand the next time.
    pub(crate) fn put_caller(&mut self, text: &[u8]) {
        let values = &self.values[Key::User as usize..=Key::UserAgent as usize];
        let (start, end) = (values[0].start, values[4].end);
        if start == 0 || end == 0 || !self.repairs.is_empty() {
            return;
        }
        let moved = |value: &Range<u32>| value.start.saturating_sub(start)..value.end.saturating_sub(start);
        let values = std::array::from_fn(|place| moved(&values[place]));
        let plain = self.plain & 1 << Key::UserAgent as u32 != 0;
        let caller = Caller { values, plain };
        self.caller = self.callers.put(&text[start as usize..], (end - start) as usize, caller);
    }

    /// Notes that the annotations are those of an earlier line, if what stands at `span` of the text is; answers whether it
    /// is.
    #[inline(always)]
    pub(crate) fn find_annotations(&mut self, text: &[u8], span: Range<usize>) -> bool {
        let Some((name, ())) = self.known_annotations.find(&text[span.clone()]) else { return false };
        self.values[Key::Annotations as usize] = span.start as u32..span.end as u32;
        self.annotations = Some(name);
        true
    }

    /// Remembers the annotations for later lines, unless something was repaired.
    pub(crate) fn put_annotations(&mut self, text: &[u8]) {
        if self.repairs.is_empty() {
            let span = &self.values[Key::Annotations as usize];
            self.annotations = self.known_annotations.put(&text[span.start as usize..span.end as usize], ());
        }
    }

    /// Whether the key has a value.
    #[must_use]
    pub fn has(&self, key: Key) -> bool {
        self.values[key as usize].end > 0
    }
}

/// One event: its text and where its values stand.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The JSON object as it stood, from brace to brace.
    pub text: &'a str,
    spans: &'a Spans,
}

impl<'a> Event<'a> {
    /// The event that a lane found in `text`.
    #[must_use]
    pub fn new(text: &'a str, spans: &'a Spans) -> Self {
        Self { text, spans }
    }

    /// The raw JSON value of a key.
    #[must_use]
    #[inline]
    pub fn get(&self, key: Key) -> Option<&'a str> {
        let span = &self.spans.values[key as usize];
        if span.end == 0 { None } else { Some(&self.text[span.start as usize..span.end as usize]) }
    }

    /// The bytes of the raw JSON value of a key.
    #[inline]
    pub(crate) fn bytes(&self, key: Key) -> Option<&'a [u8]> {
        let span = &self.spans.values[key as usize];
        if span.end == 0 { None } else { Some(&self.text.as_bytes()[span.start as usize..span.end as usize]) }
    }

    /// Names the values from `user` to `userAgent`, where a lane found these keys side by side. Equal names mean equal
    /// values.
    #[inline]
    pub(crate) fn caller(&self) -> Option<Name> {
        self.spans.caller
    }

    /// The code of the status, below 1,000, where a lane saw the usual one, which says nothing else: equal codes mean equal
    /// values. Zero says nothing.
    #[inline]
    pub(crate) fn usual_code(&self) -> usize {
        self.spans.code.into()
    }

    /// Names the annotations, where a lane met them on an earlier line. Equal names mean equal values.
    #[inline]
    pub(crate) fn annotations(&self) -> Option<Name> {
        self.spans.annotations
    }

    /// The value of a key if the lane saw that it is a string without escapes and control characters; `None` says nothing.
    #[must_use]
    #[inline]
    pub fn plain(&self, key: Key) -> Option<&'a str> {
        let span = &self.spans.values[key as usize];
        let plain = self.spans.plain & 1 << key as u32 != 0;
        plain.then(|| &self.text[span.start as usize + 1..span.end as usize - 1])
    }

    /// Cuts name, UID and resource version out of an object reference in its usual form: `constant` becomes what is left,
    /// which says the same of everything else and repeats from line to line. `None` for any other reference, and where the
    /// lane did not look.
    #[inline(always)]
    pub fn split_object(&self, constant: &mut Vec<u8>) -> Option<[Option<&'a str>; 3]> {
        let texts = self.spans.object.as_ref()?;
        let whole = &self.spans.values[Key::ObjectRef as usize];
        let bytes = self.text.as_bytes();
        constant.clear();
        let mut kept = whole.start as usize;
        for text in texts.iter().filter(|text| text.end > 0) {
            constant.extend_from_slice(&bytes[kept..text.start as usize]);
            kept = text.end as usize;
        }
        constant.extend_from_slice(&bytes[kept..whole.end as usize]);
        let text = |text: &Range<u32>| &self.text[text.start as usize..text.end as usize];
        Some(texts.each_ref().map(|range| (range.end > 0).then(|| text(range))))
    }

    /// Members whose key is unknown, as they stand.
    pub fn unknown(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let text = self.text;
        self.spans.unknown.iter().map(move |span| &text[span.start as usize..span.end as usize])
    }

    /// What the lane repaired.
    #[must_use]
    pub fn repairs(&self) -> Repairs {
        self.spans.repairs
    }
}
