//! What to follow, and how; and why not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::Pattern;

use crate::checkpoint::CheckpointError;
use crate::input::discover::SourceError;
use crate::reader::Options as ReadOptions;
use crate::tail::loss::Retention;
use crate::tail::stream::Start;

/// What to follow, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Paths, directories and patterns.
    pub specs: Vec<String>,
    /// Logs that are left out, by their path.
    pub exclude: Vec<Pattern>,
    /// Names of backups that are not named after their log.
    pub backups: Option<Pattern>,
    /// Whether to wait for more; else what is there is all.
    pub follow: bool,
    /// Where to begin in a log that was not followed before.
    pub start: Start,
    /// How to read.
    pub read: ReadOptions,
    /// How old the oldest row of a batch gets before the batch closes.
    pub age: Duration,
    /// Threads for files that nobody writes any more.
    pub threads: usize,
    /// Where offsets are remembered; `None`: nowhere.
    pub state: Option<PathBuf>,
    /// What [`super::Ledger::checkpoint`] gave, to begin there and not where the state says.
    pub resume: Option<String>,
    /// What rotation keeps.
    pub retention: Retention,
}

impl Options {
    /// Whether a log is left out.
    pub(super) fn excludes(&self, live: &Path) -> bool {
        self.exclude.iter().any(|pattern| pattern.matches_path(live))
    }
}

/// Why logs cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// They are nothing.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The state.
    #[error(transparent)]
    State(#[from] CheckpointError),
}
