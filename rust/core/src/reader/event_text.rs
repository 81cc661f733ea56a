//! One candidate text to rows: the lanes, and what to do when the text is not one whole event.
//!
//! A text may hold a torn fragment in front of an event (two writers, or a crash), several events without a newline
//! between them, or an event that is cut. Nothing of it is lost silently: what becomes no row is a [`Fragment`].

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use crate::batch::{BadValue, BatchBuilder, Place};
use crate::event::{Event, Spans};
use crate::parse::{ParseError, canonical, general};
use crate::repair::{Repair, Repairs};

/// How an event begins on a line, and where reading resumes behind a torn fragment. A body can hold a core `v1` Event,
/// so the API version is part of it.
pub(super) const EVENT_START: &[u8] = br#"{"kind":"Event","apiVersion":"audit.k8s.io/"#;

/// Looking for a place to resume may read this many times the text: a line made of event beginnings must not cost the
/// square of its length.
const RESUME_BUDGET: usize = 16;

/// Bytes of a text that became no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
    /// One word.
    pub(super) reason: &'static str,
    /// What is wrong with it, for people.
    pub(super) detail: String,
}

/// What a text gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Rows pushed.
    pub(super) rows: usize,
    /// What was repaired in them, and by them.
    pub(super) repairs: Repairs,
    /// What became no row, in order.
    pub(super) fragments: Vec<Fragment>,
    /// Whether a whole JSON object was found that is no audit event.
    pub(super) other: bool,
    /// Rows by the lane that read them, in the order of [`Lane`].
    pub(super) lanes: [usize; 3],
}

/// Who found the values of an event.
#[derive(Clone, Copy)]
pub(super) enum Lane {
    Canonical,
    General,
    Salvage,
}

/// Where rows go: the builder, and what to do when it is full.
pub(super) trait RowSink {
    /// Adds an event to the batch.
    fn push(&mut self, event: &Event<'_>, place: &Place<'_>) -> Result<Repairs, BadValue>;
}

/// Reads every event of `raw` into `sink`. `spans` is scratch.
pub(super) fn read(
    raw: &[u8],
    offset: u64,
    before: Repairs,
    spans: &mut Spans,
    sink: &mut dyn RowSink,
) -> Found {
    let (text, mut repairs) = decode(raw);
    repairs.merge(before);
    let mut reading = Reading { text: &text, raw, offset, spans, sink, found: Found::default() };
    reading.found.repairs = repairs;
    reading.run(repairs);
    reading.found
}

/// The text as UTF-8, with U+FFFD for what is none. A changed text has other offsets than the raw bytes.
fn decode(raw: &[u8]) -> (Cow<'_, str>, Repairs) {
    match simdutf8::basic::from_utf8(raw) {
        Ok(text) => (Cow::Borrowed(text), Repairs::default()),
        Err(_) => (String::from_utf8_lossy(raw), Repairs::one(Repair::InvalidUtf8)),
    }
}

struct Reading<'a> {
    text: &'a str,
    raw: &'a [u8],
    offset: u64,
    spans: &'a mut Spans,
    sink: &'a mut dyn RowSink,
    found: Found,
}

/// What one try at an event came to.
enum Tried {
    /// A row; the event ends there.
    Row(usize),
    /// No row, and why.
    No(Failure),
}

#[derive(Clone, Copy)]
enum Failure {
    Parse(ParseError),
    Value(BadValue),
}

