//! The data page in progress: levels and codes, and their bytes when it is full.

use arrow_buffer::{BooleanBufferBuilder, NullBuffer};
use parquet::basic::{Encoding, Type};

use super::shape::Shape;
use super::texts::PageTexts;
use super::{delta, hybrid};

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
    /// Of one value a row: whether it is there, a bit a row.
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
    /// Texts behind all their lengths.
    Texts(PageTexts),
    /// Flags, a bit each.
    Flags(BooleanBufferBuilder),
    /// Numbers of 32 bits, by their differences.
    Ints(Vec<i32>),
    /// Numbers of 64 bits, by their differences or as they are.
    Longs(Vec<i64>, Spelling),
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Spelling {
    /// By their differences.
    Delta,
    /// As they are.
    Plain,
}

/// Levels and values since the last page.
pub(super) struct Page {
    pub(super) definition: Definition,
    pub(super) repetition: Levels,
    pub(super) values: Values,
    pub(super) rows: usize,
}

impl Page {
    /// An empty page of a column of that shape and type.
    pub(super) fn new(shape: Shape, kind: Type) -> Self {
        let values = match (shape, kind) {
            (Shape::Numbers(_), Type::INT32) => Values::Ints(Vec::new()),
            (Shape::Numbers(spelling), _) => Values::Longs(Vec::new(), spelling),
            (Shape::Flags, _) => Values::Flags(BooleanBufferBuilder::new(0)),
            (Shape::Texts, _) => Values::Texts(PageTexts::default()),
            _ => Values::Codes(Vec::new()),
        };
        let definition = if shape.is_flat() {
            Definition::Valid(BooleanBufferBuilder::new(0))
        } else {
            Definition::Levels(Levels::default())
        };
        Self { definition, repetition: Levels::default(), values, rows: 0 }
    }

    /// Says of rows with one value which of them have it: all without `nulls`.
    pub(super) fn valid(&mut self, rows: usize, nulls: Option<&NullBuffer>) {
        match (&mut self.definition, nulls) {
            (Definition::Valid(bits), None) => bits.append_n(rows, true),
            (Definition::Valid(bits), Some(nulls)) => bits.append_buffer(nulls.inner()),
            (Definition::Levels(_), _) => unreachable!("a page of one value a row has a bit a row"),
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
        let values = match &self.values {
            Values::Codes(codes) => 4 * codes.len(),
            Values::Plain(bytes) => bytes.len(),
            Values::Texts(texts) => texts.size(),
            Values::Flags(flags) => flags.len() / 8,
            Values::Ints(values) => 4 * values.len(),
            Values::Longs(values, _) => 8 * values.len(),
        };
        values + self.len()
    }

    /// The bytes of the page, not compressed, and how its values are encoded; `None` for a page that has none. `levels` are
    /// the largest of definition and repetition, `room` is empty.
    pub(super) fn encode<'a>(
        &'a mut self,
        levels: (i16, i16),
        room: &'a mut Vec<u8>,
    ) -> (&'a [u8], Option<Encoding>) {
        self.repetition.encode(levels.1, room);
        self.definition.encode(levels.0, room);
        match &mut self.values {
            Values::Texts(texts) => texts.encode(room),
            values => {
                let encoding = values.encode(room);
                (room, encoding)
            }
        }
    }

    /// Begins the next page.
    pub(super) fn clear(&mut self) {
        self.definition.clear();
        self.repetition.clear();
        self.rows = 0;
        self.values.clear();
    }
}

impl Values {
    /// The numbers of 32 bits of a page of them.
    pub(super) fn ints(&mut self) -> &mut Vec<i32> {
        match self {
            Self::Ints(values) => values,
            _ => unreachable!("numbers of 32 bits have a page of them"),
        }
    }

    /// The numbers of 64 bits of a page of them.
    pub(super) fn longs(&mut self) -> &mut Vec<i64> {
        match self {
            Self::Longs(values, _) => values,
            _ => unreachable!("numbers of 64 bits have a page of them"),
        }
    }

    /// Appends the bytes of all but texts and answers how they are encoded.
    fn encode(&self, out: &mut Vec<u8>) -> Option<Encoding> {
        match self {
            Self::Codes(codes) => {
                // A page of nulls refers to no dictionary, which may not even be there.
                let width = hybrid::width_of_codes(*codes.iter().max()?);
                out.push(width as u8);
                hybrid::encode(codes, width, out);
                Some(Encoding::RLE_DICTIONARY)
            }
            Self::Plain(bytes) => {
                out.extend_from_slice(bytes);
                Some(Encoding::PLAIN)
            }
            Self::Texts(_) => unreachable!("texts are encoded where they stand"),
            Self::Flags(flags) => {
                if flags.is_empty() {
                    return None;
                }
                out.extend_from_slice(flags.as_slice());
                Some(Encoding::PLAIN)
            }
            Self::Ints(values) => {
                values.first()?;
                delta::encode(values, out);
                Some(Encoding::DELTA_BINARY_PACKED)
            }
            Self::Longs(values, Spelling::Delta) => {
                values.first()?;
                delta::encode(values, out);
                Some(Encoding::DELTA_BINARY_PACKED)
            }
            Self::Longs(values, Spelling::Plain) => {
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                Some(Encoding::PLAIN)
            }
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Codes(codes) => codes.clear(),
            Self::Plain(bytes) => bytes.clear(),
            Self::Texts(texts) => texts.clear(),
            Self::Flags(flags) => flags.truncate(0),
            Self::Ints(values) => values.clear(),
            Self::Longs(values, _) => values.clear(),
        }
    }
}
