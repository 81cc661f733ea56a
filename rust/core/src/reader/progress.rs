//! How far a pass is.

use super::source::Source;

/// How far a pass is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read from the inputs, before decompression.
    pub bytes_done: u64,
    /// Bytes of all inputs, when they are all files.
    pub bytes_total: Option<u64>,
    /// Rows so far.
    pub rows: u64,
    /// Lines rejected so far.
    pub rejected: u64,
}

/// Is told how far the work is, several times a second; answers whether to go on.
pub type Watch<'a> = &'a mut dyn FnMut(&Progress) -> bool;

/// Bytes of all sources, when they are all files.
pub(crate) fn total_bytes(sources: &[Source]) -> Option<u64> {
    let size = |source: &Source| match source {
        Source::Path(path) => path.metadata().ok().filter(std::fs::Metadata::is_file).map(|meta| meta.len()),
        Source::Stream { .. } => None,
    };
    sources.iter().map(size).sum()
}
