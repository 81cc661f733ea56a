//! One candidate text to rows: the lanes, and what to do when the text is not one whole event.
//!
//! A text may hold a torn fragment in front of an event (two writers, or a crash), several events without a newline
//! between them, or an event that is cut. Nothing of it is lost silently: what becomes no row is a [`Fragment`].

mod between;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use crate::batch::filter::RowFilter;
use crate::batch::{BadValue, BatchBuilder, Place};
use crate::event::{Event, Key, Spans};
use crate::parse::{ParseError, canonical, general};
use crate::repair::{Repair, Repairs};
use crate::scan;

use between::{Gap, Mark, space};

/// How an event begins on a line, and where reading resumes behind a torn fragment. A body can hold a core `v1` Event,
/// so the API version is part of it.
pub(super) const EVENT_START: &[u8] = br#"{"kind":"Event","apiVersion":"audit.k8s.io/"#;

/// Looking for a place to resume may read this many times the text: a line made of event beginnings must not cost the
/// square of its length. All the rest is read a few times at most.
const RESUME_BUDGET: usize = 16;

/// Bytes of a text that became no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    /// Where it stands in the raw bytes.
    pub(super) span: Range<usize>,
    /// One word.
    pub(super) reason: &'static str,
    /// What is wrong with it, for people.
    pub(super) detail: String,
}

/// What a text gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Events taken: rows, or left out by a filter.
    pub(super) rows: usize,
    /// What was repaired in them, and by them.
    pub(super) repairs: Repairs,
    /// What became no row, in order.
    pub(super) fragments: Vec<Fragment>,
    /// Whether a whole JSON object was found that is no audit event.
    pub(super) other: bool,
    /// Events taken by the lane that read them, in the order of [`Lane`].
    pub(super) lanes: [usize; 3],
    /// Bytes looked at, each stretch as often as it was gone over: what the work is proportional to.
    pub(super) looked_at: usize,
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

/// Reads the usual text: one event in its canonical form, from the first byte to the last. Answers what was repaired in
/// it; anything else is for [`read_from`], with how far the lane came if it was in vain, and nothing was pushed then.
#[inline]
pub(super) fn read_whole(
    raw: &[u8],
    offset: u64,
    spans: &mut Spans,
    sink: &mut impl RowSink,
) -> Result<Repairs, Option<usize>> {
    let text = scan::text(raw).ok_or(None)?;
    if canonical::parse(text, spans).map_err(Some)? != text.len() {
        return Err(None);
    }
    let place = Place { offset, raw, repairs: Repairs::default() };
    sink.push(&Event::new(text, spans), &place).map_err(|_| None)
}

/// Reads every event of `raw` into `sink`. `spans` is scratch.
pub(super) fn read(
    raw: &[u8],
    offset: u64,
    before: Repairs,
    spans: &mut Spans,
    sink: &mut dyn RowSink,
) -> Found {
    read_from(&Place { offset, raw, repairs: before }, None, spans, sink)
}

/// As [`read`], for a place whose text [`read_whole`] left there, with its spans.
pub(super) fn read_from(
    place: &Place<'_>,
    left: Option<usize>,
    spans: &mut Spans,
    sink: &mut dyn RowSink,
) -> Found {
    let Place { offset, raw, repairs: before } = *place;
    let (text, mut repairs) = decode(raw);
    repairs.merge(before);
    let lossy = matches!(text, Cow::Owned(_));
    let budget = RESUME_BUDGET * text.len() + (1 << 20);
    let mark = Mark::default();
    let found = Found::default();
    let mut reading =
        Reading { text: &text, raw, lossy, left, mark, rows_before: 0, budget, offset, spans, sink, found };
    reading.found.repairs = repairs;
    reading.run(repairs);
    reading.found
}

/// The text as UTF-8, with U+FFFD for what is none. A changed text has other offsets than the raw bytes.
fn decode(raw: &[u8]) -> (Cow<'_, str>, Repairs) {
    match scan::text(raw) {
        Some(text) => (Cow::Borrowed(text), Repairs::default()),
        None => (String::from_utf8_lossy(raw), Repairs::one(Repair::InvalidUtf8)),
    }
}

struct Reading<'a> {
    text: &'a str,
    raw: &'a [u8],
    /// Whether `text` has U+FFFD where `raw` has bytes that are no UTF-8.
    lossy: bool,
    /// How far the canonical lane came from the beginning, in vain; `spans` hold what it found.
    left: Option<usize>,
    /// Where the last span that was asked for begins.
    mark: Mark,
    /// Rows in front of the last fragment.
    rows_before: usize,
    /// Bytes that may still be read in vain; see [`RESUME_BUDGET`].
    budget: usize,
    offset: u64,
    spans: &'a mut Spans,
    sink: &'a mut dyn RowSink,
    found: Found,
}