impl Reading<'_> {
    fn run(&mut self, repairs: Repairs) {
        let mut at = 0;
        let mut repairs = repairs;
        loop {
            match self.row_at(at, repairs) {
                Tried::Row(end) => {
                    at = end + leading_space(&self.text[end..]);
                    if at == self.text.len() {
                        return;
                    }
                    if !self.text[at..].starts_with('{') {
                        self.trailing(at);
                        return;
                    }
                }
                Tried::No(Failure::Parse(ParseError::NotAnEvent)) => {
                    self.found.other = true;
                    return;
                }
                Tried::No(failure) => match self.resume_behind(at) {
                    Some(next) => {
                        self.fragment(at..next, failure);
                        repairs.add(Repair::Resynchronised);
                        at = next;
                    }
                    None => return self.last_chance(at, failure, repairs),
                },
            }
        }
    }

    /// Tries the lanes at a position, the fast one first.
    fn row_at(&mut self, at: usize, repairs: Repairs) -> Tried {
        let text = &self.text[at..];
        let (lane, end) = match canonical::parse(text, self.spans) {
            Some(end) => (Lane::Canonical, end),
            None => match general::parse(text, self.spans) {
                Ok(end) => (Lane::General, end),
                Err(error) => return Tried::No(Failure::Parse(error)),
            },
        };
        match self.push(at, end, repairs) {
            Ok(()) => {
                self.found.lanes[lane as usize] += 1;
                Tried::Row(at + end)
            }
            Err(bad) => Tried::No(Failure::Value(bad)),
        }
    }

    fn push(&mut self, at: usize, len: usize, repairs: Repairs) -> Result<(), BadValue> {
        let text = &self.text[at..at + len];
        let lossy = self.text.len() != self.raw.len() || repairs.has(Repair::InvalidUtf8);
        let raw = if lossy { self.raw } else { &self.raw[at..at + len] };
        let event = Event::new(text, self.spans);
        let place = Place { offset: self.offset, raw, repairs };
        let repaired = self.sink.push(&event, &place)?;
        self.found.repairs.merge(repaired);
        self.found.rows += 1;
        Ok(())
    }

    /// The next place behind `at` where a whole event can be read.
    fn resume_behind(&mut self, at: usize) -> Option<usize> {
        let finder = memmem::Finder::new(EVENT_START);
        let mut budget = RESUME_BUDGET * (self.text.len() - at) + (1 << 20);
        let mut from = at + 1;
        while let Some(step) = finder.find(self.text.as_bytes().get(from..)?) {
            let candidate = from + step;
            if general::parse(&self.text[candidate..], self.spans).is_ok() {
                return Some(candidate);
            }
            budget = budget.checked_sub(self.text.len() - candidate)?;
            from = candidate + 1;
        }
        None
    }

    /// No whole event follows: keeps the metadata of one that is cut in its bodies, and rejects anything else.
    fn last_chance(&mut self, at: usize, failure: Failure, mut repairs: Repairs) {
        if let Failure::Parse(ParseError::Cut { metadata: true, .. }) = failure {
            repairs.add(Repair::Truncated);
            // The search for a place to resume has used the spans.
            let again = general::parse(&self.text[at..], self.spans);
            let cut = matches!(again, Err(ParseError::Cut { .. }));
            if cut && self.push(at, self.text.len() - at, repairs).is_ok() {
                self.found.lanes[Lane::Salvage as usize] += 1;
                return;
            }
        }
        self.fragment(at..self.text.len(), failure);
    }

    /// What stands behind an event and is no other one: NULs of a hole, or garbage.
    fn trailing(&mut self, at: usize) {
        let rest = &self.text[at..];
        // An element of an array that stands one event a line.
        if rest.trim_matches([',', ']', '}', ' ', '\t', '\r']).is_empty() && !rest.starts_with('}') {
            return;
        }
        if rest.bytes().all(|byte| byte == 0) {
            self.found.repairs.add(Repair::NulRun);
            return;
        }
        let detail = "text behind the end of the event; another writer, or a torn line".to_owned();
        self.found.repairs.add(Repair::Resynchronised);
        self.found.fragments.push(Fragment { span: at..self.text.len(), reason: "trailing_text", detail });
    }

    fn fragment(&mut self, span: Range<usize>, failure: Failure) {
        let (reason, detail) = explain(failure);
        self.found.fragments.push(Fragment { span, reason, detail });
    }
}

fn explain(failure: Failure) -> (&'static str, String) {
    match failure {
        Failure::Parse(ParseError::NotAnObject) => ("not_json", "no JSON object begins here".to_owned()),
        Failure::Parse(ParseError::NotAnEvent) => ("not_audit", "a JSON object of another kind".to_owned()),
        Failure::Parse(ParseError::Cut { at, .. }) => {
            let detail = format!("the event ends inside the value at byte {at}: a torn write, or a cut file");
            ("torn", detail)
        }
        Failure::Parse(ParseError::Invalid(at)) => ("invalid_json", format!("no valid JSON at byte {at}")),
        Failure::Value(BadValue(key)) => {
            ("invalid_json", format!("the value of \"{}\" is no valid JSON", key.name()))
        }
    }
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t', '\n', '\r']).len()
}

/// Pushes into a builder and moves full batches out of it first.
pub(super) struct Batches<'a> {
    pub(super) builder: &'a mut BatchBuilder,
    pub(super) ready: &'a mut std::collections::VecDeque<arrow_array::RecordBatch>,
}

impl RowSink for Batches<'_> {
    fn push(&mut self, event: &Event<'_>, place: &Place<'_>) -> Result<Repairs, BadValue> {
        if self.builder.is_full() {
            super::close_batch(self.builder, self.ready);
        }
        self.builder.push(event, place)
    }
}
