//! Lines to records: what a line is on its own, and what it is to the lines before it.

use super::document::{Document, Next, Step, opens_document};
use super::keys::Keys;
use super::partial::{DockerPart, Partial};
use super::prefix::{cri_part, trim};
use super::verdict::{Reject, Skip, Verdict};
use super::walk::{Place, Walk, punctuation};
use super::{Record, Sink};
use crate::lines::{Line, LineKind};
use crate::repair::{Repair, Repairs};

/// Storage of a document that is kept for the next.
const SPARE: usize = 1 << 20;

/// A line, or the part of it that no record has accounted for.
#[derive(Clone, Copy)]
struct Piece<'a> {
    /// Offset of its first byte.
    offset: u64,
    /// Bytes to account for, newline included.
    len: u64,
    /// Text without newline.
    bytes: &'a [u8],
    /// As that of the line.
    kind: LineKind,
    /// What is known of it from the lines before.
    repairs: Repairs,
}

impl Piece<'_> {
    /// What is left behind the first `used` bytes.
    fn behind(self, used: usize) -> Self {
        let used = used.min(self.bytes.len());
        Self {
            offset: self.offset + used as u64,
            len: self.len.saturating_sub(used as u64),
            bytes: &self.bytes[used..],
            kind: self.kind,
            repairs: self.repairs,
        }
    }
}

/// Finds candidate events in lines and accounts for every byte of them.
///
/// What it holds between lines is one document and one log entry for each of two streams, each at most the
/// limit. To open a record takes a small multiple of the limit more, while [`Unwrapper::feed`] runs.
pub struct Unwrapper {
    /// Longest document, in bytes.
    limit: usize,
    /// The document whose end has not come yet.
    document: Option<Document>,
    /// The entries of stdout and stderr whose last part has not come yet.
    partials: [Option<Partial>; 2],
    /// Storage for the next document, at most [`SPARE`] bytes.
    spare: Vec<u8>,
}

