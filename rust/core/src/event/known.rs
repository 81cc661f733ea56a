//! Texts that were met on earlier lines, found again by one comparison.

use std::sync::atomic::{AtomicU64, Ordering};

/// Texts that are remembered of a kind.
const SLOTS: usize = 1 << 11;

/// The longest text that is remembered, so that all of a kind stay within two megabytes.
const LONGEST: usize = 1 << 10;

/// Names one text among all that were ever remembered in this process: its slot may go to another, the number never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Below [`Name::SLOTS`].
    pub(crate) slot: u32,
    number: u64,
}

impl Name {
    pub(crate) const SLOTS: usize = SLOTS;
}

/// The texts of a kind that were met lately, each in the one slot where it belongs; the last one there stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Known<T>(Vec<Slot<T>>);

#[derive(Clone, Debug, Default)]
struct Slot<T> {
    /// Empty for none.
    text: Vec<u8>,
    number: u64,
    /// What is known of the text.
    about: T,
}

impl<T: Clone + Default> Known<T> {
    /// The name of a text that was met lately, and what is known of it.
    #[inline]
    pub(super) fn find(&self, text: &[u8]) -> Option<(Name, &T)> {
        let slot = slot_of(text);
        let known = self.0.get(slot)?;
        let name = Name { slot: slot as u32, number: known.number };
        (known.text == text && !text.is_empty()).then_some((name, &known.about))
    }

    /// Remembers a text, unless it is too long.
    #[cold]
    pub(super) fn put(&mut self, text: &[u8], about: T) -> Option<Name> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        if text.len() > LONGEST {
            return None;
        }
        if self.0.is_empty() {
            self.0 = vec![Slot::default(); SLOTS];
        }
        let slot = slot_of(text);
        let known = &mut self.0[slot];
        known.text.clear();
        known.text.extend_from_slice(text);
        known.about = about;
        known.number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Some(Name { slot: slot as u32, number: known.number })
    }
}

/// Where a text belongs: by its last bytes, some of every 24. Pods of one workload differ in their ids and addresses there,
/// and in nothing in front. It is no hash; a wrong guess costs one comparison, whatever the log holds.
#[inline]
fn slot_of(text: &[u8]) -> usize {
    let mut mixed = text.len() as u64;
    let mut end = text.len();
    for _ in 0..10 {
        let Some(word) = text[..end].last_chunk() else { break };
        mixed = mixed.rotate_left(11) ^ u64::from_le_bytes(*word);
        let Some(before) = end.checked_sub(24) else { break };
        end = before;
    }
    spread(mixed, SLOTS)
}

/// A number below `limit`, a power of two.
#[inline]
pub(super) fn spread(mixed: u64, limit: usize) -> usize {
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - limit.ilog2())) as usize
}
