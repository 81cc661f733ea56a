//! Many short texts in one allocation.

use std::ops::Range;

/// Ends of things that stand side by side.
pub(super) struct Ends(
    /// Zero, then the end of each, so that the start of the first is no special case.
    Vec<u32>,
);

impl Default for Ends {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Ends {
    /// Adds the end of one more and answers its place.
    pub(super) fn push(&mut self, end: usize) -> u32 {
        self.0.push(end as u32);
        self.0.len() as u32 - 2
    }

    /// Where the last one ends.
    pub(super) fn last(&self) -> usize {
        self.0[self.0.len() - 1] as usize
    }

    /// What those at these places take together.
    #[inline]
    pub(super) fn span(&self, places: Range<usize>) -> Range<usize> {
        self.0[places.start] as usize..self.0[places.end] as usize
    }

    /// Where each of those at these places ends.
    #[inline]
    pub(super) fn of(&self, places: Range<usize>) -> &[u32] {
        &self.0[places.start + 1..=places.end]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len() - 1
    }
}

/// Texts by place; each is kept for as long as the whole.
#[derive(Default)]
pub(super) struct TextVec {
    bytes: Vec<u8>,
    /// Where the texts end in `bytes`.
    pub(super) ends: Ends,
}

impl TextVec {
    /// Adds a text and answers its place.
    pub(super) fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len())
    }

    /// The text at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> &[u8] {
        &self.bytes[self.ends.span(place..place + 1)]
    }

    /// Bytes of the texts, end to end.
    #[inline]
    pub(super) fn bytes(&self, span: Range<usize>) -> &[u8] {
        &self.bytes[span]
    }

    /// The texts that were pushed as strings, in order. All of them were, or the lossy reading shows.
    pub(super) fn strs(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|place| std::str::from_utf8(self.get(place)).unwrap_or("\u{fffd}"))
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }
}
