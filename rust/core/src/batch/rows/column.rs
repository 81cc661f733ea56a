//! Growing columns whose cells differ from row to row.

#![expect(
    clippy::inline_always,
    reason = "on the way of every line: what the compiler leaves as a call costs more than it does"
)]

use std::sync::Arc;

use arrow_array::builder::{BooleanBufferBuilder, GenericByteBuilder, PrimitiveBuilder};
use arrow_array::types::{ArrowPrimitiveType, ByteArrayType};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_buffer::NullBuffer;

/// What a column needs of Arrow's builders.
pub(super) trait Builder {
    type Value<'a>;

    /// An empty builder with room for what an array held.
    fn with_room(room: Room) -> Self;
    fn append(&mut self, value: Self::Value<'_>);
    fn append_nulls(&mut self, count: usize);
    fn finish(&mut self) -> ArrayRef;
}

/// What the column of a batch held and a little more: the next one will hold about as much, and a builder that grows is
/// copied again and again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    rows: usize,
    bytes: usize,
}

impl<T: ByteArrayType> Builder for GenericByteBuilder<T> {
    type Value<'a> = &'a T::Native;

    fn with_room(room: Room) -> Self {
        Self::with_capacity(room.rows, room.bytes)
    }

    #[inline(always)]
    fn append(&mut self, value: &T::Native) {
        self.append_value(value);
    }

    fn append_nulls(&mut self, count: usize) {
        self.append_nulls(count);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.finish())
    }
}

impl<T: ArrowPrimitiveType> Builder for PrimitiveBuilder<T> {
    type Value<'a> = T::Native;

    fn with_room(room: Room) -> Self {
        Self::with_capacity(room.rows)
    }

    fn append(&mut self, value: T::Native) {
        self.append_value(value);
    }

    fn append_nulls(&mut self, count: usize) {
        self.append_nulls(count);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.finish())
    }
}

/// A growing column. Many of them are null in every row of a batch (bodies, in a log of metadata), so nulls are only
/// counted until a value comes.
pub(super) struct Column<B> {
    /// Nulls behind the last value.
    nulls: usize,
    /// The cells up to the last value, `None` in front of the first.
    builder: Option<B>,
    /// What the last batch held.
    room: Room,
}

impl<B> Default for Column<B> {
    fn default() -> Self {
        Self { nulls: 0, builder: None, room: Room::default() }
    }
}

impl<B: Builder> Column<B> {
    /// Adds a cell.
    #[inline]
    pub(super) fn push(&mut self, value: Option<B::Value<'_>>) {
        let Some(value) = value else {
            self.nulls += 1;
            return;
        };
        let builder = self.builder.get_or_insert_with(|| B::with_room(self.room));
        if self.nulls > 0 {
            builder.append_nulls(std::mem::take(&mut self.nulls));
        }
        builder.append(value);
    }

    /// Adds cells without a value.
    pub(super) fn push_nulls(&mut self, count: usize) {
        self.nulls += count;
    }

    /// The column so far, `None` when no cell has a value; the next one is empty.
    pub(super) fn finish(&mut self) -> Option<ArrayRef> {
        let nulls = std::mem::take(&mut self.nulls);
        let mut builder = self.builder.take()?;
        builder.append_nulls(nulls);
        let column = builder.finish();
        let bytes = column.to_data().buffers().last().map_or(0, arrow_buffer::Buffer::len);
        self.room = Room { rows: column.len() + column.len() / 16, bytes: bytes + bytes / 8 };
        Some(column)
    }
}

/// A growing column of numbers that hardly ever lacks one: the gaps are noted, and no bit is written for a number.
pub(super) struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    /// Rows without a number, in order.
    missing: Vec<u32>,
}

impl<T: ArrowPrimitiveType> Default for Numbers<T> {
    fn default() -> Self {
        Self { values: Vec::new(), missing: Vec::new() }
    }
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    /// Adds a cell.
    #[inline]
    pub(super) fn push(&mut self, value: Option<T::Native>) {
        if value.is_none() {
            self.missing.push(self.values.len() as u32);
        }
        self.values.push(value.unwrap_or_default());
    }

    /// The column so far; the next one is empty, with room for as many.
    pub(super) fn finish(&mut self) -> PrimitiveArray<T> {
        let rows = self.values.len();
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(rows));
        let nulls = (!self.missing.is_empty()).then(|| {
            let mut valid = BooleanBufferBuilder::new(rows);
            valid.append_n(rows, true);
            self.missing.drain(..).for_each(|row| valid.set_bit(row as usize, false));
            NullBuffer::new(valid.finish())
        });
        PrimitiveArray::new(values.into(), nulls)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::StringBuilder;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Int64Array, StringArray};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_column_holds_its_cells(
            batches in prop::collection::vec(prop::collection::vec(prop::option::of("[a-z]{0,3}"), 0..9), 1..4),
        ) {
            let mut column = Column::<StringBuilder>::default();
            for cells in batches {
                for cell in &cells {
                    column.push(cell.as_deref());
                }
                let expected = cells.iter().any(Option::is_some).then(|| StringArray::from(cells));
                let finished = column.finish();
                prop_assert_eq!(finished.as_ref().map(AsArray::as_string::<i32>), expected.as_ref());
            }
        }

        #[test]
        fn numbers_are_what_was_pushed(
            batches in prop::collection::vec(prop::collection::vec(prop::option::of(0..9i64), 0..20), 1..4),
        ) {
            let mut column = Numbers::<Int64Type>::default();
            for cells in batches {
                for cell in &cells {
                    column.push(*cell);
                }
                prop_assert_eq!(column.finish(), Int64Array::from(cells));
            }
        }
    }
}
