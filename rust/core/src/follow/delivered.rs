//! What a follower gives.

use std::path::PathBuf;

use arrow_array::RecordBatch;

use crate::reader::Account;

use super::Receipt;

/// What a wait came to.
#[derive(Debug)]
pub enum Next {
    /// A batch.
    Batch(Box<Delivered>),
    /// Nothing yet.
    Pending,
    /// Nothing more.
    End,
}

/// A batch with its place in its log.
#[derive(Debug)]
pub struct Delivered {
    /// The rows; there may be none where lines became none.
    pub batch: RecordBatch,
    /// What was counted on the way to them.
    pub account: Account,
    /// The live file of the log.
    pub stream: PathBuf,
    /// The file, as it was called when it was read.
    pub file: PathBuf,
    /// First and last byte, and one more, of the decompressed file.
    pub start: u64,
    /// See `start`.
    pub end: u64,
    /// Bytes behind it in the log that were not read yet.
    pub lag: u64,
    /// What to acknowledge it with.
    pub receipt: Receipt,
}
