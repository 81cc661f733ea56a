//! What can happen to a log that is followed, one method each: the core picks no logger.

use std::io;
use std::path::{Path, PathBuf};

/// A place in a log.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The live file of the log.
    pub stream: &'a Path,
    /// The file.
    pub file: &'a Path,
    /// Offset in the decompressed file.
    pub offset: u64,
}

/// Bytes that were deleted or overwritten before they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The live file of the log.
    pub stream: PathBuf,
    /// The file that the bytes were in, as it was last called.
    pub file: PathBuf,
    /// Where they began, in the decompressed file.
    pub offset: u64,
    /// Bytes that are known to be lost; there may be more.
    pub bytes: u64,
    /// Whether something is lost for sure.
    pub certain: bool,
    /// How.
    pub reason: Reason,
}

/// How bytes were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A file was deleted with unread bytes in it.
    Deleted,
    /// A file was cut, and what was cut off stands nowhere else.
    Truncated,
    /// The file that holds the committed offset is gone: what came between it and the oldest file that is left, if
    /// anything did, is gone too.
    Missing,
}

impl Reason {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Truncated => "truncated",
            Self::Missing => "missing",
        }
    }

    /// What happened and what to do, for people.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Deleted => {
                "the file was deleted before it was read to its end; read faster, or let rotation keep more backups"
            }
            Self::Truncated => {
                "the file was truncated before it was read to its end; let the log be renamed at rotation instead of \
                 copied and truncated"
            }
            Self::Missing => {
                "the file that was being read is gone; whatever was written between it and the oldest file that is left \
                 was deleted unread"
            }
        }
    }
}

/// Told what happens. Nothing that is told here is lost by not listening: the numbers are in the counters.
pub trait Events {
    /// The live file got another name.
    fn rotated(&mut self, at: At<'_>) {
        let _ = at;
    }

    /// The file was cut or written anew; reading goes on at its beginning.
    fn truncated(&mut self, at: At<'_>) {
        let _ = at;
    }

    /// Bytes are lost.
    fn gap(&mut self, gap: &Gap) {
        let _ = gap;
    }

    /// What was read before is read again from the place, and why.
    fn replay(&mut self, at: At<'_>, why: &str) {
        let _ = (at, why);
    }

    /// The file, or the directory, cannot be read at present. It is tried again.
    fn unreadable(&mut self, at: At<'_>, error: &io::Error) {
        let _ = (at, error);
    }

    /// It can be read again.
    fn readable(&mut self, at: At<'_>) {
        let _ = at;
    }

    /// An older file has grown after its end was read.
    fn late(&mut self, at: At<'_>) {
        let _ = at;
    }
}

/// Listens to nothing.
impl Events for () {}
