//! Record batches as plain rows, with dictionaries looked up.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

/// One value of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cell {
    #[default]
    Null,
    Bool(bool),
    /// Whole numbers of any width, and microseconds.
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Cell>),
    Map(Vec<(Cell, Cell)>),
}

/// One row by column name.
pub(crate) type Row = BTreeMap<&'static str, Cell>;

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Row> {
    let schema = batch.schema();
    let names: Vec<&'static str> = schema
        .fields()
        .iter()
        .map(|field| {
            let known = auditwake_core::schema::COLUMNS.iter().find(|column| column.name == field.name());
            known.expect("a column of the schema").name
        })
        .collect();
    let row = |i| names.iter().zip(batch.columns()).map(|(name, column)| (*name, cell(column, i))).collect();
    (0..batch.num_rows()).map(row).collect()
}

fn cell(array: &dyn Array, i: usize) -> Cell {
    if array.is_null(i) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Boolean => Cell::Bool(array.as_boolean().value(i)),
        DataType::Int16 => Cell::Int(array.as_primitive::<Int16Type>().value(i).into()),
        DataType::Int32 => Cell::Int(array.as_primitive::<Int32Type>().value(i).into()),
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(i)),
        DataType::Timestamp(..) => Cell::Int(array.as_primitive::<TimestampMicrosecondType>().value(i)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(i).to_owned()),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(i).to_vec()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            cell(dictionary.values(), dictionary.keys().value(i) as usize)
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(i);
            Cell::List((0..items.len()).map(|item| cell(&items, item)).collect())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(i);
            let [keys, values] = [entries.column(0), entries.column(1)];
            Cell::Map((0..entries.len()).map(|entry| (cell(keys, entry), cell(values, entry))).collect())
        }
        other => panic!("no column of the schema is {other}"),
    }
}
