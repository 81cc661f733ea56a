//! What was decided about values that were met lately.

use super::super::BadValue;
use super::super::guess::guess;
use super::super::text::same;

/// Values that are remembered.
const SLOTS: usize = 1 << 10;

/// The longest value that is remembered, in bytes.
const LONGEST: usize = 1 << 10;

/// Answers by the bytes of a value, each in the one slot where it belongs; the last one there stays.
#[derive(Default)]
pub(super) struct Answers(Vec<Option<(Vec<u8>, bool)>>);

impl Answers {
    /// The answer about a value: the one that was given before, or a new one.
    #[inline]
    pub(super) fn of(
        &mut self,
        raw: &[u8],
        decide: impl FnOnce() -> Result<bool, BadValue>,
    ) -> Result<bool, BadValue> {
        let slot = guess(raw, SLOTS);
        match self.0.get(slot) {
            Some(Some((known, answer))) if same(known, raw) => Ok(*answer),
            _ => self.decide(slot, raw, decide),
        }
    }

    #[inline(never)]
    fn decide(
        &mut self,
        slot: usize,
        raw: &[u8],
        decide: impl FnOnce() -> Result<bool, BadValue>,
    ) -> Result<bool, BadValue> {
        let answer = decide()?;
        if raw.len() <= LONGEST {
            if self.0.is_empty() {
                self.0 = vec![None; SLOTS];
            }
            self.0[slot] = Some((raw.to_vec(), answer));
        }
        Ok(answer)
    }
}
