//! Marks of rows: equal for rows that have both times and the length of their lines in common. Few others are compared by
//! what they say, which is long texts.

use std::sync::Arc;

use foldhash::HashSet;

use super::super::position::Position;
use super::super::{StoredError, each as each_result};
use super::Task;
use super::facts::{self, Facts};
use crate::reader::ordered::Ordered;

/// What they are made of.
pub(super) const COLUMNS: &[&str] = &["stage", "ts_received", "ts_stage", "line_bytes"];

/// The stage of an event that says no more than that there was a request.
const RECEIVED: &str = "RequestReceived";

/// Odd numbers with bits all over: a product with them spreads low bits over the upper ones.
const SPREAD: [u64; 3] = [0x2437_54a3_b133_a7c5, 0x9e37_79b9_7f4a_7c15, 0x6a09_e667_f3bc_c909];

/// Calls `take` with the place in the batch and the mark of each row that counts.
pub(super) fn each(facts: &Facts, with_received: bool, mut take: impl FnMut(usize, u64)) {
    let stage = facts.coded("stage");
    let is_received = stage.is(RECEIVED);
    let (received, reached) = (facts.times("ts_received"), facts.times("ts_stage"));
    let lengths = facts.lengths("line_bytes");
    for row in (0..facts.rows).filter(|row| with_received || !is_received(*row)) {
        take(row, mark([received[row], reached[row], lengths[row].into()]));
    }
}

/// The rows of all groups whose marks are `repeated`, ascending.
pub(super) fn rows(
    tasks: Vec<Task>,
    with_received: bool,
    repeated: HashSet<u64>,
    threads: usize,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Vec<Position>, StoredError> {
    let repeated = Arc::new(repeated);
    let parts = Ordered::start(
        tasks,
        threads,
        || (),
        move |(), task, emit| {
            emit(rows_of(&task, with_received, &repeated));
        },
    );
    let mut all = Vec::new();
    each_result(parts, goes_on, |found| all.extend(found))?;
    Ok(all)
}

fn rows_of(task: &Task, with_received: bool, repeated: &HashSet<u64>) -> Result<Vec<Position>, StoredError> {
    let (file, place, group) = task;
    let mut first = file.start(*group);
    let mut found = Vec::new();
    for facts in facts::read(file, *group, COLUMNS)? {
        let facts = facts?;
        each(&facts, with_received, |row, mark| {
            if repeated.contains(&mark) {
                found.push(Position::new(*place, first + row as u64));
            }
        });
        first += facts.rows as u64;
    }
    Ok(found)
}

/// One number for three, in which every bit of each counts. Numbers that differ may have the same mark: it is only where to
/// look.
fn mark(numbers: [i64; 3]) -> u64 {
    numbers.into_iter().zip(SPREAD).fold(0_u64, |mark, (number, spread)| {
        let product = (mark ^ number as u64).wrapping_mul(spread);
        product ^ product >> 32
    })
}

#[cfg(test)]
mod tests {
    use super::mark;

    #[test]
    fn marks_of_near_numbers_differ() {
        let near = |at: usize| {
            (0..20_000_i64).map(move |step| {
                let mut numbers = [1_700_000_000_000_000, 1_700_000_000_000_500, 1_024];
                numbers[at] += step;
                mark(numbers)
            })
        };
        let mut all: Vec<u64> = (0..3).flat_map(near).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3 * 20_000 - 2);
    }
}
