//! Values that occur more than once, among many that do not.

use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

/// Bits of a mark that choose its bucket: a bucket of ten million marks fits into a core's cache, where it sorts fast.
const BUCKET_BITS: u32 = 8;

/// Finds the marks that occur more than once. Takes eight bytes a mark.
pub struct Repeats {
    /// Marks by their uppermost bits, so that equal marks are in one bucket.
    buckets: Vec<Vec<u64>>,
}

impl Repeats {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: vec![Vec::new(); 1 << BUCKET_BITS] }
    }

    /// Takes in marks, such as hashes of rows.
    pub fn extend(&mut self, marks: &[u64]) {
        for &mark in marks {
            self.buckets[(mark >> (u64::BITS - BUCKET_BITS)) as usize].push(mark);
        }
    }

    /// The marks that occur more than once, each once, in ascending order.
    #[must_use]
    pub fn finish(mut self, threads: usize) -> Vec<u64> {
        let share = self.buckets.len().div_ceil(threads.max(1));
        thread::scope(|scope| {
            let parts: Vec<_> =
                self.buckets.chunks_mut(share).map(|buckets| scope.spawn(|| repeated_in(buckets))).collect();
            let of = |part: ScopedJoinHandle<'_, _>| part.join().unwrap_or_else(|panic| resume_unwind(panic));
            parts.into_iter().flat_map(of).collect()
        })
    }
}

fn repeated_in(buckets: &mut [Vec<u64>]) -> Vec<u64> {
    let mut found = Vec::new();
    for bucket in buckets {
        bucket.sort_unstable();
        found.extend(bucket.chunk_by(|one, next| one == next).filter(|run| run.len() > 1).map(|run| run[0]));
    }
    found
}

impl Default for Repeats {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Repeats;

    proptest! {
        #[test]
        fn finds_what_counting_finds(
            parts in prop::collection::vec(prop::collection::vec((0..8u64, 0..4u64), 0..40), 0..5),
            threads in 0..5_usize,
        ) {
            let mut repeats = Repeats::new();
            let mut counts = BTreeMap::new();
            for part in parts {
                // The uppermost bits differ as well as the lowest, and both decide.
                let marks: Vec<u64> = part.into_iter().map(|(high, low)| high << 61 | low).collect();
                repeats.extend(&marks);
                for mark in marks {
                    *counts.entry(mark).or_insert(0) += 1;
                }
            }
            let twice: Vec<u64> = counts.into_iter().filter(|&(_, count)| count > 1).map(|(mark, _)| mark).collect();
            prop_assert_eq!(repeats.finish(threads), twice);
        }
    }
}
