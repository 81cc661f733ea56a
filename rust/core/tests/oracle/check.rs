//! Compares the crate with its twin.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use auditwake_core::reader::Options;
use auditwake_core::stats::{Outcome, Outcomes};

use super::cells::{Cell, Row, rows};
use super::oracle::{Expected, Repairs, Verdict, elements_of, read};
use super::pass::{self, Pass};

/// Lines that the twin knows the end of: every row, and how many lines of each outcome.
pub(crate) fn lines(lines: &[&[u8]]) -> Result<(), String> {
    let pass = pass::read(&lines.join(&b'\n'), Options::default());
    accounted(&pass, lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>() - 1)?;
    let mut rows = pass.batches.iter().flat_map(rows);
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    let mut offset = 0;
    for line in lines {
        let outcome = match read(line) {
            Verdict::Row(mut expected) => {
                expected.row.insert("src_offset", Cell::Int(offset));
                let row = rows.next().ok_or_else(|| format!("no row for {}", shown(line)))?;
                let repairs =
                    same_row(row, &expected).map_err(|error| format!("{error}\n{}", shown(line)))?;
                if repairs.is_empty() { Outcome::Ok } else { Outcome::Repaired }
            }
            Verdict::NotAudit => Outcome::Skipped,
            Verdict::Broken => Outcome::Rejected,
            Verdict::Unsure => return Err(format!("the twin is unsure about {}", shown(line))),
        };
        *counts.entry(outcome).or_default() += 1;
        offset += line.len() as i64 + 1;
    }
    if let Some(row) = rows.next() {
        return Err(format!("a row too many: {row:?}"));
    }
    for outcome in Outcome::ALL {
        let (found, wanted) =
            (pass.outcomes.total(outcome).lines, counts.get(&outcome).copied().unwrap_or(0));
        if found != wanted {
            let reasons: Vec<_> = pass.outcomes.reasons().collect();
            let name = outcome.name();
            let first = shown(lines[0]);
            return Err(format!(
                "{found} lines are {name}, not {wanted}: {reasons:?} {:?}\n{first}",
                pass.rejected
            ));
        }
    }
    Ok(())
}

/// The items of an `EventList` on one line.
pub(crate) fn list(text: &str) -> Result<(), String> {
    let items = elements_of(text).ok_or("no list")?;
    let pass = pass::read(text.as_bytes(), Options::default());
    accounted(&pass, text.len() as u64)?;
    let rows: Vec<Row> = pass.batches.iter().flat_map(rows).collect();
    if rows.len() != items.len() {
        return Err(format!("{} rows of {} items", rows.len(), items.len()));
    }
    for (row, item) in rows.into_iter().zip(items) {
        let Verdict::Row(expected) = read(item.as_bytes()) else { return Err(format!("no event: {item}")) };
        same_row(row, &expected)?;
    }
    Ok(())
}

/// A line that something happened to. What cannot be foretold is at least accounted for.
pub(crate) fn damaged(line: &[u8]) -> Result<(), String> {
    let pass = pass::read(line, Options::default());
    accounted(&pass, line.len() as u64)?;
    if line.starts_with(b"\0") || line.contains(&b'\n') {
        return Ok(());
    }
    let rows: Vec<Row> = pass.batches.iter().flat_map(rows).collect();
    let lines = |outcome| pass.outcomes.total(outcome).lines;
    let found = || format!("{:?} {:?}\n{}", pass.outcomes, pass.rejected, shown(line));
    match read(line) {
        Verdict::Row(expected) => {
            if expected.repairs.contains("truncated") && rows.len() != 1 {
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
        Verdict::Broken => {
            let clean = rows.iter().any(|row| row["repairs"] == Cell::Null);
            if lines(Outcome::Ok) > 0 || clean {
                return Err(format!("kept as it stands: {}", found()));
            }
        }
        Verdict::NotAudit if lines(Outcome::Ok) > 0 => return Err(format!("no event: {}", found())),
        Verdict::NotAudit | Verdict::Unsure => {}
    }
    Ok(())
}

/// The outcomes hold all bytes, the lanes all rows.
fn accounted(pass: &Pass, bytes: u64) -> Result<(), String> {
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
fn same_row(mut row: Row, expected: &Expected) -> Result<Repairs, String> {
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
                let _ = writeln!(difference, "{name} is {found:?}, not {cell:?}");
            }
        }
    }
    if difference.is_empty() { Ok(repairs) } else { Err(difference) }
}

fn shown(line: &[u8]) -> String {
    let text = line.escape_ascii().to_string();
    if text.len() > 4000 { format!("{}...", &text[..4000]) } else { text }
}
