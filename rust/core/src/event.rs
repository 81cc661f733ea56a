//! One event, borrowed from its line: where each value of `audit.k8s.io/v1` `Event` stands, and nothing decoded yet.
//!
//! A lane fills [`Spans`]; the batch builder reads them through [`Event`]. Neither knows the other.

use std::ops::Range;

use crate::repair::Repairs;

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
    /// From the value of `user` to the end of `userAgent`, or of the last key in front of it that is there: the text says
    /// which of these keys there are. Empty where the lane does not find them side by side.
    caller: Range<u32>,
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
        self.caller = 0..0;
        self.unknown.clear();
        self.repairs = Repairs::default();
    }

    /// Notes the value of a key; answers whether the key had one before. Go keeps the last, and so do we.
    pub fn set(&mut self, key: Key, start: usize, end: usize) -> bool {
        let slot = &mut self.values[key as usize];
        let before = slot.start < slot.end;
        *slot = start as u32..end as u32;
        before
    }

    /// Notes that the value of a key is a string without escapes and control characters.
    pub(crate) fn set_plain(&mut self, key: Key) {
        self.plain |= 1 << key as u32;
    }

    /// Notes where name, UID and resource version stand in the object reference.
    pub(crate) fn set_object(&mut self, texts: [Range<usize>; 3]) {
        self.object = Some(texts.map(|text| text.start as u32..text.end as u32));
    }

    /// Notes that the keys from `user` to `userAgent` stand side by side, in wire order and none of them twice, and that
    /// the last of their values ends there.
    pub(crate) fn set_caller(&mut self, end: usize) {
        let user = &self.values[Key::User as usize];
        if user.end > 0 {
            self.caller = user.start..end as u32;
        }
    }

    /// Forgets the value of a key.
    pub fn unset(&mut self, key: Key) {
        self.values[key as usize] = 0..0;
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

    /// The bytes from the value of `user` to the end of `userAgent`, where a lane found these keys side by side. Equal
    /// bytes mean equal values.
    #[inline]
    pub(crate) fn caller(&self) -> Option<&'a [u8]> {
        let span = &self.spans.caller;
        if span.end == 0 { None } else { Some(&self.text.as_bytes()[span.start as usize..span.end as usize]) }
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
    #[inline]
    pub fn split_object(&self, constant: &mut String) -> Option<[Option<&'a str>; 3]> {
        let texts = self.spans.object.as_ref()?;
        let whole = &self.spans.values[Key::ObjectRef as usize];
        constant.clear();
        let mut kept = whole.start as usize;
        for text in texts.iter().filter(|text| text.end > 0) {
            constant.push_str(&self.text[kept..text.start as usize]);
            kept = text.end as usize;
        }
        constant.push_str(&self.text[kept..whole.end as usize]);
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
