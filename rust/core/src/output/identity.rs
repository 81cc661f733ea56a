//! Whether two names are one file.

use std::fs;
#[cfg(unix)]
use std::os::{fd::AsFd, unix::fs::MetadataExt};
use std::path::Path;

/// What two names of one file have in common; of a regular file only: to write what is read from a device or a pipe is
/// no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity(Of);

#[cfg(unix)]
type Of = (u64, u64);
#[cfg(not(unix))]
type Of = std::path::PathBuf;

/// The file of that name, if there is one.
#[cfg(unix)]
pub(crate) fn of_path(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().and_then(|meta| of_metadata(&meta))
}

/// The file of that name, if there is one.
#[cfg(not(unix))]
pub(crate) fn of_path(path: &Path) -> Option<Identity> {
    fs::canonicalize(path).ok().filter(|path| path.is_file()).map(Identity)
}

/// The file behind standard input or standard output, if it is one.
#[cfg(unix)]
pub(crate) fn of_stream(stream: &impl AsFd) -> Option<Identity> {
    let file = fs::File::from(stream.as_fd().try_clone_to_owned().ok()?);
    file.metadata().ok().and_then(|meta| of_metadata(&meta))
}

/// The file behind standard input or standard output: it has no name to tell it by.
#[cfg(not(unix))]
pub(crate) fn of_stream<T>(_: &T) -> Option<Identity> {
    None
}

#[cfg(unix)]
fn of_metadata(meta: &fs::Metadata) -> Option<Identity> {
    meta.is_file().then(|| Identity((meta.dev(), meta.ino())))
}
