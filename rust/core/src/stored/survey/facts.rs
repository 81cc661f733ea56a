//! A batch of narrow columns, by their names.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, PrimitiveArray, StringArray};

use super::super::StoredError;
use super::super::file::{StoredFile, columns};

/// A time that is not there, which no event has.
const NO_TIME: i64 = i64::MIN;

/// Some columns of some rows that follow each other.
pub(super) struct Facts {
    names: Vec<&'static str>,
    columns: Vec<ArrayRef>,
    /// How many rows there are.
    pub(super) rows: usize,
}

/// Reads columns of a row group.
pub(super) fn read<'a>(
    file: &'a StoredFile,
    group: usize,
    names: &[&str],
) -> Result<impl Iterator<Item = Result<Facts, StoredError>> + 'a, StoredError> {
    let wanted = columns(names);
    let names: Vec<_> = wanted.iter().map(|column| column.name).collect();
    let batches = file.read(group, &wanted, None)?;
    Ok(batches.map(move |batch| batch.map(|(columns, rows)| Facts { names: names.clone(), columns, rows })))
}

impl Facts {
    /// A column that was read.
    pub(super) fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.names.iter().position(|known| *known == name).map(|place| &self.columns[place])
    }

    /// A column of texts that repeat, which has to be one of those that were read.
    pub(super) fn coded(&self, name: &str) -> Coded<'_> {
        let array = self.read(name).as_dictionary::<Int32Type>();
        Coded { values: array.values().as_string(), array }
    }

    /// A column of times; one that is not there is [`NO_TIME`].
    pub(super) fn times(&self, name: &str) -> Vec<i64> {
        let array: &PrimitiveArray<TimestampMicrosecondType> = self.read(name).as_primitive();
        if array.null_count() == 0 {
            return array.values().to_vec();
        }
        array.iter().map(|time| time.unwrap_or(NO_TIME)).collect()
    }

    /// The first and the last of a column of times.
    pub(super) fn span(&self, name: &str) -> (Option<i64>, Option<i64>) {
        let array: &PrimitiveArray<TimestampMicrosecondType> = self.read(name).as_primitive();
        if array.null_count() == 0 {
            return (array.values().iter().min().copied(), array.values().iter().max().copied());
        }
        (array.iter().flatten().min(), array.iter().flatten().max())
    }

    /// A column of lengths; one that is not there is -1.
    pub(super) fn lengths(&self, name: &str) -> Vec<i32> {
        let array: &PrimitiveArray<Int32Type> = self.read(name).as_primitive();
        array.iter().map(|length| length.unwrap_or(-1)).collect()
    }

    /// A column of truths.
    pub(super) fn truths(&self, name: &str) -> &BooleanArray {
        self.read(name).as_boolean()
    }

    fn read(&self, name: &str) -> &ArrayRef {
        self.column(name).expect("a column that is asked for is one of those that were read")
    }
}

/// A column of texts that repeat.
pub(super) struct Coded<'a> {
    array: &'a DictionaryArray<Int32Type>,
    /// The texts by their codes.
    pub(super) values: &'a StringArray,
}

impl<'a> Coded<'a> {
    /// The code of a row; `None` for null.
    pub(super) fn code(&self, row: usize) -> Option<usize> {
        let code = self.array.key(row)?;
        self.values.is_valid(code).then_some(code)
    }

    /// For each code whether it is the one of a text.
    pub(super) fn is(&self, text: &str) -> impl Fn(usize) -> bool + use<'a> {
        let of_text: Vec<bool> = self.values.iter().map(|value| value == Some(text)).collect();
        let array = self.array;
        move |row| array.key(row).is_some_and(|code| of_text[code])
    }
}
