//! Compares the lanes with each other, and one reader over many lines with a reader for each.

use auditwake_core::batch::{BadValue, BatchBuilder, Limits, Place, Texts};
use auditwake_core::event::{Event, Key, Spans};
use auditwake_core::lines::LineOptions;
use auditwake_core::parse::{ParseError, canonical, general};
use auditwake_core::reader::Options;
use auditwake_core::repair::Repairs;
use auditwake_core::schema::Selection;
use auditwake_core::stats::{Outcomes, Rejected};

use super::cells::{Cell, Row, rows};
use super::check::{accounted, judged, shown};
use super::oracle::{EVENT_START, Verdict, read as twin};
use super::pass::{self, Pass};

/// What one lane makes of a text: where the event ends, and its row.
#[derive(Debug, PartialEq)]
struct Found {
    end: usize,
    row: Result<Row, BadValue>,
}

/// A lane with all that it and the builder behind it remember.
struct Lane {
    spans: Spans,
    builder: BatchBuilder,
}

impl Lane {
    fn new() -> Self {
        let builder = BatchBuilder::new(Selection::all(), Limits::default(), true, Texts::default());
        Self { spans: Spans::default(), builder }
    }

    fn canonical(&mut self, text: &str) -> Result<Found, usize> {
        let end = canonical::parse(text, &mut self.spans)?;
        Ok(Found { end, row: self.row(&text[..end]) })
    }

    /// The general lane, from where the canonical one left the text just now.
    fn resumed(&mut self, text: &str, left: usize) -> Result<Found, ParseError> {
        let end = general::resume(text, &mut self.spans, left)?;
        Ok(Found { end, row: self.row(&text[..end]) })
    }

    fn general(&mut self, text: &str) -> Result<Found, ParseError> {
        let end = general::parse(text, &mut self.spans)?;
        Ok(Found { end, row: self.row(&text[..end]) })
    }

    fn row(&mut self, text: &str) -> Result<Row, BadValue> {
        let place = Place { offset: 0, raw: text.as_bytes(), repairs: Repairs::default() };
        self.builder.push(&Event::new(text, &self.spans), &place)?;
        let batch = self.builder.finish().expect("a batch of one row");
        Ok(rows(&batch).remove(0))
    }
}

/// Both lanes read the same of each text: the canonical one with what it remembers of the texts before, and as if there
/// were none; the general one from the beginning, and from where the canonical one left the text. Answers how many texts
/// the canonical lane takes.
pub(crate) fn agree<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<usize, String> {
    let (mut known, mut general, mut taken) = (Lane::new(), Lane::new(), 0);
    for text in texts {
        let fast = known.canonical(text);
        let fresh = canonical::parse(text, &mut Spans::default());
        if fast.as_ref().map(|found| found.end).map_err(|left| *left) != fresh {
            return Err(format!("lines before made {fast:?} of {fresh:?}: {}", shown(text.as_bytes())));
        }
        let slow = general.general(text);
        taken += usize::from(fast.is_ok());
        let fast = fast.or_else(|left| known.resumed(text, left));
        if slow != fast {
            return Err(format!("{}: {}", difference(&fast, &slow), shown(text.as_bytes())));
        }
        if unfinished(text, &known.spans) != unfinished(text, &general.spans) {
            return Err(format!("the lanes keep different values of {}", shown(text.as_bytes())));
        }
    }
    Ok(taken)
}

/// What the spans hold, of a text that is cut as well: the beginning of an event is kept without the rest.
fn unfinished<'a>(text: &'a str, spans: &'a Spans) -> (Vec<Option<&'a str>>, Vec<String>, Repairs) {
    let event = Event::new(text, spans);
    let values = Key::ALL.into_iter().map(|key| event.get(key)).collect();
    (values, event.unknown().map(str::to_owned).collect(), event.repairs())
}

fn difference(fast: &Result<Found, ParseError>, slow: &Result<Found, ParseError>) -> String {
    match (fast, slow) {
        (Ok(Found { row: Ok(row), end }), Ok(Found { row: Ok(other), end: slow_end })) => {
            let differs = |name: &&&str| row.get(**name) != other.get(**name);
            let names: Vec<_> = row.keys().filter(|name| differs(name)).collect();
            let cells: Vec<_> = names.iter().map(|name| (name, &row[**name], other.get(**name))).collect();
            format!("the lanes end at {end} and {slow_end}, and differ in {cells:?}")
        }
        _ => format!("canonical {fast:?}, general {slow:?}"),
    }
}

/// The lines of a log are what both lanes and the twin say, and one reader reads them as a reader for each of them does: rows, outcomes,
/// lanes and what is rejected. The last is not asked of a line that might wait for the next one.
/// The length of the log chooses the size of the buffer.
pub(crate) fn log(log: &[u8]) -> Result<(), String> {
    let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
    agree(lines.iter().filter_map(|line| std::str::from_utf8(line).ok()))?;
    let mut alone = Alone::default();
    for line in lines {
        let text = [line, &b"\n"[..]].concat();
        let pass = read(&text, 4096);
        accounted(&pass, text.len() as u64)?;
        judged(line, &pass)?;
        if is_closed(line) {
            alone.add(&text, pass);
        }
    }
    alone
        .compare(&read(&alone.text, 1 + log.len() % 3000))
        .map_err(|error| format!("{error}:\n{}", shown(&alone.text)))
}

/// Lines that were read by a reader each.
#[derive(Default)]
struct Alone {
    text: Vec<u8>,
    outcomes: Outcomes,
    rejected: Vec<Rejected>,
    rows: Vec<Row>,
}

impl Alone {
    fn add(&mut self, text: &[u8], pass: Pass) {
        let offset = self.text.len() as u64;
        self.text.extend_from_slice(text);
        self.outcomes.merge(&pass.outcomes);
        self.rejected.extend(pass.rejected.into_iter().map(|r| Rejected { offset: r.offset + offset, ..r }));
        self.rows.extend(pass.batches.iter().flat_map(rows).map(|row| moved(row, offset)));
    }

    fn compare(&self, pass: &Pass) -> Result<(), String> {
        let found: Vec<Row> = pass.batches.iter().flat_map(rows).collect();
        for (row, wanted) in found.iter().zip(&self.rows) {
            if let Some((name, cell)) = row.iter().find(|(name, cell)| wanted.get(**name) != Some(cell)) {
                return Err(format!("{name} is {cell:?}, alone {:?}", wanted.get(name)));
            }
        }
        let same = found.len() == self.rows.len()
            && pass.outcomes == self.outcomes
            && pass.rejected == self.rejected;
        let say = || {
            format!("{:?} {:?}, alone {:?} {:?}", pass.outcomes, pass.rejected, self.outcomes, self.rejected)
        };
        if same { Ok(()) } else { Err(say()) }
    }
}

fn read(bytes: &[u8], buffer: usize) -> Pass {
    let lines = LineOptions { buffer, ..LineOptions::default() };
    pass::read(bytes, Options { lines, ..Options::default() })
}

/// Whether nothing behind a line belongs to it.
fn is_closed(line: &[u8]) -> bool {
    let whole = || matches!(twin(line), Verdict::Row(expected) if !expected.repairs.contains("truncated"));
    line.starts_with(EVENT_START.as_bytes()) || whole()
}

fn moved(mut row: Row, by: u64) -> Row {
    if let Some(Cell::Int(offset)) = row.get_mut("src_offset") {
        *offset += by as i64;
    }
    row
}
