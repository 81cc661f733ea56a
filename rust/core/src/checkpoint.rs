//! How far logs were read: offsets that the caller committed, kept in a directory so that nothing that happens to it
//! goes unnoticed.
//!
//! Two slots, `offsets.0` and `offsets.1`, are written in turn and appear whole, so the save before the newest is always
//! there. A slot that cannot be used, or is missing, is an alarm, and more is read again; never less.

mod alarm;
mod host;
mod lock;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use alarm::{Alarm, Trust};
pub use host::Host;
pub use state::{Bad, FileMark, Slot, State, StreamMark, decode, encode};
pub use store::{Loaded, Store};

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Someone else has it.
    #[error(
        "{}: {by} follows logs with this state directory; stop it, or give this one a directory of its own",
        dir.display()
    )]
    Locked {
        /// The state directory.
        dir: PathBuf,
        /// Who, as far as the lock tells: `another process (pid 123)`.
        by: String,
    },
    /// It is no checkpoint.
    #[error(
        "the checkpoint to resume from cannot be used: {0}; give what a tail's checkpoint() gave, unchanged"
    )]
    Resume(Bad),
    /// It was let go.
    #[error("the tail is closed, and its state may be in other hands: commit before it is closed")]
    Closed,
    /// The file system refused.
    #[error("{}: {what}: {source}; {}", path.display(), remedy(source))]
    Io {
        /// What could not be done.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A state as a text that others keep; it is spelled as a slot.
pub(crate) fn text(state: &State) -> String {
    String::from_utf8(encode(state, 1, &Host::this())).expect("a slot is text")
}

/// The state that a text holds.
pub(crate) fn resumed(text: &str) -> Result<State, CheckpointError> {
    decode(text.as_bytes()).map(|slot| slot.state).map_err(CheckpointError::Resume)
}

impl CheckpointError {
    /// For `map_err`.
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

/// What to do about it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on that file system; until then what was saved before stays"
        }
        io::ErrorKind::ReadOnlyFilesystem => "mount it for writing, or give another state directory",
        io::ErrorKind::PermissionDenied => "let this process write there, or give another state directory",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            "something else has a name that the state needs; move it away, or give another state directory"
        }
        io::ErrorKind::Unsupported => "give a state directory on a local disk",
        _ => "check the disk; what was saved before stays",
    }
}
