//! Sets of clauses.

use std::ops::Range;

/// A set of clauses, one bit each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Bits(Box<[u64]>);

impl Bits {
    /// The set of the clauses, of so many, of which something is true.
    pub(super) fn of(clauses: usize, is_in: impl Fn(usize) -> bool) -> Self {
        let mut words = vec![0; words(clauses)];
        for clause in (0..clauses).filter(|clause| is_in(*clause)) {
            words[clause / 64] |= 1 << (clause % 64);
        }
        Self(words.into())
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.0
    }

    pub(super) fn contains(&self, clause: usize) -> bool {
        self.0[clause / 64] >> (clause % 64) & 1 == 1
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, two)| one & two).collect())
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, two)| one | two).collect())
    }

    /// Takes out the clauses of a range.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        for (word, bits) in self.0.iter_mut().enumerate() {
            *bits &= !mask(&range, word);
        }
    }

    /// The first clause of a range that is in this set and in another.
    pub(super) fn first_common(&self, other: &Self, range: &Range<usize>) -> Option<usize> {
        let words = self.0.iter().zip(&other.0).enumerate();
        let mut common = words.map(|(word, (one, two))| (word, one & two & mask(range, word)));
        let (word, bits) = common.find(|(_, bits)| *bits != 0)?;
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}

/// The bits of a range in a word.
fn mask(range: &Range<usize>, word: usize) -> u64 {
    let below = |end: usize| match end.saturating_sub(word * 64) {
        bits @ 0..64 => (1 << bits) - 1,
        _ => u64::MAX,
    };
    below(range.end) & !below(range.start)
}

fn words(clauses: usize) -> usize {
    clauses.div_ceil(64).max(1)
}

/// Distinct sets by number: a value's class is the number of the set of clauses that it satisfies.
#[derive(Debug, Clone)]
pub(super) struct Classes {
    /// Words a set.
    words: usize,
    /// The sets, one after the other.
    flat: Vec<u64>,
    numbers: std::collections::HashMap<Bits, u32>,
}

impl Classes {
    pub(super) fn new(clauses: usize) -> Self {
        Self { words: words(clauses), flat: Vec::new(), numbers: std::collections::HashMap::new() }
    }

    /// The number of a set.
    pub(super) fn number(&mut self, set: Bits) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(set).or_insert_with_key(|set| {
            self.flat.extend_from_slice(set.words());
            next
        })
    }

    /// Words a set.
    #[inline]
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// The words of a set, of which there are so many: whoever knows it better than the compiler says it.
    #[inline]
    pub(super) fn get(&self, number: u32, words: usize) -> &[u64] {
        &self.flat[number as usize * words..][..words]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_every_place_and_length() {
        for clauses in [1, 63, 64, 65, 130] {
            let all = Bits::of(clauses, |_| true);
            let thirds = Bits::of(clauses, |clause| clause % 3 == 0);
            for start in 0..=clauses {
                for end in start..=clauses {
                    let mut left = all.clone();
                    left.remove(start..end);
                    let kept = (0..clauses).filter(|clause| left.contains(*clause));
                    assert!(kept.eq((0..start).chain(end..clauses)), "{clauses} {start} {end}");
                    let first = (start..end).find(|clause| clause % 3 == 0);
                    assert_eq!(all.first_common(&thirds, &(start..end)), first);
                }
            }
        }
    }
}
