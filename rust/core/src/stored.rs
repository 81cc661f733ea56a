//! Events that stand in Parquet files: what they amount to, and the rows that somebody asks for.
//!
//! An engine of SQL answers what is asked of them. This is what it would have to do with every question, and for which
//! it has to decode long texts of millions of rows: to count what the files record, to find rows that repeat others and
//! requests that have not ended, and to fetch a few rows among many.

mod file;
mod folder;
pub mod position;
pub mod rows;
pub mod survey;

use std::path::PathBuf;
use std::time::Duration;

use crate::reader::ordered::{Next, Ordered, Panicked};

/// How long to wait for a result before somebody looks for Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

/// A file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// It cannot be opened, or holds something else than it says.
    #[error("{}: cannot be read: {cause}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What its reader says.
        cause: String,
    },
    /// A column is of a type that says something else.
    #[error("{}: column {column}: {cause}", file.display())]
    Column {
        /// Which file.
        file: PathBuf,
        /// Its column.
        column: &'static str,
        /// Why it cannot be read as what the schema says.
        cause: String,
    },
    /// A mistake of ours.
    #[error(transparent)]
    Panicked(#[from] Panicked),
    /// Somebody pressed Ctrl-C.
    #[error("it was stopped")]
    Stopped,
}

/// Takes all results in, in order, and asks in between whether to go on.
fn each<T: Send + 'static>(
    mut results: Ordered<Result<T, StoredError>>,
    goes_on: &mut dyn FnMut() -> bool,
    mut take: impl FnMut(T),
) -> Result<(), StoredError> {
    loop {
        match results.next(PATIENCE)? {
            Next::Item(result) => take(result?),
            Next::Pending => {}
            Next::End => return Ok(()),
        }
        if !goes_on() {
            return Err(StoredError::Stopped);
        }
    }
}
