//! How a log stands: what was read, what was lost, and what is left to read.

use std::time::{Duration, Instant};

use super::super::events::Gap;
use super::super::loss::{Retention, View, time_to_loss};
use super::super::open::is_unlinked;
use super::tracked::Tracked;
use super::{Counters, FileId, LONGEST_RETRY, Mark, Stream, Trouble};

impl Stream {
    /// The files that are known, with how far each was read and handed out.
    pub fn marks(&self) -> impl Iterator<Item = (FileId, &Mark)> {
        self.files.iter().map(|file| (file.id, &file.mark))
    }

    /// Whether older files than those that are known were read.
    #[must_use]
    pub fn older_done(&self) -> bool {
        self.older_done
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The losses so far.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// What cannot be read at present.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_ref().map(|(_, text)| text.as_str())
    }

    /// Bytes that were not read, as far as is known.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.files.iter().map(Tracked::unread).sum()
    }

    /// The file with the oldest unread byte.
    #[must_use]
    pub fn first_unread(&self) -> Option<FileId> {
        self.files.iter().find(|file| file.is_unread()).map(|file| file.id)
    }

    /// Since when something has been unread.
    #[must_use]
    pub fn behind_since(&self) -> Option<Instant> {
        self.caught_up.filter(|_| self.lag() > 0)
    }

    /// Files that are read although they have no name any more, and their bytes on disk.
    #[must_use]
    pub fn held(&self) -> (u64, u64) {
        let held = self.current.as_ref().and_then(|current| current.plain.as_ref()?.metadata().ok());
        held.filter(is_unlinked).map_or((0, 0), |meta| (1, meta.len()))
    }

    /// The time until the oldest unread byte is deleted, or the next one that is written; `None` if nothing says that it
    /// will be.
    #[must_use]
    pub fn time_to_loss(&self, retention: Retention) -> Option<Duration> {
        let is_backup = |file: &&Tracked| file.present && !file.live;
        let unread = self.files.iter().position(|file| file.is_unread() && !file.live);
        let newer = unread.map(|place| self.files[place + 1..].iter().filter(is_backup).count() as u64);
        let rotated = unread.and_then(|place| self.files[place].modified?.elapsed().ok());
        let view = View {
            live: self.files.iter().find(|file| file.live).map_or(0, |file| file.len),
            newer,
            rotated: rotated.unwrap_or_default(),
            largest: self.files.iter().filter(is_backup).map(|file| file.mark.size).max().unwrap_or(0),
            left: self.left,
        };
        time_to_loss(view, retention, self.meter.rate())
    }

    /// Whether a file was found, before anything is read.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.set.look().map_or(true, |found| !found.is_empty())
    }

    /// Why the directory has not been readable for some time.
    #[must_use]
    pub fn lasting_trouble(&self) -> Option<&str> {
        let lasts = self.retry.is_some_and(|(_, wait)| wait >= LONGEST_RETRY);
        self.error
            .as_ref()
            .filter(|(trouble, _)| lasts && *trouble == Trouble::Directory)
            .map(|(_, text)| text.as_str())
    }
}
