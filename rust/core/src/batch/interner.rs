//! Strings to dictionary codes.

use std::cell::OnceCell;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::text::TextVec;

/// Distinct strings in the order of their first use; the code of a string is its place. The hash is seeded at random,
/// since clients choose many of the strings, and equality is always checked.
#[derive(Default)]
pub(crate) struct Interner {
    texts: TextVec,
    /// Places of `texts`, found by the hash of the text there.
    places: HashTable<u32>,
    seed: RandomState,
    /// All of them as an array, from when it was asked for to the next new string.
    array: OnceCell<ArrayRef>,
}

impl Interner {
    /// The code of a string, new or old.
    pub(crate) fn code(&mut self, text: &str) -> i32 {
        self.code_of(text.as_bytes())
    }

    /// As [`Self::code`], for bytes that are no string; [`Self::values`] shows them as none either.
    pub(crate) fn code_of(&mut self, text: &[u8]) -> i32 {
        let Self { texts, places, seed, array } = self;
        let hash = seed.hash_one(text);
        let entry = places.entry(
            hash,
            |&place| texts.get(place as usize) == text,
            |&place| seed.hash_one(texts.get(place as usize)),
        );
        let new = || {
            array.take();
            texts.push(text)
        };
        *entry.or_insert_with(new).get() as i32
    }

    /// The dictionary as it stands.
    pub(crate) fn values(&self) -> ArrayRef {
        Arc::clone(self.array.get_or_init(|| Arc::new(self.texts.array())))
    }

    /// The strings of these codes, which are its own.
    pub(super) fn array_of(&self, codes: &[i32]) -> ArrayRef {
        Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(codes.to_vec()), self.values()))
    }

    /// How many strings there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The bytes of the string of a code.
    pub(crate) fn text(&self, code: usize) -> &[u8] {
        self.texts.get(code)
    }

    /// Forgets them all, and keeps the room that they took.
    pub(crate) fn clear(&mut self) {
        self.array.take();
        self.texts.clear();
        self.places.clear();
    }

    /// Bytes held, with what finds them.
    pub(crate) fn size(&self) -> usize {
        self.texts.size() + 8 * self.texts.len()
    }
}
