//! The data page in progress: levels and codes, and their bytes when it is full.

use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

use super::hybrid;

/// Levels of a page, counted for as long as they are all the same.
#[derive(Default)]
pub(super) struct Levels {
    /// Every level, empty while all are `same`.
    each: Vec<u8>,
    /// The level and number of a page that has one level only.
    same: (u8, usize),
}

impl Levels {
    /// Adds a level many times.
    pub(super) fn push(&mut self, level: u8, count: usize) {
        if self.each.is_empty() && (self.same.1 == 0 || self.same.0 == level) {
            self.same = (level, self.same.1 + count);
            return;
        }
        if self.each.is_empty() {
            self.each.resize(self.same.1, self.same.0);
        }
        self.each.resize(self.each.len() + count, level);
    }

    /// Adds a level many times, of which the caller sets some to others.
    pub(super) fn push_each(&mut self, level: u8, count: usize) -> &mut [u8] {
        if self.each.is_empty() {
            self.each.resize(self.same.1, self.same.0);
        }
        let before = self.each.len();
        self.each.resize(before + count, level);
        &mut self.each[before..]
    }

    pub(super) fn len(&self) -> usize {
        if self.each.is_empty() { self.same.1 } else { self.each.len() }
    }

    fn encode(&self, largest: i16, out: &mut Vec<u8>) {
        if largest == 0 {
            return;
        }
        let width = hybrid::width_of(largest as u32);
        with_length(out, |out| {
            if self.each.is_empty() {
                hybrid::repeat(self.same.0.into(), self.same.1, width, out);
            } else {
                hybrid::encode(&self.each, width, out);
            }
        });
    }

    fn clear(&mut self) {
        self.each.clear();
        self.same = (0, 0);
    }
}

/// Definition levels of a page.
pub(super) enum Definition {
    /// Of texts in lists and maps.
    Levels(Levels),
    /// Of one text a row: whether it is there, a bit a row.
    Valid(BooleanBufferBuilder),
}

impl Definition {
    /// Adds rows without a value.
    pub(super) fn nulls(&mut self, rows: usize) {
        match self {
            Self::Levels(levels) => levels.push(0, rows),
            Self::Valid(bits) => bits.append_n(rows, false),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Levels(levels) => levels.len(),
            Self::Valid(bits) => bits.len(),
        }
    }

    fn encode(&self, largest: i16, out: &mut Vec<u8>) {
        match self {
            Self::Levels(levels) => levels.encode(largest, out),
            Self::Valid(bits) => {
                with_length(out, |out| hybrid::encode_bits(bits.as_slice(), bits.len(), out));
            }
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Levels(levels) => levels.clear(),
            Self::Valid(bits) => bits.truncate(0),
        }
    }
}

/// Appends levels as a page of version 1 has them: their length in bytes in front.
fn with_length(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    encode(out);
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Values of a page.
pub(super) enum Values {
    /// Codes into the dictionary of the column chunk.
    Codes(Vec<u32>),
    /// Texts behind their lengths, where the dictionary has become too large.
    Plain(Vec<u8>),
}

/// Levels and values since the last page.
pub(super) struct Page {
    pub(super) definition: Definition,
    pub(super) repetition: Levels,
    pub(super) values: Values,
    pub(super) rows: usize,
}

impl Page {
    /// An empty page of a column with one text a row (`flat`), or of one with lists of them.
    pub(super) fn new(flat: bool) -> Self {
        let definition = if flat {
            Definition::Valid(BooleanBufferBuilder::new(0))
        } else {
            Definition::Levels(Levels::default())
        };
        Self { definition, repetition: Levels::default(), values: Values::Codes(Vec::new()), rows: 0 }
    }

    /// Says of rows with one text which of them have it: all without `nulls`.
    pub(super) fn valid(&mut self, rows: usize, nulls: Option<&NullBuffer>) {
        match (&mut self.definition, nulls) {
            (Definition::Valid(bits), None) => bits.append_n(rows, true),
            (Definition::Valid(bits), Some(nulls)) => bits.append_buffer(nulls.inner()),
            (Definition::Levels(_), _) => unreachable!("a page of flat texts has a bit a row"),
        }
    }

    /// Repetition and definition levels of texts in lists, or of the lack of them.
    pub(super) fn levels(&mut self) -> (&mut Levels, &mut Levels) {
        match &mut self.definition {
            Definition::Levels(definition) => (&mut self.repetition, definition),
            Definition::Valid(_) => unreachable!("a page of lists has a level a text"),
        }
    }

    /// Levels so far: values, and one for each null or empty list.
    pub(super) fn len(&self) -> usize {
        self.definition.len()
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        match &self.values {
            Values::Codes(codes) => 4 * codes.len() + self.len(),
            Values::Plain(bytes) => bytes.len() + self.len(),
        }
    }

    /// The bytes of the page, not compressed, and whether they are codes.
    pub(super) fn encode(&self, levels: (i16, i16)) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        self.repetition.encode(levels.1, &mut out);
        self.definition.encode(levels.0, &mut out);
        match &self.values {
            Values::Codes(codes) => {
                // A page of nulls refers to no dictionary, which may not even be there.
                let Some(largest) = codes.iter().max() else { return (out, false) };
                let width = hybrid::width_of(*largest);
                out.push(width as u8);
                hybrid::encode(codes, width, &mut out);
                (out, true)
            }
            Values::Plain(bytes) => {
                out.extend_from_slice(bytes);
                (out, false)
            }
        }
    }

    /// Begins the next page.
    pub(super) fn clear(&mut self) {
        self.definition.clear();
        self.repetition.clear();
        self.rows = 0;
        match &mut self.values {
            Values::Codes(codes) => codes.clear(),
            Values::Plain(bytes) => bytes.clear(),
        }
    }
}
