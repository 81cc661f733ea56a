//! Smallest and largest texts of pages and chunks, by which readers skip.

use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::Finished;
use super::dictionary::Dictionary;

/// Longest bound that is kept whole; a client can make a value as long as it likes.
const LONGEST: usize = 64;

/// Bounds of the texts of a page, by their bytes. No text is smaller than `smallest` or larger than `largest`; a long
/// bound is cut, and says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) smallest: Vec<u8>,
    pub(super) largest: Vec<u8>,
    /// Whether the bounds are texts of the page.
    exact: [bool; 2],
}

impl Bounds {
    /// Of the texts that the codes stand for; `None` without any.
    pub(super) fn of_codes(codes: &[u32], dictionary: &Dictionary) -> Option<Self> {
        let mut used = vec![false; dictionary.len()];
        for &code in codes {
            used[code as usize] = true;
        }
        let texts = (0..dictionary.len() as u32).filter(|&code| used[code as usize]);
        Self::of(texts.map(|code| dictionary.text(code)))
    }

    /// Of texts in Parquet's plain encoding, and how many there are.
    pub(super) fn of_plain(bytes: &[u8]) -> (Option<Self>, usize) {
        let mut texts = Vec::new();
        let mut rest = bytes;
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (text, after) = after.split_at(u32::from_le_bytes(*length) as usize);
            texts.push(text);
            rest = after;
        }
        let count = texts.len();
        (Self::of(texts.into_iter()), count)
    }

    fn of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let (smallest, largest) = texts.fold(None, |bounds: Option<(&[u8], &[u8])>, text| {
            Some(bounds.map_or((text, text), |(low, high)| (low.min(text), high.max(text))))
        })?;
        let (low, high) = (cut(smallest), cut_above(largest));
        let exact = [low.len() == smallest.len(), high == largest];
        Some(Self { smallest: low.to_vec(), largest: high, exact })
    }
}

/// The beginning of a text, which is not larger than the text; it ends at the end of a character.
fn cut(text: &[u8]) -> &[u8] {
    if text.len() <= LONGEST {
        return text;
    }
    let mut end = LONGEST;
    // A continuation byte is never the first of a character.
    while text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

/// A short text that is not smaller than a long one: its beginning with the last character that has a successor raised to
/// it; the whole text where none has.
fn cut_above(text: &[u8]) -> Vec<u8> {
    let beginning = cut(text);
    if beginning.len() == text.len() {
        return text.to_vec();
    }
    let Ok(beginning) = std::str::from_utf8(beginning) else { return text.to_vec() };
    for (at, last) in beginning.char_indices().rev() {
        if let Some(next) = char::from_u32(last as u32 + 1) {
            let mut raised = beginning.as_bytes()[..at].to_vec();
            raised.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
            return raised;
        }
    }
    text.to_vec()
}

/// Statistics of a column chunk from those of its pages.
pub(super) fn of_chunk(pages: &[Finished]) -> Statistics {
    let bounds = || pages.iter().filter_map(|page| page.bounds.as_ref());
    let smallest = bounds().min_by(|a, b| a.smallest.cmp(&b.smallest));
    let largest = bounds().max_by(|a, b| a.largest.cmp(&b.largest));
    let nulls = pages.iter().map(|page| page.nulls).sum();
    let array = |bytes: &Vec<u8>| ByteArray::from(bytes.clone());
    ValueStatistics::new(
        smallest.map(|bounds| array(&bounds.smallest)),
        largest.map(|bounds| array(&bounds.largest)),
        None,
        Some(nulls),
        false,
    )
    .with_min_is_exact(smallest.is_some_and(|bounds| bounds.exact[0]))
    .with_max_is_exact(largest.is_some_and(|bounds| bounds.exact[1]))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bounds_hold_and_are_short(texts in prop::collection::vec("[a-c]{60,70}|\\PC{0,40}|[\u{10ffff}\u{d7ff}]{30}", 1..8)) {
            let bounds = Bounds::of(texts.iter().map(String::as_bytes)).unwrap();
            for text in &texts {
                prop_assert!(*bounds.smallest <= *text.as_bytes() && *text.as_bytes() <= *bounds.largest);
            }
            prop_assert!(bounds.smallest.len() <= LONGEST);
            prop_assert!(std::str::from_utf8(&bounds.smallest).is_ok() && std::str::from_utf8(&bounds.largest).is_ok());
            let is_text = |bound: &[u8]| texts.iter().any(|text| text.as_bytes() == bound);
            prop_assert!((!bounds.exact[0] || is_text(&bounds.smallest)) && (!bounds.exact[1] || is_text(&bounds.largest)));
        }
    }

    #[test]
    fn a_bound_without_a_successor_stays_whole() {
        let text = "\u{10ffff}".repeat(30);
        let bounds = Bounds::of([text.as_bytes()].into_iter()).unwrap();
        assert_eq!(bounds.largest, text.as_bytes());
        assert_eq!(bounds.exact, [false, true]);
        let raised = Bounds::of(["a".repeat(70).as_bytes()].into_iter()).unwrap();
        assert_eq!(raised.largest, [&[b'a'; 63][..], b"b"].concat());
    }

    #[test]
    fn no_text_has_no_bounds() {
        assert_eq!(Bounds::of_codes(&[], &Dictionary::default()), None);
        assert_eq!(Bounds::of_plain(&[]), (None, 0));
        let (bounds, count) = Bounds::of_plain(b"\x01\0\0\0b\0\0\0\0\x01\0\0\0a");
        assert_eq!((bounds.unwrap().largest, count), (b"b".to_vec(), 3));
    }
}
