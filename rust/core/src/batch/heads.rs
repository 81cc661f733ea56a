//! Level, stage and verb together: a log has a few dozen combinations.

#![expect(
    clippy::inline_always,
    reason = "on the way of every line: what the compiler leaves as a call costs more than it does"
)]

use crate::event::{Event, Key};

/// Combinations that are remembered.
const SLOTS: usize = 64;

/// Rows of the tables of level, stage and verb.
pub(super) type Head = [u32; 3];

/// Combinations that were met lately. Each is a guess that has to be checked, so they need not be forgotten when tables are
/// emptied.
pub(super) struct Heads([Head; SLOTS]);

impl Default for Heads {
    fn default() -> Self {
        Self([Head::default(); SLOTS])
    }
}

impl Heads {
    /// The place of the combination: by the lengths of the three, which hardly ever agree where the words do not, and one
    /// letter of the verb.
    #[inline(always)]
    pub(super) fn of(&mut self, event: &Event<'_>) -> &mut Head {
        let length = |key| event.bytes(key).map_or(0, <[u8]>::len);
        let letter =
            event.bytes(Key::Verb).and_then(|verb| verb.get(1)).map_or(0, |&letter| usize::from(letter));
        &mut self.0[(length(Key::Level) + 5 * length(Key::Stage) + 7 * length(Key::Verb) + letter) % SLOTS]
    }
}