impl Unwrapper {
    /// Starts with nothing pending. `limit` is the longest document of several lines, the longest log entry
    /// of several parts, and what the compressed payloads of one record may inflate to, in bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, document: None, partials: [None, None], spare: Vec::new() }
    }

    /// True while lines are being collected: what the next line is depends on those before it.
    #[must_use]
    pub fn pending(&self) -> bool {
        self.document.is_some() || self.partials.iter().any(Option::is_some)
    }

    /// Takes the next line.
    pub fn feed(&mut self, line: &Line<'_>, sink: &mut dyn Sink) {
        let Line { offset, len, bytes, kind, .. } = *line;
        if kind == LineKind::Nul {
            self.tear(Some(Reject::TornDocument), sink);
            let verdict = Verdict::Skipped(Skip::NulRun);
            return sink.close(Record { offset, len, verdict, bytes: &[] });
        }
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let piece = Piece { offset, len, bytes, kind, repairs: Repairs::default() };
        if let Some(rest) = self.resume(piece, sink) {
            self.begin(rest, sink);
        }
    }

    /// The input is over: a document without its end is torn, a log entry without its last part is handed out
    /// as cut.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        self.tear(Some(Reject::TornDocument), sink);
        for stream in 0..self.partials.len() {
            self.hand_out(stream, sink);
        }
    }

    /// Gives the line to the document that is being collected and returns what does not belong to it.
    fn resume<'a>(&mut self, piece: Piece<'a>, sink: &mut dyn Sink) -> Option<Piece<'a>> {
        let Some(document) = &mut self.document else { return Some(piece) };
        match document.judge(piece.bytes) {
            Next::Continues => {}
            Next::Element => {
                self.tear(None, sink);
                return Some(piece);
            }
            Next::Foreign => {
                // Whoever sends a body chooses its bytes: what may be a part of one says so.
                let repairs = if document.may_hold(piece.bytes) {
                    Repairs::one(Repair::Resynchronised)
                } else {
                    piece.repairs
                };
                self.tear(Some(Reject::TornDocument), sink);
                return Some(Piece { repairs, ..piece });
            }
        }
        if piece.kind == LineKind::TooLong {
            document.len += piece.len;
            self.tear(Some(Reject::DocumentTooLong), sink);
            return None;
        }
        match document.push(piece.bytes, piece.len, self.limit) {
            Step::Open => None,
            Step::InString => {
                self.tear(Some(Reject::TornDocument), sink);
                None
            }
            Step::Closed(end) => {
                let rest = piece.behind(punctuation(piece.bytes, end));
                let done = trim(rest.bytes).0.is_empty();
                if !done {
                    document.len -= rest.len;
                }
                self.complete(sink);
                (!done).then_some(rest)
            }
        }
    }

    /// Takes a line that nothing before it has a claim on.
    fn begin(&mut self, piece: Piece<'_>, sink: &mut dyn Sink) {
        let (text, start, mut repairs) = trim(piece.bytes);
        repairs.merge(piece.repairs);
        let place = Place { repairs, ..Place::default() };
        if let Some(part) = DockerPart::read(text) {
            return self.docker(&part, piece, sink);
        }
        if let Some(part) = cri_part(&piece.bytes[start..]) {
            let stream = usize::from(part.stderr);
            if part.more || self.partials[stream].is_some() {
                return self.part(stream, part.content, part.more, false, piece, sink);
            }
        }
        let mut walk = Walk::new(sink, self.limit, piece.offset);
        match text.first() {
            None if repairs.has(Repair::NulRun) => walk.skip(Skip::NulRun),
            Some(b'{' | b'[' | b']' | b',') => {
                if let Some(broken) = walk.sequence(text, place) {
                    let opening = &text[broken.start..];
                    if piece.kind == LineKind::Whole && broken.cut && opens_document(&broken) {
                        let verdict = walk.verdict();
                        // Brackets in front of the first object are part of its record.
                        let head =
                            if broken.start == punctuation(text, 0) { 0 } else { start + broken.start };
                        if head > 0 {
                            let (offset, bytes) = (piece.offset, &piece.bytes[..head]);
                            sink.close(Record { offset, len: head as u64, verdict, bytes });
                        }
                        return self.collect(piece.behind(head), opening, repairs);
                    }
                    walk.broken(&broken, place);
                }
            }
            _ => walk.text(text, place),
        }
        let verdict = match walk.verdict() {
            Verdict::Rejected(Reject::TornDocument) if piece.kind == LineKind::TooLong => {
                Verdict::Rejected(Reject::DocumentTooLong)
            }
            verdict => verdict,
        };
        close(piece, verdict, sink);
    }

    /// Takes one line of a docker json-file.
    fn docker(&mut self, part: &DockerPart, piece: Piece<'_>, sink: &mut dyn Sink) {
        let stream = usize::from(part.stderr);
        if part.is_fresh() {
            self.hand_out(stream, sink);
        }
        let pending = self.partials[stream].is_some();
        let more = part.more(pending);
        if more || pending {
            return self.part(stream, &part.content, more, true, piece, sink);
        }
        let mut walk = Walk::new(sink, self.limit, piece.offset);
        walk.text(&part.content, Place { wrapped: true, depth: 1, ..Place::default() });
        let verdict = walk.verdict();
        close(piece, verdict, sink);
    }

    /// Adds a part to the entry of its stream, which is over unless `more` follow.
    fn part(
        &mut self,
        stream: usize,
        content: &[u8],
        more: bool,
        wrapped: bool,
        piece: Piece<'_>,
        sink: &mut dyn Sink,
    ) {
        let fresh = || Partial { offset: piece.offset, len: 0, text: Vec::new(), wrapped };
        self.partials[stream].get_or_insert_with(fresh).push(content, piece.len, self.limit);
        if !more {
            self.hand_out(stream, sink);
        }
    }

    /// Closes the entry of a stream, if one is pending.
    fn hand_out(&mut self, stream: usize, sink: &mut dyn Sink) {
        let Some(Partial { offset, len, text, wrapped }) = self.partials[stream].take() else { return };
        let mut walk = Walk::new(sink, self.limit, offset);
        walk.text(&text, Place { wrapped, depth: u8::from(wrapped), ..Place::default() });
        let verdict = walk.verdict();
        sink.close(Record { offset, len, verdict, bytes: &text });
    }

    /// Begins to collect a document with the rest of a line.
    fn collect(&mut self, piece: Piece<'_>, opening: &[u8], repairs: Repairs) {
        let mut document = Document::new(piece.offset, repairs, std::mem::take(&mut self.spare));
        document.push(opening, piece.len, self.limit);
        self.document = Some(document);
    }

    /// Closes the document that is being collected and has come to its end.
    fn complete(&mut self, sink: &mut dyn Sink) {
        let Some(document) = self.document.take_if(|document| !document.too_long) else {
            return self.tear(None, sink);
        };
        let place = Place { repairs: document.repairs, ..Place::default() };
        let mut walk = Walk::new(sink, self.limit, document.offset);
        if let Some(broken) = walk.sequence(&document.text, place) {
            walk.broken(&broken, place);
        }
        let verdict = walk.verdict();
        self.close_document(document, verdict, sink);
    }

    /// Closes the document that is being collected, if there is one, before its end. Without a reason it is
    /// the beginning of a list whose elements follow on lines of their own.
    fn tear(&mut self, reason: Option<Reject>, sink: &mut dyn Sink) {
        let Some(document) = self.document.take() else { return };
        let reason = if document.too_long { Some(Reject::DocumentTooLong) } else { reason };
        let place = Place { repairs: document.repairs, ..Place::default() };
        let mut walk = Walk::new(sink, self.limit, document.offset);
        let text = document.text.trim_ascii_end();
        let keys = Keys::read(text, 0);
        // A line that is cut behind a comma is no worse than one that is cut elsewhere, if no other line
        // joined it.
        let is_cut_line = text.len() > 1 && memchr::memchr(b'\n', text).is_none();
        if reason == Some(Reject::TornDocument) && is_cut_line {
            walk.broken(&keys, place);
        } else {
            walk.broken_list(&keys, place, reason.unwrap_or(Reject::TornDocument));
        }
        let verdict = match reason {
            Some(_) => walk.verdict(),
            None if walk.events > 0 => Verdict::Events,
            None => Verdict::Skipped(Skip::ArrayPunctuation),
        };
        self.close_document(document, verdict, sink);
    }

    fn close_document(&mut self, document: Document, verdict: Verdict, sink: &mut dyn Sink) {
        let Document { offset, len, text, .. } = document;
        sink.close(Record { offset, len, verdict, bytes: &text });
        if text.capacity() <= SPARE {
            self.spare = text;
        }
    }
}

/// Closes the record of one line.
fn close(piece: Piece<'_>, verdict: Verdict, sink: &mut dyn Sink) {
    let Piece { offset, len, bytes, .. } = piece;
    sink.close(Record { offset, len, verdict, bytes });
}