/// What one try at an event came to.
enum Tried {
    /// A row; the event ends there, and that is behind it.
    Row(usize, Gap),
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
        let mut at = space(self.text);
        let mut repairs = repairs;
        while at < self.text.len() {
            let gap = match self.row_at(at, repairs) {
                Tried::Row(end, gap) => {
                    at = end;
                    gap
                }
                Tried::No(Failure::Parse(ParseError::NotAnEvent { end })) => {
                    let span = at..at + end;
                    at = span.end;
                    let gap = self.look_behind(at);
                    if self.found.rows == 0 && gap.is_blank_end() {
                        self.found.other = true;
                        return;
                    }
                    self.found.looked_at += span.len();
                    self.fragment(span, Failure::Parse(ParseError::NotAnEvent { end }));
                    repairs.add(Repair::Resynchronised);
                    gap
                }
                Tried::No(failure) => match self.resume_behind(at, failure) {
                    Some(next) => {
                        if !self.salvage(at..next, failure, repairs) {
                            self.fragment(at..next, failure);
                        }
                        repairs.add(Repair::Resynchronised);
                        at = next;
                        continue;
                    }
                    None => return self.last_chance(at, failure, repairs),
                },
            };
            if gap.repair == Some(Repair::Resynchronised) {
                repairs.add(Repair::Resynchronised);
            }
            match self.next_object(at, gap) {
                Some(next) => at = next,
                None => return,
            }
        }
    }

    /// What stands behind an object that ends there.
    fn look_behind(&mut self, end: usize) -> Gap {
        let gap = Gap::of(&self.text[end..]);
        self.found.looked_at += gap.len;
        gap
    }

    /// Where the next object begins behind one that ends at `at`, over what separates them.
    fn next_object(&mut self, at: usize, gap: Gap) -> Option<usize> {
        if gap.repair != Some(Repair::Resynchronised) {
            let next = at + gap.len;
            return (next < self.text.len()).then_some(next);
        }
        let start = at + space(&self.text[at..]);
        let next = memmem::find(&self.text.as_bytes()[start..], EVENT_START).map(|step| start + step);
        let span = start..next.unwrap_or(self.text.len());
        self.found.looked_at += span.len();
        let detail = "text behind the end of the event; another writer, or a torn line".to_owned();
        self.add_fragment(span, "trailing_text", detail);
        next
    }

    /// Tries the lanes at a position, the fast one first.
    fn row_at(&mut self, at: usize, repairs: Repairs) -> Tried {
        let text = &self.text[at..];
        let left = self.left.take().filter(|_| at == 0);
        let (lane, end) = match left.map_or_else(|| canonical::parse(text, self.spans), Err) {
            Ok(end) => (Lane::Canonical, end),
            Err(left) => match general::resume(text, self.spans, left) {
                Ok(end) => (Lane::General, end),
                Err(error) => return Tried::No(Failure::Parse(error)),
            },
        };
        let gap = self.look_behind(at + end);
        let mut repairs = repairs;
        if let Some(repair) = gap.repair {
            repairs.add(repair);
        }
        match self.push(at, end, repairs) {
            Ok(()) => {
                self.found.lanes[lane as usize] += 1;
                self.found.looked_at += end;
                Tried::Row(at + end, gap)
            }
            Err(bad) => Tried::No(Failure::Value(bad)),
        }
    }

    fn push(&mut self, at: usize, len: usize, repairs: Repairs) -> Result<(), BadValue> {
        let text = &self.text[at..at + len];
        let raw = self.raw_span(at..at + len);
        let raw = &self.raw[raw];
        let event = Event::new(text, self.spans);
        let place = Place { offset: self.offset, raw, repairs };
        let repaired = self.sink.push(&event, &place)?;
        self.found.repairs.merge(repaired);
        self.found.rows += 1;
        Ok(())
    }

    /// Where a span of the text stands in the raw bytes: in the same place, unless bytes that are no UTF-8 became U+FFFD.
    /// Spans are asked for in order, so that the way to each begins at the one before.
    fn raw_span(&mut self, span: Range<usize>) -> Range<usize> {
        if !self.lossy {
            return span;
        }
        self.found.looked_at += span.end - self.mark.text;
        self.mark = self.mark.ahead(self.raw, span.start);
        self.mark.raw..self.mark.ahead(self.raw, span.end).raw
    }

    /// The next place behind `at` where a whole event can be read. Whoever sends a body chooses its bytes, and could put
    /// an event there: so nothing counts that stands inside a delimited body, and behind an event that is cut in a body
    /// only an event that ends with the text.
    fn resume_behind(&mut self, at: usize, failure: Failure) -> Option<usize> {
        let bodies = self.spans.has(Key::RequestObject) || self.spans.has(Key::ResponseObject);
        let mut from = match failure {
            Failure::Value(_) | Failure::Parse(ParseError::Replaced(_)) if bodies => return None,
            // A torn string ends at the first quote of the event behind it.
            Failure::Parse(ParseError::Invalid(bad)) => {
                (at + bad).saturating_sub(EVENT_START.len()).max(at) + 1
            }
            _ => at + 1,
        };
        let in_body = matches!(failure, Failure::Parse(ParseError::Cut { metadata: true, .. }));
        let finder = memmem::Finder::new(EVENT_START);
        self.spend(self.text.len() - at)?;
        while let Some(step) = finder.find(self.text.as_bytes().get(from..)?) {
            let candidate = from + step;
            let rest = &self.text[candidate..];
            let last = |end: &usize| Gap::of(&rest[*end..]).is_blank_end();
            if let Some(end) = general::parse(rest, self.spans).ok().filter(|end| !in_body || last(end)) {
                self.found.looked_at += end;
                return Some(candidate);
            }
            self.spend(rest.len())?;
            from = candidate + 1;
        }
        None
    }

    /// Takes bytes from what may be read in vain; `None` when too few are left.
    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.budget = self.budget.checked_sub(bytes)?;
        self.found.looked_at += bytes;
        Some(())
    }

    /// No whole event follows: keeps the metadata of one that is cut in its bodies, and rejects anything else.
    fn last_chance(&mut self, at: usize, failure: Failure, repairs: Repairs) {
        if !self.salvage(at..self.text.len(), failure, repairs) {
            self.fragment(at..self.text.len(), failure);
        }
    }

    /// Makes a row of the metadata of an event that is cut in its bodies.
    fn salvage(&mut self, span: Range<usize>, failure: Failure, mut repairs: Repairs) -> bool {
        if !matches!(failure, Failure::Parse(ParseError::Cut { metadata: true, .. })) {
            return false;
        }
        repairs.add(Repair::Truncated);
        // The search for a place to resume has used the spans.
        self.found.looked_at += span.len();
        let again = general::parse(&self.text[span.clone()], self.spans);
        let cut = matches!(again, Err(ParseError::Cut { metadata: true, .. }));
        let kept = cut && self.push(span.start, span.len(), repairs).is_ok();
        self.found.lanes[Lane::Salvage as usize] += usize::from(kept);
        kept
    }

    fn fragment(&mut self, span: Range<usize>, failure: Failure) {
        let (reason, detail) = explain(failure);
        self.add_fragment(span, reason, detail);
    }

    /// Fragments of a kind with no event between them are one, separators included: a line of small objects would else
    /// cost a hundred times its length.
    fn add_fragment(&mut self, span: Range<usize>, reason: &'static str, detail: String) {
        self.found.repairs.add(Repair::Resynchronised);
        let span = self.raw_span(span);
        let rows_before = std::mem::replace(&mut self.rows_before, self.found.rows);
        match self.found.fragments.last_mut() {
            Some(last) if last.reason == reason && rows_before == self.found.rows => last.span.end = span.end,
            _ => self.found.fragments.push(Fragment { span, reason, detail }),
        }
    }
}

