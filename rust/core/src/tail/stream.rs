//! The files of a log as one stream: which of them to read next, when one is over, and what was lost.
//!
//! Every file that is known has its own offset, so no order of names, clock or deadline can drop unread bytes: the next
//! file is the first one in order that has any.

mod end;
mod identify;
mod resolve;
mod standing;
mod tracked;
mod trouble;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::events::{Events, Gap};
use super::identity::Fingerprint;
use super::loss::Meter;
use super::open::{Failing, Input, NotThere, Opened, Place};
use super::set::Set;

pub use end::{AfterError, AtEnd};
use tracked::Tracked;
pub use tracked::{FileId, Mark};

/// How often the directory is looked at while nothing says that it changed.
const LOOK: Duration = Duration::from_secs(1);

/// A file that is not found is looked for once more after this long: one that is being renamed can be missed by a look.
const SECOND_LOOK: Duration = Duration::from_millis(100);

/// How soon a file that could not be read is tried again, at first; twice as long after each failure.
const RETRY: Duration = Duration::from_millis(50);

/// Longest wait before a file that could not be read is tried again.
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// Bytes on disk from which on a file is read by several threads, or by one beside the caller's.
const LARGE: u64 = 4 << 20;

/// Where to begin in a log that was not followed before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the oldest byte that is there.
    #[default]
    Beginning,
    /// Behind the last line that is there.
    End,
}

/// Where an earlier run has come to.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// Files that were read, in order.
    pub marks: Vec<Mark>,
    /// Whether files older than the first of them were read, too.
    pub older_done: bool,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Times that the live file got another name.
    pub rotations: u64,
    /// Times that a file was cut or written anew.
    pub truncations: u64,
    /// Times that something was read again.
    pub replays: u64,
    /// Losses.
    pub gaps: u64,
    /// Bytes known to be lost.
    pub lost_bytes: u64,
}

/// A file to read, opened where reading goes on.
pub struct Segment {
    /// Which.
    pub id: FileId,
    /// Its path, as it is called now.
    pub path: PathBuf,
    /// Offset of the first byte that `input` gives.
    pub offset: u64,
    /// The bytes.
    pub input: Input,
}

/// The file that is being read.
struct Current {
    id: FileId,
    /// It, if it is plain.
    plain: Option<Arc<File>>,
    /// How far it was read when its content was last compared with what is known, and when it was last written then.
    compared_at: u64,
    compared: Option<SystemTime>,
    /// Since when nothing came of it, and how long it was.
    quiet: Option<(Instant, u64)>,
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The directory, or a file while it was identified.
    Directory,
    /// The current file.
    File,
}

/// A log.
#[expect(clippy::struct_excessive_bools, reason = "each can be true or false whatever the others are")]
pub struct Stream {
    set: Set,
    /// Whether the log is followed; else what is there is all.
    follow: bool,
    /// Where the first look begins, until it was taken.
    start: Option<Start>,
    /// Whether an earlier run has left marks, until the first two looks were taken.
    resumed: bool,
    /// Whether files older than all that are known were read.
    older_done: bool,
    /// Whether the first look has passed over what it found, until somebody asks.
    skipped: bool,
    /// Whether there was a look since somebody asked.
    news: bool,
    /// All files that are known, in the order in which they were written.
    files: Vec<Tracked>,
    /// The file that is being read; it is one of `files`.
    current: Option<Current>,
    /// A file that was cut and stands nowhere else, until what was read of it is handed out.
    cut: Option<FileId>,
    next_id: u64,
    /// The newest file of the last look, or that an earlier run has left a mark of.
    newest: FileId,
    looked: Option<Instant>,
    /// When the directories had changed at the last look that went through them, and when that was.
    listed: Option<(Vec<SystemTime>, Instant)>,
    /// When to try again what could not be read, and how long to wait after that.
    retry: Option<(Instant, Duration)>,
    /// What cannot be read at present, and why.
    error: Option<(Trouble, String)>,
    counters: Counters,
    gaps: Vec<Gap>,
    /// Files whose marks are of no use any more.
    forgotten: Vec<FileId>,
    /// When nothing was unread last.
    caught_up: Option<Instant>,
    /// How fast the log is written.
    meter: Meter,
    /// Bytes of files that are no longer known.
    gone_bytes: u64,
    /// Backups that were left when one was last seen to be deleted.
    left: Option<u64>,
}

impl Stream {
    /// A log, to be read from where an earlier run has come to, if one has.
    #[must_use]
    pub fn new(set: Set, follow: bool, start: Start, resume: Option<Resume>) -> Self {
        let resumed = resume.is_some();
        let Resume { marks, older_done } = resume.unwrap_or_default();
        let mut stream = Self {
            set,
            follow,
            start: (!resumed).then_some(start),
            resumed,
            older_done,
            skipped: false,
            news: false,
            files: Vec::new(),
            current: None,
            cut: None,
            next_id: 0,
            newest: FileId(0),
            looked: None,
            listed: None,
            retry: None,
            error: None,
            counters: Counters::default(),
            gaps: Vec::new(),
            forgotten: Vec::new(),
            caught_up: None,
            meter: Meter::default(),
            gone_bytes: 0,
            left: None,
        };
        for mark in marks {
            let id = stream.new_id();
            stream.files.push(Tracked::resumed(id, mark));
            stream.newest = id;
        }
        stream
    }

    /// The live file.
    #[must_use]
    pub fn live(&self) -> &Path {
        self.set.live()
    }

    /// Its files.
    pub fn set_mut(&mut self) -> &mut Set {
        &mut self.set
    }

