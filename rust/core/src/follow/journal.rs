//! What happened, kept for whoever asks.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use crate::tail::events::{At, Events, Gap};

/// Most events that are kept.
const KEPT: usize = 1000;

/// Something that happened to a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// How many happened before it.
    pub number: u64,
    /// What, in a word.
    pub kind: &'static str,
    /// The live file of the log, or the state directory.
    pub stream: PathBuf,
    /// The file.
    pub file: PathBuf,
    /// Offset in the decompressed file.
    pub offset: u64,
    /// What, for people.
    pub message: String,
}

/// The newest events.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// At most [`KEPT`].
    newest: VecDeque<Happened>,
    count: u64,
}

impl Journal {
    pub(super) fn newest(&self) -> impl Iterator<Item = &Happened> {
        self.newest.iter()
    }

    pub(super) fn add(&mut self, kind: &'static str, at: At<'_>, message: String) {
        if self.newest.len() == KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(Happened {
            number: self.count,
            kind,
            stream: at.stream.to_owned(),
            file: at.file.to_owned(),
            offset: at.offset,
            message,
        });
        self.count += 1;
    }
}

impl Events for Journal {
    fn rotated(&mut self, at: At<'_>) {
        let message = format!("{} was rotated to {}", at.stream.display(), at.file.display());
        self.add("rotated", at, message);
    }

    fn truncated(&mut self, at: At<'_>) {
        let message = format!(
            "{} was truncated or written anew behind offset {}; reading goes on at its beginning",
            at.file.display(),
            at.offset
        );
        self.add("truncated", at, message);
    }

    fn gap(&mut self, gap: &Gap) {
        let at = At { stream: &gap.stream, file: &gap.file, offset: gap.offset };
        let known = if gap.certain { "" } else { "perhaps " };
        let message = format!(
            "{}: {known}lost, at least {} bytes from offset {} on: {}",
            gap.file.display(),
            gap.bytes,
            gap.offset,
            gap.reason.explain()
        );
        self.add("gap", at, message);
    }

    fn replay(&mut self, at: At<'_>, why: &str) {
        let message = format!("{} is read again from offset {}: {why}", at.file.display(), at.offset);
        self.add("replay", at, message);
    }

    fn unreadable(&mut self, at: At<'_>, error: &io::Error) {
        let message = format!("{}: {error}; it is tried again", at.file.display());
        self.add("unreadable", at, message);
    }

    fn readable(&mut self, at: At<'_>) {
        let message = format!("{} can be read again", at.file.display());
        self.add("readable", at, message);
    }

    fn late(&mut self, at: At<'_>) {
        let message = format!("{} has grown after its end was read", at.file.display());
        self.add("late", at, message);
    }
}
