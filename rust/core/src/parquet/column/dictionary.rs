//! The dictionary of a column chunk, and the codes of a batch in its terms.

use arrow_array::{Array, StringArray};

use crate::batch::Interner;

use super::page::Values;

/// No row of the batch had this code yet.
const UNSEEN: u32 = u32::MAX;

/// Texts of a column chunk in the order of their first use.
#[derive(Default)]
pub(super) struct Dictionary {
    texts: Interner,
    /// Code in this dictionary of each code of the batch at hand.
    of_batch: Vec<u32>,
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

    /// Forgets all texts, and keeps the room that they took.
    pub(super) fn clear(&mut self) {
        self.texts.clear();
    }

    /// Bytes of the texts and of what finds them.
    pub(super) fn size(&self) -> usize {
        self.texts.size()
    }

    /// Appends the dictionary page, not compressed.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for code in 0..self.len() {
            let text = self.text(code as u32);
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text);
        }
    }
}

/// Appends a text as Parquet's plain encoding has it.
fn plain(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}