    /// The directories to watch.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        self.set.directories()
    }

    /// Files whose marks are of no use any more, since the last call.
    pub fn take_forgotten(&mut self) -> Vec<FileId> {
        std::mem::take(&mut self.forgotten)
    }

    /// The file that is being read.
    #[must_use]
    pub fn current(&self) -> Option<FileId> {
        self.current.as_ref().map(|current| current.id)
    }

    /// The mark of a file that is known.
    #[must_use]
    pub fn mark(&self, id: FileId) -> Option<&Mark> {
        self.files.iter().find(|file| file.id == id).map(|file| &file.mark)
    }

    /// Opens the next file that has unread bytes; `None` when there is none now.
    pub fn next_segment(&mut self, now: Instant, events: &mut dyn Events) -> Option<Segment> {
        debug_assert!(self.current.is_none());
        if !self.may_try(now) || !self.look_if_due(now, events) || self.waits_for_a_look() {
            return None;
        }
        let file = self.files.iter().find(|file| file.is_unread())?;
        let (id, place) = (file.id, file.place());
        match place.open() {
            Ok(Opened { input, plain }) => {
                self.current =
                    Some(Current { id, plain, compared_at: place.offset, compared: None, quiet: None });
                let Place { path, offset, .. } = place;
                Some(Segment { id, path, offset, input })
            }
            Err(NotThere::Other) => {
                self.distrust(id);
                None
            }
            Err(NotThere::Changed) => {
                self.replay(id, "what stands in front of the offset is not what was read there", events);
                None
            }
            Err(NotThere::Failed(error)) => {
                // Reading it gives the error, so that there is one place that decides what then.
                self.current = Some(Current { id, plain: None, compared_at: 0, compared: None, quiet: None });
                let Place { path, offset, .. } = place;
                Some(Segment { id, path, offset, input: Box::new(Failing(Some(error))) })
            }
        }
    }

    /// Files that nobody writes and that have unread bytes, in order; empty if that is not worth more than one thread, or
    /// something else is to be seen to first.
    pub fn closed_places(&mut self, now: Instant, events: &mut dyn Events) -> Vec<(FileId, Place)> {
        if !self.may_try(now) || !self.look_if_due(now, events) || self.waits_for_a_look() {
            return Vec::new();
        }
        let closed = || self.files.iter().filter(|file| file.is_unread()).take_while(|file| !file.live);
        if closed().count() < 2 && closed().all(|file| file.len < LARGE) {
            return Vec::new();
        }
        closed().map(|file| (file.id, file.place())).collect()
    }

    /// A file was read, and everything before the offset is accounted for.
    pub fn reached(&mut self, id: FileId, offset: u64, before: &[u8]) {
        let Some(file) = self.files.iter_mut().find(|file| file.id == id) else { return };
        if offset > file.mark.offset {
            file.mark.offset = offset;
            file.mark.marker = Fingerprint::telling(before);
            file.mark.size = file.mark.size.max(offset);
        }
    }

    /// A compressed file was read to its end, by another reader than the current one.
    pub fn complete(&mut self, id: FileId) {
        if let Some(file) = self.files.iter_mut().find(|file| file.id == id) {
            file.finished = file.compressed;
        }
    }

    /// What was read of a file that was cut is handed out: nothing is left of it.
    pub fn forget_cut(&mut self) {
        let Some(index) = self.cut.take().and_then(|id| self.files.iter().position(|file| file.id == id))
        else {
            return;
        };
        let file = self.files.remove(index);
        self.gone_bytes += file.mark.size;
        self.forgotten.push(file.id);
    }

    /// Nothing more is read of a file until it changes.
    fn rest(&mut self, id: FileId) {
        if let Some(file) = self.files.iter_mut().find(|file| file.id == id) {
            file.finished = true;
        }
    }

    /// The directory has changed, as far as somebody says.
    pub fn look_soon(&mut self) {
        self.looked = None;
    }

    /// Whether another look is due soon.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.waits_for_a_look() || self.retry.is_some()
    }

    /// The files that are known, with the offset where reading began in each, if there was a look since the last call.
    pub fn take_news(&mut self) -> Option<impl Iterator<Item = (FileId, &Mark, u64)>> {
        let news = std::mem::take(&mut self.news);
        news.then(|| self.files.iter().map(|file| (file.id, &file.mark, file.began)))
    }

    /// Looks at the directory if it is time to.
    pub fn keep_looking(&mut self, now: Instant, events: &mut dyn Events) {
        if !self.files.iter().any(|file| file.live) && self.set.live_key().is_some() {
            self.looked = None;
        }
        if self.may_try(now) {
            self.look_if_due(now, events);
        }
    }

    /// Whether what was there at the beginning was passed over, told once.
    pub fn take_skipped(&mut self) -> bool {
        std::mem::take(&mut self.skipped)
    }

    /// Whether everything that is there was read.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.looked.is_some()
            && self.current.is_none()
            && !self.waits_for_a_look()
            && !self.files.iter().any(Tracked::is_unread)
    }

    /// What is known of the files is not what they are.
    fn look_anew(&mut self) {
        (self.looked, self.listed) = (None, None);
    }

    fn new_id(&mut self) -> FileId {
        self.next_id += 1;
        FileId(self.next_id)
    }

    fn may_try(&self, now: Instant) -> bool {
        self.retry.is_none_or(|(at, _)| now >= at)
    }

    /// Whether a file that is not found may still be found: nothing behind it is read until then.
    fn waits_for_a_look(&self) -> bool {
        self.files.iter().any(|file| file.missing.is_some() || file.present && !file.settled)
    }

    /// The file is perhaps another one: the next look compares it.
    fn distrust(&mut self, id: FileId) {
        if let Some(file) = self.files.iter_mut().find(|file| file.id == id) {
            file.verified = false;
        }
        self.look_anew();
    }
}
