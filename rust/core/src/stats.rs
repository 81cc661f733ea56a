//! What became of every byte.

use std::collections::BTreeMap;

/// The one end of an input line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Kept as it stands.
    Ok,
    /// Kept, with the repair named.
    Repaired,
    /// Whole and well formed, but no audit event.
    Skipped,
    /// Kept in quarantine with file, offset and reason.
    Rejected,
}

impl Outcome {
    /// All four, in the order in which people read them.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Repaired, Self::Skipped, Self::Rejected];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Repaired => "repaired",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
        }
    }
}

/// How many lines, and how many bytes they weigh with their newlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines; a document that spans several counts as one, and so does a fragment whose newline was lost.
    pub lines: u64,
    /// Decompressed bytes.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
    }
}

/// Counts of one pass over the input. The bytes of the four outcomes add up to the decompressed bytes read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    totals: [Tally; 4],
    /// Tallies by reason. A repaired line with two repairs counts under both; the other outcomes have one reason, and
    /// ok none.
    reasons: BTreeMap<(Outcome, &'static str), Tally>,
    /// Events that became rows.
    pub events: u64,
    /// Events that a filter left out.
    pub filtered: u64,
    /// Events that each lane read, those that a filter left out included.
    pub lanes: BTreeMap<&'static str, u64>,
}

impl Outcomes {
    /// Counts one line.
    pub fn count(&mut self, outcome: Outcome, bytes: u64, reasons: impl IntoIterator<Item = &'static str>) {
        let tally = Tally { lines: 1, bytes };
        self.totals[outcome as usize].add(tally);
        for reason in reasons {
            self.reasons.entry((outcome, reason)).or_default().add(tally);
        }
    }

    /// Counts events that a lane read.
    pub fn add_events(&mut self, lane: &'static str, events: u64) {
        self.events += events;
        *self.lanes.entry(lane).or_default() += events;
    }

    /// Counts how many of these events a filter left out.
    pub fn leave_out(&mut self, events: u64) {
        self.events -= events;
        self.filtered += events;
    }

    /// The lines of an outcome.
    #[must_use]
    pub fn total(&self, outcome: Outcome) -> Tally {
        self.totals[outcome as usize]
    }

    /// Bytes of all four outcomes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.totals.iter().map(|tally| tally.bytes).sum()
    }

    /// Tallies by outcome and reason.
    pub fn reasons(&self) -> impl Iterator<Item = (Outcome, &'static str, Tally)> + '_ {
        self.reasons.iter().map(|(&(outcome, reason), &tally)| (outcome, reason, tally))
    }

    /// Adds the counts of another reader.
    pub fn merge(&mut self, other: &Self) {
        for (total, more) in self.totals.iter_mut().zip(other.totals) {
            total.add(more);
        }
        for (&key, &tally) in &other.reasons {
            self.reasons.entry(key).or_default().add(tally);
        }
        self.events += other.events;
        self.filtered += other.filtered;
        for (&lane, &events) in &other.lanes {
            *self.lanes.entry(lane).or_default() += events;
        }
    }
}

/// Bytes of a rejected line that are kept; the rest is counted and can be read again at its offset.
pub const KEPT_BYTES: usize = 1 << 20;

/// A line, or a part of one, that no row was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// File as it was named; empty for a stream.
    pub file: String,
    /// Offset of the first byte in the decompressed file.
    pub offset: u64,
    /// Length in bytes there: of a piece of a record that is kept otherwise, the record's.
    pub length: u64,
    /// One word.
    pub reason: &'static str,
    /// What is wrong and what to do, for people.
    pub detail: String,
    /// The bytes, at most [`KEPT_BYTES`] of them; of such a piece, those that became no row.
    pub bytes: Vec<u8>,
}
