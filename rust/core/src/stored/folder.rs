//! Columns that a file lacks because its folders name their values, in the way of Hive: `verb=get/part-0.parquet`.

use std::path::{Component, Path};
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, UInt32Array, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::ArrowError;
use arrow_select::take::take;

use crate::schema::Column;

/// How Hive writes that there is no value.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// What the folders of a path say of a column, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Nothing.
    Not,
    /// That it is null.
    Null,
    /// Its value.
    Value(String),
}

/// Looks for the value of a column in a path; the innermost folder counts.
pub(super) fn named(path: &Path, column: &str) -> Named {
    let folders = path.parent().into_iter().flat_map(Path::components).rev();
    for folder in folders.filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }) {
        if let Some((name, value)) = folder.split_once('=')
            && name == column
        {
            return if value.is_empty() || value == NULL {
                Named::Null
            } else {
                Named::Value(decoded(value))
            };
        }
    }
    Named::Not
}

/// As many rows of what was named.
pub(super) fn rows(named: &Named, column: &Column, count: usize) -> Result<ArrayRef, ArrowError> {
    let wanted = column.kind.data_type();
    let Named::Value(text) = named else { return Ok(new_null_array(&wanted, count)) };
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let one: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
    take(&cast_with_options(&one, &wanted, &exact)?, &UInt32Array::from(vec![0; count]), None)
}

/// Undoes percent-encoding; what is none is left as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) if bytes[at] == b'%' => {
                plain.push(code);
                at += 3;
            }
            _ => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Named, decoded, named};

    #[test]
    fn the_innermost_folder_counts_and_the_file_is_none() {
        let path = Path::new("/verb=get/lake/verb=a%2Fb/code=__HIVE_DEFAULT_PARTITION__/stage=x.parquet");
        assert_eq!(named(path, "verb"), Named::Value("a/b".to_owned()));
        assert_eq!(named(path, "code"), Named::Null);
        assert_eq!(named(path, "stage"), Named::Not);
        assert_eq!(named(Path::new("x.parquet"), "verb"), Named::Not);
    }

    #[test]
    fn percent_encoding_is_undone() {
        for (text, plain) in
            [("a%3Ab", "a:b"), ("%", "%"), ("%4", "%4"), ("100%é", "100%é"), ("%C3%A9", "é"), ("%+1", "%+1")]
        {
            assert_eq!(decoded(text), plain);
        }
    }
}
