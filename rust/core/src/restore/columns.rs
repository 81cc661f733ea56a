//! Columns as rows want them.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BinaryArray, StringArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;

/// Strings by row, plain or by dictionary.
pub(super) struct Texts {
    values: StringArray,
    /// Codes into `values`; `None` for plain strings.
    codes: Option<arrow_array::Int32Array>,
}

impl Texts {
    pub(super) fn new(column: &ArrayRef) -> Self {
        match column.data_type() {
            DataType::Dictionary(_, _) => {
                let dictionary = column.as_dictionary::<Int32Type>();
                let values = dictionary.values().as_string::<i32>().clone();
                Self { values, codes: Some(dictionary.keys().clone()) }
            }
            _ => Self { values: column.as_string::<i32>().clone(), codes: None },
        }
    }

    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let place = match &self.codes {
            Some(codes) if codes.is_null(row) => return None,
            Some(codes) => codes.value(row) as usize,
            None => row,
        };
        (!self.values.is_null(place)).then(|| self.values.value(place))
    }
}

/// Lists of strings by row.
pub(super) struct Lists {
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
    items: Texts,
}

impl Lists {
    pub(super) fn new(column: &ArrayRef) -> Self {
        let list = column.as_list::<i32>();
        Self {
            offsets: list.offsets().clone(),
            nulls: list.nulls().cloned(),
            items: Texts::new(list.values()),
        }
    }

    pub(super) fn get(&self, row: usize) -> Option<impl Iterator<Item = &str>> {
        let range = range(&self.offsets, self.nulls.as_ref(), row)?;
        Some(range.map(|item| self.items.get(item).unwrap_or_default()))
    }
}

/// Maps from strings by row.
pub(super) struct Maps<V> {
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
    pub(super) keys: Texts,
    pub(super) values: V,
}

impl<V> Maps<V> {
    fn new(column: &ArrayRef, values: impl FnOnce(&ArrayRef) -> V) -> Self {
        let map = column.as_map();
        Self {
            offsets: map.offsets().clone(),
            nulls: map.nulls().cloned(),
            keys: Texts::new(map.keys()),
            values: values(map.values()),
        }
    }

    /// The entries of a row.
    pub(super) fn range(&self, row: usize) -> Option<Range<usize>> {
        range(&self.offsets, self.nulls.as_ref(), row)
    }
}

impl Maps<Texts> {
    pub(super) fn of_texts(column: &ArrayRef) -> Self {
        Self::new(column, Texts::new)
    }
}

impl Maps<Lists> {
    pub(super) fn of_lists(column: &ArrayRef) -> Self {
        Self::new(column, Lists::new)
    }
}

fn range(offsets: &OffsetBuffer<i32>, nulls: Option<&NullBuffer>, row: usize) -> Option<Range<usize>> {
    let valid = nulls.is_none_or(|nulls| nulls.is_valid(row));
    valid.then(|| offsets[row] as usize..offsets[row + 1] as usize)
}

/// Bytes by row; of another type, nothing.
pub(super) struct Bytes(Option<BinaryArray>);

impl Bytes {
    pub(super) fn new(column: &ArrayRef) -> Self {
        let cast = arrow_cast::cast(column, &DataType::Binary);
        Self(cast.ok().map(|column| column.as_binary::<i32>().clone()))
    }

    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        self.0.as_ref().filter(|bytes| !bytes.is_null(row)).map(|bytes| bytes.value(row))
    }
}

/// Microseconds by row.
pub(super) fn times(column: &ArrayRef) -> Vec<Option<i64>> {
    column.as_primitive::<TimestampMicrosecondType>().iter().collect()
}

/// Status codes by row.
pub(super) fn codes(column: &ArrayRef) -> Vec<Option<i64>> {
    column.as_primitive::<Int16Type>().iter().map(|code| code.map(Into::into)).collect()
}
