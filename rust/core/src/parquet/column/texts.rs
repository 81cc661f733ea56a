//! The texts of a page that are no codes, with room in front of them for what the page has there.

use parquet::basic::Encoding;

use super::{TEXT_PAGE_BYTES, delta};

/// Bytes in front of the texts. Levels and lengths take a few kilobytes for bodies, and two bytes a row at most where all
/// texts are short.
const FRONT: usize = 64 << 10;

/// Texts of a page, which seldom repeat.
#[derive(Default)]
pub(super) struct PageTexts {
    lengths: Vec<i32>,
    /// Empty without texts; else [`FRONT`] bytes for the rest of the page, so that megabytes need not be moved behind it, and
    /// the texts one behind the other.
    bytes: Vec<u8>,
}

impl PageTexts {
    /// Adds texts that stand one behind the other and end there; `ends` begins with where the first one begins.
    pub(super) fn extend(&mut self, ends: &[i32], bytes: &[u8]) {
        let texts = ends[0] as usize..ends[ends.len() - 1] as usize;
        self.make_room(texts.len());
        self.lengths.extend(ends.windows(2).map(|text| text[1] - text[0]));
        self.bytes.extend_from_slice(&bytes[texts]);
    }

    /// Adds some of such texts.
    pub(super) fn extend_some(&mut self, rows: impl Iterator<Item = usize>, ends: &[i32], bytes: &[u8]) {
        for row in rows {
            let text = &bytes[ends[row] as usize..ends[row + 1] as usize];
            self.make_room(text.len());
            self.lengths.push(text.len() as i32);
            self.bytes.extend_from_slice(text);
        }
    }

    /// Makes room for so many bytes of texts, and once for what stands in front of them. It doubles, but not beyond what a full
    /// page takes: the page closes there.
    fn make_room(&mut self, more: usize) {
        const FULL: usize = FRONT + TEXT_PAGE_BYTES + TEXT_PAGE_BYTES / 16;
        let needed = self.bytes.len().max(FRONT) + more;
        if self.bytes.capacity() < needed {
            let room = (2 * self.bytes.capacity()).min(FULL).max(needed);
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        if self.bytes.is_empty() {
            self.bytes.resize(FRONT, 0);
        }
    }

    pub(super) fn lengths(&self) -> &[i32] {
        &self.lengths
    }

    pub(super) fn texts(&self) -> &[u8] {
        self.bytes.get(FRONT..).unwrap_or_default()
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        4 * self.lengths.len() + self.texts().len()
    }

    /// The bytes of a page whose levels are in `out`: these, the lengths and the texts; and how the texts are encoded.
    pub(super) fn encode<'a>(&'a mut self, out: &'a mut Vec<u8>) -> (&'a [u8], Option<Encoding>) {
        if self.lengths.is_empty() {
            return (out, None);
        }
        delta::encode(&self.lengths, out);
        (self.behind(out), Some(Encoding::DELTA_LENGTH_BYTE_ARRAY))
    }

    /// The texts behind what the page has in front of them.
    fn behind<'a>(&'a mut self, out: &'a mut Vec<u8>) -> &'a [u8] {
        if let Some(start) = FRONT.checked_sub(out.len()) {
            self.bytes[start..FRONT].copy_from_slice(out);
            &self.bytes[start..]
        } else {
            out.extend_from_slice(self.texts());
            out
        }
    }

    pub(super) fn clear(&mut self) {
        self.lengths.clear();
        self.bytes.truncate(FRONT);
        // One huge text must not stay for good.
        self.bytes.shrink_to(2 * TEXT_PAGE_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(levels: &[u8], texts: &mut PageTexts) -> Vec<u8> {
        texts.encode(&mut levels.to_vec()).0.to_vec()
    }

    proptest! {
        #[test]
        fn a_page_is_its_levels_lengths_and_texts(
            pages in prop::collection::vec(prop::collection::vec("[a-c]{0,9}", 1..20), 1..4),
            levels in prop::sample::select(vec![0, 1, 100, FRONT - 30, FRONT, 2 * FRONT]),
            some: bool,
        ) {
            let mut texts = PageTexts::default();
            let levels: Vec<u8> = (0..levels).map(|i| i as u8).collect();
            for these in pages {
                let bytes = [b"before".to_vec(), these.concat().into_bytes()].concat();
                let ends = these.iter().scan(6, |end, text| { *end += text.len() as i32; Some(*end) });
                let ends: Vec<i32> = std::iter::once(6).chain(ends).collect();
                if some {
                    texts.extend_some(0..these.len(), &ends, &bytes);
                } else {
                    texts.extend(&ends, &bytes);
                }
                let mut expected = levels.clone();
                let lengths: Vec<i32> = these.iter().map(|text| text.len() as i32).collect();
                delta::encode(&lengths, &mut expected);
                expected.extend_from_slice(&bytes[6..]);
                prop_assert_eq!(page(&levels, &mut texts), expected);
                prop_assert_eq!(texts.size(), 4 * these.len() + bytes.len() - 6);
                texts.clear();
                prop_assert_eq!(texts.size(), 0);
            }
        }
    }

    #[test]
    fn a_full_page_takes_little_more_than_it_holds() {
        let mut texts = PageTexts::default();
        let body = vec![b'x'; 3000];
        while texts.size() < TEXT_PAGE_BYTES {
            texts.extend(&[0, 3000], &body);
        }
        assert!(texts.bytes.capacity() < TEXT_PAGE_BYTES + TEXT_PAGE_BYTES / 8, "{}", texts.bytes.capacity());
        texts.extend(&[0, 9 << 20], &vec![b'x'; 9 << 20]);
        texts.clear();
        assert!(texts.bytes.capacity() <= 2 * TEXT_PAGE_BYTES);
    }
}
