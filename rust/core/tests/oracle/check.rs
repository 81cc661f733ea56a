//! Compares the crate with its twin on a line of any kind.

use std::fmt::Write as _;

use auditwake_core::lines::LineOptions;
use auditwake_core::reader::Options;
use auditwake_core::stats::{Outcome, Outcomes};

use super::cells::{Cell, Row, rows};
use super::oracle::{EVENT_START, Expected, Repairs, Verdict, read};
use super::pass::{self, Pass};

/// A line that something happened to. What cannot be foretold is at least accounted for.
pub(crate) fn damaged(line: &[u8]) -> Result<(), String> {
    // Most lines are short, and a large buffer costs more than they do.
    let lines = LineOptions { buffer: 4096, ..LineOptions::default() };
    let pass = pass::read(line, Options { lines, ..Options::default() });
    accounted(&pass, line.len() as u64)?;
    judged(line, &pass)
}

/// What came of a line is what the twin says of it, as far as it does.
pub(crate) fn judged(line: &[u8], pass: &Pass) -> Result<(), String> {
    if line.starts_with(b"\0") || line.contains(&b'\n') {
        return Ok(());
    }
    let rows: Vec<Row> = pass.batches.iter().flat_map(rows).collect();
    let lines = |outcome| pass.outcomes.total(outcome).lines;
    let found = || format!("{:?} {:?}\n{}", pass.outcomes, pass.rejected, shown(line));
    match read(line) {
        Verdict::Row(expected) => {
            // What is no plain line is told by its keys as they stand, so one with escaped keys is not always known.
            if rows.is_empty() && !line.starts_with(EVENT_START.as_bytes()) && line.contains(&b'\\') {
                return Ok(());
            }
            // Behind a cut the event of another writer may stand, or look as if it did.
            let other = String::from_utf8_lossy(&line[1..]).contains(EVENT_START);
            if expected.repairs.contains("truncated") && other && !rows.is_empty() {
                return Ok(());
            }
            let [row] =
                <[Row; 1]>::try_from(rows).map_err(|rows| format!("{} rows: {}", rows.len(), found()))?;
            let is_ok =
                same_row(row, &expected).map_err(|error| format!("{error}\n{}", shown(line)))?.is_empty();
            let outcome = if is_ok { Outcome::Ok } else { Outcome::Repaired };
            if lines(outcome) != 1 {
                return Err(format!("not {}: {}", outcome.name(), found()));
            }
        }
        // Another line may wrap an event, and what is wrong with a wrapper does not hurt what it wraps.
        Verdict::Broken if line.starts_with(EVENT_START.as_bytes()) => {
            // The last member of a line that is cut may be anything.
            let told =
                |row: &Row| ["resynchronised", "truncated"].into_iter().any(|word| has_repair(row, word));
            if lines(Outcome::Ok) > 0 || !rows.iter().all(told) {
                return Err(format!("kept as it stands: {}", found()));
            }
        }
        Verdict::Broken | Verdict::NotAudit | Verdict::Unsure => {}
    }
    Ok(())
}

fn has_repair(row: &Row, word: &str) -> bool {
    matches!(&row["repairs"], Cell::List(names) if names.contains(&Cell::Text(word.to_owned())))
}

/// The outcomes hold all bytes, the lanes all rows.
pub(crate) fn accounted(pass: &Pass, bytes: u64) -> Result<(), String> {
    let Pass { batches, outcomes, rejected } = pass;
    let rows: usize = batches.iter().map(arrow_array::RecordBatch::num_rows).sum();
    let lanes: u64 = outcomes.lanes.values().sum();
    let sum: u64 = Outcome::ALL.iter().map(|outcome| outcomes.total(*outcome).bytes).sum();
    if Outcome::ALL.iter().any(|outcome| outcomes.total(*outcome).bytes > bytes) || sum != bytes {
        return Err(format!("{bytes} bytes became {outcomes:?}"));
    }
    if outcomes.events != rows as u64 || lanes != rows as u64 {
        return Err(format!("{rows} rows became {outcomes:?}"));
    }
    if rejected.iter().any(|rejected| rejected.offset + rejected.length > bytes) {
        return Err(format!("rejected beyond the input of {bytes} bytes: {rejected:?}"));
    }
    with_reasons(outcomes)
}

/// Whatever is not ok says why.
fn with_reasons(outcomes: &Outcomes) -> Result<(), String> {
    for outcome in [Outcome::Skipped, Outcome::Rejected] {
        let reasons = outcomes.reasons().filter(|reason| reason.0 == outcome);
        let lines: u64 = reasons.map(|(.., tally)| tally.lines).sum();
        if lines != outcomes.total(outcome).lines {
            return Err(format!("{} lines without a reason: {outcomes:?}", outcome.name()));
        }
    }
    Ok(())
}

/// Answers the repairs.
pub(crate) fn same_row(mut row: Row, expected: &Expected) -> Result<Repairs, String> {
    let mut repairs = Repairs::new();
    if let Some(Cell::List(names)) = row.remove("repairs") {
        for name in names {
            let Cell::Text(name) = name else { return Err(format!("a repair that is {name:?}")) };
            let known = auditwake_core::repair::Repair::ALL.into_iter().find(|repair| repair.name() == name);
            repairs.insert(known.ok_or_else(|| format!("no repair {name}"))?.name());
        }
    }
    let mut difference = String::new();
    let mut wanted = expected.repairs.clone();
    let mut wanted_row = expected.row.clone();
    if expected.maybe_deep && repairs.contains("deep_nesting") {
        wanted.insert("deep_nesting");
        wanted_row.insert("raw", row["raw"].clone());
    }
    if repairs != wanted {
        let _ = writeln!(difference, "repairs {repairs:?}, not {wanted:?}");
    }
    for (name, cell) in &wanted_row {
        match row.get(name) {
            Some(found) if found == cell => {}
            found => {
                let _ = writeln!(difference, "{name} is {}, not {}", show(found), show(Some(cell)));
            }
        }
    }
    if difference.is_empty() { Ok(repairs) } else { Err(difference) }
}

fn show(cell: Option<&Cell>) -> String {
    match cell {
        Some(Cell::Bytes(bytes)) => format!("bytes {}", shown(bytes)),
        other => format!("{other:?}"),
    }
}

pub(crate) fn shown(line: &[u8]) -> String {
    let text = line.escape_ascii().to_string();
    if text.len() > 4000 { format!("{}...", &text[..4000]) } else { text }
}
