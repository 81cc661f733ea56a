//! What is known of one file of a log.

use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use super::super::identity::{FileKey, Fingerprint, HEAD};
use super::super::open::{Place, stated_len};
use super::super::set::Found;

/// A file, for as long as it is known, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u64);

/// How far a file was read and handed out: all that is needed to go on behind it, also after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What the file was called.
    pub path: PathBuf,
    /// Where the file system kept it.
    pub key: Option<FileKey>,
    /// Its first bytes; empty if it had none.
    pub head: Fingerprint,
    /// Decompressed bytes that are accounted for.
    pub offset: u64,
    /// The bytes in front of the offset.
    pub marker: Fingerprint,
    /// Decompressed bytes that it is known to have had.
    pub size: u64,
}

/// What is known of a file.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each can be true or false whatever the others are")]
pub(super) struct Tracked {
    pub(super) id: FileId,
    pub(super) mark: Mark,
    /// Where reading began in it.
    pub(super) began: u64,
    /// Whether what has its name now is compressed.
    pub(super) compressed: bool,
    /// Nothing more is to be had of it until it changes.
    pub(super) finished: bool,
    /// Bytes on disk and time of the last write, as the last look found them.
    pub(super) len: u64,
    pub(super) modified: Option<SystemTime>,
    /// Since when it has been so.
    pub(super) unchanged: Option<Instant>,
    /// Whether the last look found it.
    pub(super) present: bool,
    /// Whether it is the file that is being written.
    pub(super) live: bool,
    /// Whether it is known well enough to be read: a short file may be the beginning of a copy of another.
    pub(super) settled: bool,
    /// Whether it was the newest one, and others were there when it was found no more: nobody knows what was between.
    pub(super) lost_track: bool,
    /// Since when it was not found, unless it is open.
    pub(super) missing: Option<Instant>,
    /// Whether its content was compared with what is known since this process began.
    pub(super) verified: bool,
}

impl Tracked {
    /// A file that was committed up to a mark by an earlier run.
    pub(super) fn resumed(id: FileId, mark: Mark) -> Self {
        Self {
            id,
            began: mark.offset,
            mark,
            compressed: false,
            finished: false,
            len: 0,
            modified: None,
            unchanged: None,
            present: false,
            live: false,
            settled: true,
            lost_track: false,
            missing: None,
            verified: false,
        }
    }

    /// A file that was not met before.
    pub(super) fn new(id: FileId, found: &Found, head: &[u8]) -> Self {
        let mark = Mark {
            path: found.path.clone(),
            key: found.key,
            head: Fingerprint::telling(head),
            offset: 0,
            marker: Fingerprint::default(),
            size: 0,
        };
        Self::resumed(id, mark)
    }

    /// Whether it was written since the last look.
    pub(super) fn differs(&self, found: &Found) -> bool {
        (self.len, self.modified) != (found.len, found.modified)
    }

    /// Takes over what a look found. A compressed file that states the length which was read has nothing more: it is what
    /// rotation made of a file that was read plain.
    pub(super) fn seen(&mut self, found: &Found, compressed: bool, now: Instant) {
        let changed = !self.verified || self.compressed != compressed || self.differs(found);
        self.settled = found.live || self.mark.offset > 0 || self.mark.head.len as usize >= HEAD || !changed;
        if changed && compressed {
            let stated = stated_len(&found.path, found.len);
            self.finished = stated.is_some_and(|stated| stated == self.mark.offset & u64::from(u32::MAX));
            self.mark.size = self.mark.size.max(stated.unwrap_or(0));
        } else if changed {
            self.finished = false;
        }
        if changed {
            self.unchanged = Some(now);
        }
        self.mark.path.clone_from(&found.path);
        self.mark.key = found.key;
        self.compressed = compressed;
        (self.len, self.modified) = (found.len, found.modified);
        (self.present, self.live, self.missing, self.verified) = (true, found.live, None, true);
        self.lost_track = false;
        if !compressed {
            self.mark.size = self.mark.size.max(found.len);
        }
    }

    /// Whether it has bytes that were not read.
    pub(super) fn is_unread(&self) -> bool {
        self.present && self.settled && !self.finished && (self.compressed || self.len > self.mark.offset)
    }

    /// Bytes that were not read, as far as is known.
    pub(super) fn unread(&self) -> u64 {
        if self.finished { 0 } else { self.mark.size.saturating_sub(self.mark.offset) }
    }

    /// Where to read on.
    pub(super) fn place(&self) -> Place {
        let Mark { path, key, head, offset, marker, .. } = self.mark.clone();
        Place { path, key, head, offset, marker }
    }
}
