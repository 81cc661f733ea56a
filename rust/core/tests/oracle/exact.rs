//! Compares the crate with its twin where every row and outcome is known.

use std::collections::BTreeMap;

use auditwake_core::reader::Options;
use auditwake_core::stats::Outcome;

use super::cells::{Cell, Row, rows};
use super::check::{accounted, same_row, shown};
use super::oracle::json::{elements, object};
use super::oracle::{Verdict, read};
use super::pass;

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
    let (members, _) = object(text).ok_or("no object")?;
    let items = members.into_iter().find(|member| member.key == "items").ok_or("no list")?;
    let items = elements(&text[items.value]).ok_or("no array")?;
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
