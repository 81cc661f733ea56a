//! The top-level keys that tell what an object is, found in one walk.

use crate::scan::{Members, ScanError, skip_space, string_end};

/// Extent of a JSON value.
pub(super) type Span = (usize, usize);

/// Keys that tell envelopes and events from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Kind,
    ApiVersion,
    AuditId,
    Stage,
    Items,
    MessageType,
    LogEvents,
    Events,
    AwsLogs,
    KinesisRecords,
    Kinesis,
    Data,
    Records,
    Category,
    Properties,
    Streams,
    ProtoPayload,
    LogName,
    Attributes,
    Kubernetes,
    Source,
    Log,
    LogS,
    Message,
    JournalMessage,
    InsightsMessage,
    ShortMessage,
    Line,
    Stream,
    Time,
    Attrs,
}

const COUNT: usize = Key::Attrs as usize + 1;

impl Key {
    fn of(raw: &[u8]) -> Option<Self> {
        Some(match raw {
            b"kind" => Self::Kind,
            b"apiVersion" => Self::ApiVersion,
            b"auditID" => Self::AuditId,
            b"stage" => Self::Stage,
            b"items" => Self::Items,
            b"messageType" => Self::MessageType,
            b"logEvents" => Self::LogEvents,
            b"events" => Self::Events,
            b"awslogs" => Self::AwsLogs,
            b"Records" => Self::KinesisRecords,
            b"kinesis" => Self::Kinesis,
            b"data" => Self::Data,
            b"records" => Self::Records,
            b"category" | b"Category" => Self::Category,
            b"properties" => Self::Properties,
            b"streams" => Self::Streams,
            b"protoPayload" | b"protopayload_auditlog" => Self::ProtoPayload,
            b"logName" => Self::LogName,
            b"attributes" => Self::Attributes,
            b"kubernetes" => Self::Kubernetes,
            b"_source" => Self::Source,
            b"log" => Self::Log,
            b"log_s" => Self::LogS,
            b"message" => Self::Message,
            b"MESSAGE" => Self::JournalMessage,
            b"@message" => Self::InsightsMessage,
            b"short_message" => Self::ShortMessage,
            b"line" => Self::Line,
            b"stream" => Self::Stream,
            b"time" => Self::Time,
            b"attrs" => Self::Attrs,
            _ => return None,
        })
    }
}

/// Where the values of an object's known keys stand.
pub(super) struct Keys<'a> {
    /// What all extents are positions in.
    text: &'a [u8],
    /// Extent by key; an end of 0 is an absent key. Of a key that stands twice the last counts, as in Go.
    spans: [Span; COUNT],
    /// Whether a key stands there that is not one of [`Key`].
    others: bool,
    /// Position of the opening brace.
    pub(super) start: usize,
    /// Position behind the closing brace; the end of the text when `broken`.
    pub(super) end: usize,
    /// Whether the object is cut or malformed. Of a list that is cut, the part that is there counts as its
    /// extent.
    pub(super) broken: bool,
    /// Whether nothing is wrong with it but that it is cut.
    pub(super) cut: bool,
}

impl<'a> Keys<'a> {
    /// Walks the object that opens at `text[start]`.
    pub(super) fn read(text: &'a [u8], start: usize) -> Self {
        let spans = [(0, 0); COUNT];
        let mut keys = Self { text, spans, others: false, start, end: text.len(), broken: true, cut: false };
        let Some(mut members) = Members::new(text, start) else { return keys };
        let mut behind = start + 1;
        loop {
            match members.next_member() {
                Ok(Some(member)) => {
                    behind = member.end;
                    keys.note(member.key, (member.start, member.end));
                }
                Ok(None) => {
                    keys.end = members.end();
                    keys.broken = false;
                    return keys;
                }
                Err(error) => {
                    keys.note_cut(behind, error);
                    return keys;
                }
            }
        }
    }

    /// The text that the object stands in.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    fn note(&mut self, key: &[u8], span: Span) {
        match Key::of(key) {
            Some(key) => self.spans[key as usize] = span,
            None => self.others = true,
        }
    }

    /// The whole items of a list are worth reading even if its end is missing.
    fn note_cut(&mut self, behind: usize, error: ScanError) {
        let ScanError::Cut(at) = error else { return };
        self.cut = true;
        if self.text.get(at) != Some(&b'[') {
            return;
        }
        let mut quote = skip_space(self.text, behind);
        if self.text.get(quote) == Some(&b',') {
            quote = skip_space(self.text, quote + 1);
        }
        if let Some(end) = string_end(self.text, quote + 1) {
            self.note(&self.text[quote + 1..end - 1], (at, self.text.len()));
        }
    }

    /// Extent of the value of a key.
    pub(super) fn get(&self, key: Key) -> Option<Span> {
        let span = self.spans[key as usize];
        (span.1 > 0).then_some(span)
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// Content of a string as it stands between its quotes.
    pub(super) fn string(&self, key: Key) -> Option<&'a [u8]> {
        string(self.text, self.get(key)?)
    }

    /// Whether it is an audit event by its keys. One without `kind` comes from a list or from a shipper.
    pub(super) fn is_event(&self) -> bool {
        let named = self.has(Key::AuditId) && self.has(Key::Stage);
        match self.string(Key::Kind) {
            Some(b"Event") => self.has_audit_version() || (named && !self.has(Key::ApiVersion)),
            Some(_) => false,
            None => named && !self.has(Key::Kind),
        }
    }

    /// Whether `apiVersion` is one of audit.k8s.io. Some encoders escape the slash.
    pub(super) fn has_audit_version(&self) -> bool {
        let version = self.string(Key::ApiVersion).and_then(|version| version.strip_prefix(b"audit.k8s.io"));
        version.is_some_and(|rest| rest.starts_with(b"/") || rest.starts_with(b"\\/"))
    }

    /// Whether it is a line of docker's json-file: these keys, and no other.
    pub(super) fn is_docker(&self) -> bool {
        let present = [Key::Log, Key::Stream, Key::Time, Key::Attrs].into_iter().filter(|key| self.has(*key));
        let known = self.spans.iter().filter(|span| span.1 > 0).count();
        let complete = self.has(Key::Log) && self.has(Key::Stream) && self.has(Key::Time);
        complete && !self.others && present.count() == known
    }
}

/// Content of the string whose extent is `span`, as it stands between its quotes.
pub(super) fn string(text: &[u8], span: Span) -> Option<&[u8]> {
    text.get(span.0..span.1)?.strip_prefix(b"\"")?.strip_suffix(b"\"")
}
