//! What events record: their stages and levels, the time from first to last, decisions and latencies.

use std::collections::BTreeMap;

use arrow_array::Array;

use super::super::file::StoredFile;
use super::facts::{Coded, Facts};

/// How many events have a value.
pub type Tally = BTreeMap<Option<String>, u64>;

/// Events by what they record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many there are.
    pub events: u64,
    /// Those of each stage.
    pub stages: Tally,
    /// Those of each level.
    pub levels: Tally,
    /// When the first request was received, microseconds from 1970.
    pub first: Option<i64>,
    /// When the last one was.
    pub last: Option<i64>,
    /// Those that say what the authorizer decided.
    pub decisions: u64,
    /// Those that say where their time went.
    pub latencies: u64,
}

impl Counts {
    /// What the footer says of a row group: it is not read again.
    pub(super) fn of_footer(file: &StoredFile, group: usize) -> Self {
        let events = file.group(group).num_rows() as u64;
        let valid = |column| file.nulls(group, column).map_or(0, |nulls| events - nulls);
        Self { events, decisions: valid("decision"), latencies: valid("lat_total_us"), ..Self::default() }
    }

    /// The columns that have to be read of a row group.
    pub(super) fn columns(file: &StoredFile, group: usize) -> Vec<&'static str> {
        let unsaid =
            ["decision", "lat_total_us"].into_iter().filter(|column| file.nulls(group, column).is_none());
        ["stage", "level", "ts_received"].into_iter().chain(unsaid).collect()
    }

    /// Takes in a batch of those columns.
    pub(super) fn take(&mut self, facts: &Facts) {
        tally(&mut self.stages, &facts.coded("stage"), facts.rows);
        tally(&mut self.levels, &facts.coded("level"), facts.rows);
        self.span(facts.span("ts_received"));
        let valid = |name| facts.column(name).map_or(0, |column| column.len() - column.logical_null_count());
        self.decisions += valid("decision") as u64;
        self.latencies += valid("lat_total_us") as u64;
    }

    /// Takes in what another part amounts to.
    pub(super) fn add(&mut self, part: &Self) {
        self.events += part.events;
        for (all, of_part) in [(&mut self.stages, &part.stages), (&mut self.levels, &part.levels)] {
            for (value, events) in of_part {
                *all.entry(value.clone()).or_default() += events;
            }
        }
        self.span((part.first, part.last));
        self.decisions += part.decisions;
        self.latencies += part.latencies;
    }

    fn span(&mut self, (first, last): (Option<i64>, Option<i64>)) {
        self.first = [self.first, first].into_iter().flatten().min();
        self.last = self.last.max(last);
    }
}

/// Counts the values of a column: each row by its code, each value once.
fn tally(tally: &mut Tally, column: &Coded<'_>, rows: usize) {
    let mut by_code = vec![0_u64; column.values.len()];
    let mut nulls = 0;
    for row in 0..rows {
        match column.code(row) {
            Some(code) => by_code[code] += 1,
            None => nulls += 1,
        }
    }
    let values = (0..by_code.len()).map(|code| Some(column.values.value(code).to_owned()));
    for (value, events) in values.zip(by_code.iter().copied()).chain([(None, nulls)]) {
        if events > 0 {
            *tally.entry(value).or_default() += events;
        }
    }
}
