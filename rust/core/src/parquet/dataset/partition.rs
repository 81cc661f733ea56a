//! Rows to directories, named as Hive names them: `column=value`.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType};

use crate::parse::time::format_micro_time;
use crate::schema::{Kind, Selection};

use super::super::ConvertError;

/// The partition that is no column of its own: the day of `ts_stage`, UTC.
const DATE: &str = "date";

/// How Hive, Spark and `DuckDB` write a null partition.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Whether every partition can be computed from the selected columns.
pub(super) fn check(partitions: &[String], selection: &Selection) -> Result<(), ConvertError> {
    for name in partitions {
        let column =
            selection.columns().find(|column| column.name == if name == DATE { "ts_stage" } else { name });
        let plain = column.is_some_and(|column| {
            matches!(
                column.kind,
                Kind::Dict | Kind::Text | Kind::Bool | Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Time
            )
        });
        if !plain {
            return Err(ConvertError::Partition(name.clone()));
        }
    }
    Ok(())
}

/// The directory of each row, as a path below the output.
pub(super) fn directories(batch: &RecordBatch, partitions: &[String]) -> Result<Vec<String>, ArrowError> {
    let mut directories = vec![String::new(); batch.num_rows()];
    for (depth, name) in partitions.iter().enumerate() {
        let column = batch.column_by_name(if name == DATE { "ts_stage" } else { name });
        let column =
            column.ok_or_else(|| ArrowError::SchemaError(format!("no column for partition {name}")))?;
        for (row, directory) in directories.iter_mut().enumerate() {
            let value = value(column, row);
            let value = if name == DATE { value.map(|time| time[..10].to_owned()) } else { value };
            let separator = if depth == 0 { "" } else { "/" };
            let _ =
                write!(directory, "{separator}{name}={}", value.as_deref().map_or(NULL.to_owned(), escape));
        }
    }
    Ok(directories)
}

fn value(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_dictionary::<Int32Type>();
            let values: &StringArray = dictionary.values().as_string();
            values.value(dictionary.key(row)?).to_owned()
        }
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(_, _) => {
            let mut text = Vec::with_capacity(27);
            format_micro_time(&mut text, column.as_primitive::<TimestampMicrosecondType>().value(row));
            String::from_utf8_lossy(&text).into_owned()
        }
        _ => return None,
    })
}

/// Percent-encodes what a path or Hive gives a meaning to. An empty value is how Hive writes null, so it is null here.
fn escape(value: &str) -> String {
    if value.is_empty() {
        return NULL.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_ascii() && (character.is_ascii_control() || "\"#%'*/:=?\\{}[]^ ".contains(character))
        {
            let _ = write!(escaped, "%{:02X}", character as u32);
        } else {
            escaped.push(character);
        }
    }
    if matches!(escaped.as_str(), "." | "..") { escaped.replace('.', "%2E") } else { escaped }
}