fn explain(failure: Failure) -> (&'static str, String) {
    match failure {
        Failure::Parse(ParseError::NotAnObject) => ("not_json", "no JSON object begins here".to_owned()),
        Failure::Parse(ParseError::NotAnEvent { .. }) => {
            ("not_audit", "a JSON object of another kind".to_owned())
        }
        Failure::Parse(ParseError::Cut { at, .. }) => {
            let detail = format!("the event ends inside the value at byte {at}: a torn write, or a cut file");
            ("torn", detail)
        }
        Failure::Parse(ParseError::Invalid(at)) => ("invalid_json", format!("no valid JSON at byte {at}")),
        Failure::Value(BadValue(key)) | Failure::Parse(ParseError::Replaced(key)) => {
            ("invalid_json", format!("the value of \"{}\" is no valid JSON", key.name()))
        }
    }
}

/// Pushes into a builder what the filter keeps, and moves full batches out of it first.
pub(super) struct Batches<'a> {
    pub(super) builder: &'a mut BatchBuilder,
    pub(super) ready: &'a mut std::collections::VecDeque<arrow_array::RecordBatch>,
    pub(super) filter: Option<&'a mut RowFilter>,
    /// Events that the filter left out.
    pub(super) filtered: &'a mut u64,
}

impl RowSink for Batches<'_> {
    #[inline]
    fn push(&mut self, event: &Event<'_>, place: &Place<'_>) -> Result<Repairs, BadValue> {
        if let Some(filter) = &mut self.filter
            && !filter.keeps(event)?
        {
            *self.filtered += 1;
            let mut repairs = place.repairs;
            repairs.merge(event.repairs());
            return Ok(repairs);
        }
        if self.builder.is_full() {
            super::close_batch(self.builder, self.ready);
        }
        self.builder.push(event, place)
    }
}
