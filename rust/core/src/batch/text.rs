//! Many short texts in one allocation.

use std::ops::Range;

use arrow_array::StringArray;
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};

/// Bytes of room that are kept when texts are forgotten.
const ROOM: usize = 4 << 20;

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

    /// What the one at a place takes.
    #[inline]
    pub(super) fn span(&self, place: usize) -> Range<usize> {
        self.0[place] as usize..self.0[place + 1] as usize
    }

    /// Whether each takes one.
    pub(super) fn are_single(&self) -> bool {
        self.0.iter().zip(0..).all(|(end, place)| *end == place)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len() - 1
    }

    fn clear(&mut self) {
        self.0.truncate(1);
        self.0.shrink_to(ROOM / size_of::<u32>());
    }
}

/// Texts by place; each is kept for as long as the whole.
#[derive(Default)]
pub(super) struct TextVec {
    bytes: Vec<u8>,
    /// Where the texts end in `bytes`.
    ends: Ends,
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
        &self.bytes[self.ends.span(place)]
    }

    /// Where the text at a place stands, for [`Self::at`].
    pub(super) fn span(&self, place: u32) -> Range<usize> {
        self.ends.span(place as usize)
    }

    /// What stands there: the same as [`Self::get`] without the look at its ends.
    #[inline]
    pub(super) fn at(&self, span: Range<usize>) -> Option<&[u8]> {
        self.bytes.get(span)
    }

    /// The texts as an array. They are checked as one, which is what strings side by side are too; should anything else have
    /// been pushed, the lossy reading of each shows.
    pub(super) fn array(&self) -> StringArray {
        let ends: Vec<i32> = self.ends.0.iter().map(|&end| end as i32).collect();
        let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
        let lossy = || (0..self.len()).map(|place| String::from_utf8_lossy(self.get(place)));
        StringArray::try_new(ends, Buffer::from(&self.bytes[..]), None)
            .unwrap_or_else(|_| StringArray::from_iter_values(lossy()))
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Forgets them all and keeps the room that they took, up to [`ROOM`]: what grows is copied again and again, and one huge
    /// text must not stay for good.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(ROOM);
        self.ends.clear();
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }
}

/// Whether both hold the same bytes. Short ones are compared here: a call costs more than they do.
#[inline]
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        8..=16 => ends::<8>(one) == ends::<8>(other),
        17..=32 => ends::<16>(one) == ends::<16>(other),
        _ => one == other,
    }
}

/// The first and the last bytes, which may overlap.
#[inline]
fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    text.first_chunk().zip(text.last_chunk())
}

#[cfg(test)]
mod tests {
    use arrow_array::StringArray;

    use super::{ROOM, TextVec, same};

    #[test]
    fn a_huge_text_takes_its_room_along_and_a_usual_one_leaves_it() {
        let mut texts = TextVec::default();
        for (len, least, most) in [(ROOM / 2, ROOM / 2, ROOM), (4 * ROOM, 0, ROOM)] {
            texts.push(&vec![b'x'; len]);
            texts.clear();
            assert!((least..=most).contains(&texts.bytes.capacity()), "{len} {}", texts.bytes.capacity());
            assert_eq!((texts.len(), texts.size()), (0, 0));
        }
    }

    #[test]
    fn texts_are_an_array() {
        let mut texts = TextVec::default();
        assert_eq!(texts.array(), StringArray::from_iter_values([""; 0]));
        for text in ["ä", "", "pods", "€"] {
            texts.push(text.as_bytes());
        }
        assert_eq!(texts.array(), StringArray::from_iter_values(["ä", "", "pods", "€"]));
        // Together they are a string, one by one they are none.
        let [first, second] = ["€".as_bytes().split_at(1).0, "€".as_bytes().split_at(1).1];
        texts.push(first);
        texts.push(second);
        assert_eq!(texts.array().value(4), "\u{fffd}");
        assert_eq!(texts.array().value(3), "€");
    }

    #[test]
    fn texts_are_the_same_when_every_byte_is() {
        for len in 0..70 {
            let one: Vec<u8> = (0..len).collect();
            assert!(same(&one, &one.clone()));
            assert!(!same(&one, &[&one[..], b"x"].concat()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 0x80;
                assert!(!same(&one, &other), "{len} {at}");
            }
        }
    }
}
