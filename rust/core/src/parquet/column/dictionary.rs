//! The dictionary of a column chunk, and the codes, texts and small numbers of a batch in its terms.

use arrow_array::{Array, StringArray};

use crate::batch::Interner;

use super::page::Values;

/// No row had this code, or this number, yet.
const UNSEEN: u32 = u32::MAX;

/// Values of a column chunk in the order of their first use.
#[derive(Default)]
pub(super) struct Dictionary {
    /// Texts, or small numbers as the four bytes that the format has for them.
    texts: Interner,
    /// Code in this dictionary of each code of the batch at hand.
    of_batch: Vec<u32>,
    /// Code in this dictionary of each number, at [`place_of`] it; empty without numbers.
    of_number: Vec<u32>,
}

impl Dictionary {
    /// Begins a batch, whose codes are new.
    pub(super) fn begin_batch(&mut self, texts: &StringArray) {
        self.of_batch.clear();
        self.of_batch.resize(texts.len(), UNSEEN);
    }

    /// Adds the values of codes of the batch to the page.
    #[inline]
    pub(super) fn push(
        &mut self,
        of_batch: impl Iterator<Item = i32>,
        texts: &StringArray,
        values: &mut Values,
    ) {
        match values {
            Values::Codes(codes) => codes.extend(of_batch.map(|code| match self.of_batch[code as usize] {
                UNSEEN => self.learn(code, texts),
                known => known,
            })),
            Values::Plain(bytes) => of_batch.for_each(|code| plain(texts.value(code as usize), bytes)),
            _ => unreachable!("a column of codes has codes or plain texts"),
        }
    }

    /// Adds texts that came without codes to the page.
    #[inline]
    pub(super) fn push_texts<'a>(&mut self, texts: impl Iterator<Item = &'a str>, values: &mut Values) {
        match values {
            Values::Codes(codes) => codes.extend(texts.map(|text| self.texts.code(text) as u32)),
            Values::Plain(bytes) => texts.for_each(|text| plain(text, bytes)),
            _ => unreachable!("a column of codes has codes or plain texts"),
        }
    }

    /// Adds small numbers to the page.
    pub(super) fn push_shorts(&mut self, numbers: impl Iterator<Item = i16>, values: &mut Values) {
        let Values::Codes(codes) = values else { unreachable!("small numbers never fill their dictionary") };
        self.of_number.resize(1 << 16, UNSEEN);
        codes.extend(numbers.map(|number| match self.of_number[place_of(number)] {
            UNSEEN => self.learn_short(number),
            known => known,
        }));
    }

    #[cold]
    fn learn_short(&mut self, number: i16) -> u32 {
        let known = self.texts.code_of(&i32::from(number).to_le_bytes()) as u32;
        self.of_number[place_of(number)] = known;
        known
    }

    #[cold]
    fn learn(&mut self, code: i32, texts: &StringArray) -> u32 {
        let known = self.texts.code(texts.value(code as usize)) as u32;
        self.of_batch[code as usize] = known;
        known
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn text(&self, code: u32) -> &[u8] {
        self.texts.text(code as usize)
    }

    /// The small number of a code.
    pub(super) fn short(&self, code: u32) -> Option<i32> {
        self.text(code).try_into().ok().map(i32::from_le_bytes)
    }

    /// Forgets all values, and keeps the room that they took.
    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.of_number.clear();
    }

    /// Bytes of the texts and of what finds them.
    pub(super) fn size(&self) -> usize {
        self.texts.size()
    }

    /// Appends the dictionary page, not compressed.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for code in 0..self.len() {
            let text = self.text(code as u32);
            if self.of_number.is_empty() {
                bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            }
            bytes.extend_from_slice(text);
        }
    }
}

/// How far a number is from the smallest of its type.
fn place_of(number: i16) -> usize {
    usize::from(number.abs_diff(i16::MIN))
}

/// Appends a text as Parquet's plain encoding has it.
fn plain(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn small_numbers_come_back(chunks in prop::collection::vec(prop::collection::vec(any::<i16>(), 1..40), 1..4)) {
            let mut dictionary = Dictionary::default();
            let extremes = [i16::MIN, -1, 0, i16::MAX];
            for numbers in chunks {
                let numbers = [&extremes[..], &numbers, &extremes].concat();
                let mut values = Values::Codes(Vec::new());
                dictionary.push_shorts(numbers.iter().copied(), &mut values);
                let Values::Codes(codes) = values else { panic!("codes stay codes") };
                let mut page = Vec::new();
                dictionary.encode(&mut page);
                let (numbers_of_page, rest) = page.as_chunks::<4>();
                prop_assert!(rest.is_empty());
                let back = codes.iter().map(|&code| i32::from_le_bytes(numbers_of_page[code as usize]));
                prop_assert!(back.eq(numbers.iter().map(|&number| i32::from(number))));
                let mut distinct = numbers.clone();
                distinct.sort_unstable();
                distinct.dedup();
                prop_assert_eq!(dictionary.len(), distinct.len());
                prop_assert_eq!(dictionary.short(codes[0]), Some(i16::MIN.into()));
                dictionary.clear();
            }
        }
    }
}
