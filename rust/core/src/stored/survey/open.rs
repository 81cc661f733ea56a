//! Requests that are meant to be long and have not ended: watches, mostly.
//!
//! A request is named by its audit ID, the time of its receipt and its user together: a client may choose the ID.

use std::hash::BuildHasher;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use foldhash::HashSet;
use foldhash::quality::RandomState;
use parquet::arrow::arrow_reader::RowSelection;

use super::super::StoredError;
use super::super::file::{StoredFile, columns};
use super::super::position::Position;
use super::facts::Facts;

/// What decides it, beside the audit ID, which is read of few rows.
pub(super) const COLUMNS: &[&str] = &["stage", "ts_received", "is_terminal", "is_long_running", "eff_user"];

/// The stage of an event that says that an answer was begun.
const STARTED: &str = "ResponseStarted";

/// Events of long-running requests, by hashes of what names the request.
#[derive(Default)]
pub(super) struct Long {
    began: Vec<(u64, Position)>,
    ended: Vec<u64>,
}

impl Long {
    /// Takes in those of another part.
    pub(super) fn add(&mut self, mut part: Self) {
        self.began.append(&mut part.began);
        self.ended.append(&mut part.ended);
    }

    /// Where the requests began that have not ended, ascending.
    pub(super) fn open(self) -> Vec<Position> {
        let ended: HashSet<u64> = self.ended.into_iter().collect();
        let mut open: Vec<_> =
            self.began.into_iter().filter(|(name, _)| !ended.contains(name)).map(|(_, at)| at).collect();
        open.sort_unstable();
        open
    }
}

/// Events of long-running requests of one row group, whose audit IDs are to be read.
pub(super) struct Candidates {
    /// The number of the first row of the group.
    start: u64,
    /// Rows that were looked at.
    seen: usize,
    found: Vec<Candidate>,
    /// Seeded at random, and the same for all groups: a client chooses IDs.
    hasher: RandomState,
}

struct Candidate {
    /// Its place in the group.
    row: usize,
    received: i64,
    /// The hash of the user.
    user: u64,
    has_ended: bool,
}

impl Candidates {
    /// None yet, in a group whose first row has the number `start`.
    pub(super) fn new(start: u64, hasher: RandomState) -> Self {
        Self { start, seen: 0, found: Vec::new(), hasher }
    }

    /// Takes in a batch that has [`COLUMNS`].
    pub(super) fn take(&mut self, facts: &Facts) {
        let (stage, users) = (facts.coded("stage"), facts.coded("eff_user"));
        let is_started = stage.is(STARTED);
        let (long, terminal) = (facts.truths("is_long_running"), facts.truths("is_terminal"));
        let received = facts.times("ts_received");
        let hashes: Vec<u64> = users.values.iter().map(|user| self.hasher.hash_one(user)).collect();
        let nobody = self.hasher.hash_one(None::<&str>);
        for row in (0..facts.rows).filter(|row| long.is_valid(*row) && long.value(*row)) {
            let has_ended = terminal.is_valid(row) && terminal.value(row);
            let user = users.code(row);
            if has_ended || (is_started(row) && user.is_some()) {
                let user = user.map_or(nobody, |code| hashes[code]);
                self.found.push(Candidate { row: self.seen + row, received: received[row], user, has_ended });
            }
        }
        self.seen += facts.rows;
    }

    /// Reads the audit IDs.
    pub(super) fn identified(
        self,
        file: &StoredFile,
        place: usize,
        group: usize,
    ) -> Result<Long, StoredError> {
        let mut long = Long::default();
        if self.found.is_empty() {
            return Ok(long);
        }
        let runs = self.found.iter().map(|one| one.row..one.row + 1);
        let selection = RowSelection::from_consecutive_ranges(runs, self.seen);
        let mut found = self.found.iter();
        for batch in file.read(group, &columns(&["audit_id"]), Some(selection))? {
            let (ids, rows) = batch?;
            let ids = ids[0].as_string::<i32>();
            for (row, one) in (0..rows).zip(&mut found) {
                let id = ids.is_valid(row).then(|| ids.value(row));
                let name = self.hasher.hash_one((id, one.received, one.user));
                if one.has_ended {
                    long.ended.push(name);
                } else {
                    long.began.push((name, Position::new(place, self.start + one.row as u64)));
                }
            }
        }
        Ok(long)
    }
}
