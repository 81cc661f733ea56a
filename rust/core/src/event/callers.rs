//! Who called, by one comparison. In the usual order the values from user to user agent stand side by side, and the same
//! callers come again and again.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Callers that are remembered.
const SLOTS: usize = 1 << 11;

/// The longest text that is remembered, so that all of them stay within two megabytes.
const LONGEST: usize = 1 << 10;

/// Lengths that are remembered.
const LENGTHS: usize = 1 << 10;

/// Keys from `user` to `userAgent`.
const KEYS: usize = 5;

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

/// The callers that were met lately, each in the one slot where its text belongs; the last one there stays.
#[derive(Clone, Debug, Default)]
pub(super) struct Callers {
    /// How long the text was that began so: a text has to be known before its end is.
    lengths: Vec<u32>,
    slots: Vec<Caller>,
}

/// A caller, and where its values stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// What stands on the line from the value of `user` to the end of `userAgent`; empty for no caller.
    text: Vec<u8>,
    /// Where the values of the five keys stand in the text; an empty range at zero is an absent key.
    pub(super) values: [Range<u32>; KEYS],
    /// Whether the user agent is its own content.
    pub(super) plain: bool,
    number: u64,
}

impl Callers {
    /// The caller with whose text `rest` begins. Where its values stand is what a scan of `rest` would find: the ends of
    /// strings and brackets are decided by the bytes in front of them, and these are the same.
    pub(super) fn find(&self, rest: &[u8]) -> Option<(Name, &Caller)> {
        let length = *self.lengths.get(beginning(rest)?)? as usize;
        let text = rest.get(..length)?;
        let slot = slot_of(text);
        let caller = &self.slots[slot];
        (caller.text == text && length > 0)
            .then_some((Name { slot: slot as u32, number: caller.number }, caller))
    }

    /// Remembers a caller whose text `rest` begins with, unless it is too long.
    #[cold]
    pub(super) fn put(
        &mut self,
        rest: &[u8],
        length: usize,
        values: [Range<u32>; KEYS],
        plain: bool,
    ) -> Option<Name> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        if length > LONGEST {
            return None;
        }
        if self.slots.is_empty() {
            self.slots = vec![Caller::default(); SLOTS];
            self.lengths = vec![0; LENGTHS];
        }
        self.lengths[beginning(rest)?] = length as u32;
        let text = &rest[..length];
        let slot = slot_of(text);
        let caller = &mut self.slots[slot];
        caller.text.clear();
        caller.text.extend_from_slice(text);
        (caller.values, caller.plain) = (values, plain);
        caller.number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Some(Name { slot: slot as u32, number: caller.number })
    }
}

/// Where to look for the length of a text: by a few bytes behind those that most user names begin with. Neither this nor
/// [`slot_of`] is a hash; a wrong guess costs one comparison, whatever the log holds.
fn beginning(rest: &[u8]) -> Option<usize> {
    let word = |at: usize| rest.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
    let mixed = word(24)? ^ word(40)?.rotate_left(11) ^ word(56)?.rotate_left(22);
    Some(spread(mixed, LENGTHS))
}

/// Where a text belongs: by its last bytes, some of every 24. Pods of one workload differ in their ids and addresses
/// there, and in nothing in front.
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

fn spread(mixed: u64, limit: usize) -> usize {
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - limit.ilog2())) as usize
}
