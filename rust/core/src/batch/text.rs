//! Many short texts in one allocation.

use std::ops::Range;

/// Texts by place; each is kept for as long as the whole.
#[derive(Default)]
pub(super) struct TextVec {
    bytes: Vec<u8>,
    /// End of each text in `bytes`; its start is the end of the one before.
    ends: Vec<u32>,
}

impl TextVec {
    /// Adds a text and answers its place.
    pub(super) fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
        self.ends.len() as u32 - 1
    }

    /// The text at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] as usize };
        &self.bytes[start..self.ends[place] as usize]
    }

    /// The texts at places `from..to`, end to end, and the place in them where each ends.
    pub(super) fn slice(&self, from: usize, to: usize) -> (&[u8], impl Iterator<Item = u32>) {
        let start = if from == 0 { 0 } else { self.ends[from - 1] };
        let ends = &self.ends[from..to];
        let end = ends.last().copied().unwrap_or(start);
        (&self.bytes[start as usize..end as usize], ends.iter().map(move |end| end - start))
    }

    /// Bytes of the texts at those places.
    pub(super) fn bytes_in(&self, places: Range<usize>) -> usize {
        self.slice(places.start, places.end).0.len()
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
