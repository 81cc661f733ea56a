//! Smallest and largest values of pages and chunks, by which readers skip.

use parquet::basic::{BoundaryOrder, Type};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnIndexBuilder;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::Finished;
use super::dictionary::Dictionary;

/// Longest bound that is kept whole; a client can make a value as long as it likes.
const LONGEST: usize = 64;

/// Bounds of the values of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    Texts(TextBounds),
    Ints(i32, i32),
    Longs(i64, i64),
}

impl Bounds {
    /// Of numbers; `None` without any.
    pub(super) fn of_numbers<T: Copy + Ord>(values: &[T], bounds: fn(T, T) -> Self) -> Option<Self> {
        let (smallest, largest) = (values.iter().min()?, values.iter().max()?);
        Some(bounds(*smallest, *largest))
    }

    /// Of the small numbers that the codes stand for; `None` without any.
    pub(super) fn of_shorts(codes: &[u32], dictionary: &Dictionary) -> Option<Self> {
        let numbers: Vec<i32> = used(codes, dictionary).filter_map(|code| dictionary.short(code)).collect();
        Self::of_numbers(&numbers, Self::Ints)
    }

    /// The smallest and the largest value, as an index has them.
    pub(super) fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Texts(bounds) => (bounds.smallest.clone(), bounds.largest.clone()),
            Self::Ints(low, high) => (low.to_le_bytes().into(), high.to_le_bytes().into()),
            Self::Longs(low, high) => (low.to_le_bytes().into(), high.to_le_bytes().into()),
        }
    }

    fn text(&self) -> Option<&TextBounds> {
        match self {
            Self::Texts(bounds) => Some(bounds),
            _ => None,
        }
    }

    fn int(&self) -> Option<(i32, i32)> {
        match *self {
            Self::Ints(low, high) => Some((low, high)),
            _ => None,
        }
    }

    fn long(&self) -> Option<(i64, i64)> {
        match *self {
            Self::Longs(low, high) => Some((low, high)),
            _ => None,
        }
    }
}

/// Bounds of the texts of a page, by their bytes. No text is smaller than `smallest` or larger than `largest`; a long
/// bound is cut, and says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextBounds {
    smallest: Vec<u8>,
    largest: Vec<u8>,
    /// Whether the bounds are texts of the page.
    exact: [bool; 2],
}

impl TextBounds {
    /// Of the texts that the codes stand for; `None` without any.
    pub(super) fn of_codes(codes: &[u32], dictionary: &Dictionary) -> Option<Self> {
        Self::of(used(codes, dictionary).map(|code| dictionary.text(code)))
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

    /// Of texts that stand one behind the other; `None` without any.
    pub(super) fn of_texts(lengths: &[i32], mut bytes: &[u8]) -> Option<Self> {
        let texts = lengths.iter().map(|&length| {
            let (text, rest) = bytes.split_at(length as usize);
            bytes = rest;
            text
        });
        Self::of(texts)
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

/// Each of the codes once.
fn used(codes: &[u32], dictionary: &Dictionary) -> impl Iterator<Item = u32> + use<> {
    let mut used = vec![false; dictionary.len()];
    for &code in codes {
        used[code as usize] = true;
    }
    (0..used.len() as u32).filter(move |&code| used[code as usize])
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
pub(super) fn of_chunk(kind: Type, pages: &[Finished]) -> Statistics {
    let nulls = Some(pages.iter().map(|page| page.nulls).sum());
    let bounds = || pages.iter().filter_map(|page| page.bounds.as_ref());
    match kind {
        Type::INT32 => {
            let (smallest, largest) = range(bounds().filter_map(Bounds::int));
            Statistics::int32(smallest, largest, None, nulls, false)
        }
        Type::INT64 => {
            let (smallest, largest) = range(bounds().filter_map(Bounds::long));
            Statistics::int64(smallest, largest, None, nulls, false)
        }
        _ => texts(&bounds().filter_map(Bounds::text).collect::<Vec<_>>(), nulls).into(),
    }
}

fn range<T: Copy + Ord>(bounds: impl Iterator<Item = (T, T)>) -> (Option<T>, Option<T>) {
    let (lows, highs): (Vec<T>, Vec<T>) = bounds.unzip();
    (lows.into_iter().min(), highs.into_iter().max())
}

fn texts(bounds: &[&TextBounds], nulls: Option<u64>) -> ValueStatistics<ByteArray> {
    let smallest = bounds.iter().min_by(|a, b| a.smallest.cmp(&b.smallest));
    let largest = bounds.iter().max_by(|a, b| a.largest.cmp(&b.largest));
    let array = |bytes: &Vec<u8>| ByteArray::from(bytes.clone());
    ValueStatistics::new(
        smallest.map(|bounds| array(&bounds.smallest)),
        largest.map(|bounds| array(&bounds.largest)),
        None,
        nulls,
        false,
    )
    .with_min_is_exact(smallest.is_some_and(|bounds| bounds.exact[0]))
    .with_max_is_exact(largest.is_some_and(|bounds| bounds.exact[1]))
}

/// The index of the pages' bounds.
pub(super) fn index_of(kind: Type, pages: &[Finished]) -> Result<ColumnIndexMetaData, ParquetError> {
    let mut index = ColumnIndexBuilder::new(kind);
    for page in pages {
        let (smallest, largest) = page.bounds.as_ref().map(Bounds::bytes).unwrap_or_default();
        index.append(page.bounds.is_none(), smallest, largest, page.nulls as i64, None);
    }
    index.set_boundary_order(order_of(pages));
    index.build()
}

/// Whether numbers ascend from page to page, as times do; texts are not asked.
fn order_of(pages: &[Finished]) -> BoundaryOrder {
    let bounds = pages.iter().filter_map(|page| page.bounds.as_ref());
    let ranges =
        bounds.map(|bounds| bounds.long().or_else(|| bounds.int().map(|(a, b)| (a.into(), b.into()))));
    let ascend = |pair: &[(i64, i64)]| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1;
    match ranges.collect::<Option<Vec<_>>>() {
        Some(ranges) if ranges.windows(2).all(ascend) => BoundaryOrder::ASCENDING,
        _ => BoundaryOrder::UNORDERED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bounds_hold_and_are_short(texts in prop::collection::vec("[a-c]{60,70}|\\PC{0,40}|[\u{10ffff}\u{d7ff}]{30}", 1..8)) {
            let bounds = TextBounds::of(texts.iter().map(String::as_bytes)).unwrap();
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
        let bounds = TextBounds::of([text.as_bytes()].into_iter()).unwrap();
        assert_eq!(bounds.largest, text.as_bytes());
        assert_eq!(bounds.exact, [false, true]);
        let raised = TextBounds::of(["a".repeat(70).as_bytes()].into_iter()).unwrap();
        assert_eq!(raised.largest, [&[b'a'; 63][..], b"b"].concat());
    }

    #[test]
    fn no_text_has_no_bounds() {
        assert_eq!(TextBounds::of_codes(&[], &Dictionary::default()), None);
        assert_eq!(TextBounds::of_plain(&[]), (None, 0));
        let (bounds, count) = TextBounds::of_plain(b"\x01\0\0\0b\0\0\0\0\x01\0\0\0a");
        assert_eq!((bounds.unwrap().largest, count), (b"b".to_vec(), 3));
        assert_eq!(TextBounds::of_texts(&[], b""), None);
        let bounds = TextBounds::of_texts(&[1, 0, 2], b"baa").unwrap();
        assert_eq!((bounds.smallest, bounds.largest), (b"".to_vec(), b"b".to_vec()));
    }
}
