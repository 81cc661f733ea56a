//! What is wrong with a saved state, said to people.

use std::path::{Path, PathBuf};

use super::host::Host;
use super::state::Bad;

/// How much the state that was loaded can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing was ever committed here.
    Fresh,
    /// It is what was saved last.
    Good,
    /// It is what was saved earlier, or may be; more is read again than need be.
    Previous,
    /// Something was committed here, and nothing of it can be used. The state is empty, and that means the beginning
    /// of the logs whatever the caller asks of new ones.
    Lost,
}

/// Something about a saved state that a person should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// One word.
    pub reason: &'static str,
    /// The file it is about.
    pub path: PathBuf,
    /// The file, what is wrong with it, what follows and what to do.
    pub message: String,
}

impl Alarm {
    fn new(reason: &'static str, path: PathBuf, cause: &str, follows: &str, remedy: &str) -> Self {
        let message = format!("{}: {cause}; {follows}; {remedy}", path.display());
        Self { reason, path, message }
    }

    /// A slot whose bytes are of no use.
    pub(super) fn unusable(path: PathBuf, aside: &Path, bad: &Bad, trust: Trust) -> Self {
        let kept = aside.file_name().unwrap_or_default().display();
        let remedy = format!("it will be kept as {kept}; {}", bad.remedy());
        Self::new(bad.reason(), path, &bad.to_string(), follows(trust), &remedy)
    }

    /// A slot that must have been there.
    pub(super) fn missing(path: PathBuf, trust: Trust) -> Self {
        let remedy =
            "put the file back if it was moved; to begin afresh on purpose, delete the whole directory";
        Self::new("missing", path, "offsets were saved here, and the file is gone", follows(trust), remedy)
    }

    /// Two slots that were not saved one after the other.
    pub(super) fn out_of_step(path: PathBuf, older: u64, newer: u64) -> Self {
        let cause = format!("saves {older} and {newer} stand side by side, which do not follow each other");
        let remedy = "copy or restore the directory as a whole only";
        Self::new("out_of_step", path, &cause, follows(Trust::Previous), remedy)
    }

    /// A slot that was written elsewhere.
    pub(super) fn other_host(path: PathBuf, there: &Host, here: &Host) -> Self {
        let cause = format!("saved on {there}, and this is {here}");
        let follows = "it is used, and files are told by their content";
        let remedy = "if the directory is shared or was copied, give each host one of its own";
        Self::new("other_host", path, &cause, follows, remedy)
    }
}

fn follows(trust: Trust) -> &'static str {
    match trust {
        Trust::Fresh | Trust::Lost => {
            "no saved state is left, so the logs are read again from their beginning"
        }
        Trust::Good | Trust::Previous => {
            "the other saved state is used, and lines that were committed after it come again"
        }
    }
}
