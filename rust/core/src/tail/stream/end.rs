//! The end of what there is of a file: it may grow, be over, or have been cut.

use std::io;
use std::time::{Duration, Instant};

use super::super::events::{At, Events, Reason};
use super::super::identity::{Fingerprint, HEAD};
use super::super::open::{is_unlinked, stands_at, stands_before};
use super::tracked::Tracked;
use super::{Stream, Trouble};

/// How long a file that rotation has left must be quiet before a line without its end is over, or a compressed file
/// without its end is cut: whoever wrote it may still be at it.
const QUIET: Duration = Duration::from_secs(5);

/// What to do at the end of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// There is more already.
    More,
    /// Wait here.
    Stay,
    /// Go on with another file; what waits for a newline is read again when this file has more.
    Leave,
    /// The file is over: what waits for a newline is what it is.
    Finish,
    /// As [`Self::Finish`] if what waits is a whole event, else as [`Self::Leave`].
    FinishEvent,
    /// The file was cut or written anew, and what was read of it stands in another one: go on there.
    Moved,
    /// The file was cut or written anew, and what was not read of it is lost.
    Cut,
}

/// What to do about an error of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterError {
    /// Read again later.
    Retry,
    /// The file breaks off here.
    GiveUp,
}

impl Stream {
    /// What to do when the current file gives nothing more: it is accounted for up to `offset`, and `waiting` bytes behind
    /// that wait for more.
    pub fn at_end(&mut self, offset: u64, waiting: u64, now: Instant, events: &mut dyn Events) -> AtEnd {
        let read_to = offset + waiting;
        match self.compare(read_to, now) {
            Ok(Compared::Longer) => return AtEnd::More,
            Ok(Compared::Same) => self.recovered(Trouble::File, events),
            Ok(Compared::Different) => return self.cut(read_to, now, events),
            Err(error) => {
                let path = self.current_path();
                self.postpone(now, Trouble::File, &error, &path, events);
                return AtEnd::Stay;
            }
        }
        let live_is_other = self.live_is_other();
        if live_is_other {
            self.looked = None;
        }
        if !self.look_if_due(now, events) || self.waits_for_a_look() {
            return AtEnd::Stay;
        }
        self.choose(read_to, waiting, now)
    }

    /// Before the current file is read on, behind a rest: whether it is still the one that was read. A file that was cut may
    /// have grown past the offset since.
    pub fn before_reading(
        &mut self,
        offset: u64,
        waiting: u64,
        now: Instant,
        events: &mut dyn Events,
    ) -> Option<AtEnd> {
        match self.compare(offset + waiting, now) {
            Ok(Compared::Different) => Some(self.cut(offset + waiting, now, events)),
            // What cannot be compared cannot be read either, and that says why.
            _ => None,
        }
    }

    fn choose(&mut self, read_to: u64, waiting: u64, now: Instant) -> AtEnd {
        let Some(current) = &self.current else { return AtEnd::Stay };
        let id = current.id;
        let Some(file) = self.files.iter().find(|file| file.id == id) else { return AtEnd::Leave };
        let has_other = self.files.iter().any(|other| other.id != id && other.is_unread());
        let (live, adopted) = (file.live, file.compressed);
        let Some(plain) = &current.plain else {
            self.complete(id);
            return self.over(waiting);
        };
        // It may have been written to before it was seen to be over.
        if plain.metadata().is_ok_and(|meta| meta.len() > read_to) {
            return AtEnd::More;
        }
        if waiting == 0 {
            return if has_other || !self.follow { self.over(0) } else { AtEnd::Stay };
        }
        if !self.follow {
            if !live {
                return self.over(waiting);
            }
            // Half a line is for the next run.
            self.rest(id);
            return self.leave(AtEnd::FinishEvent);
        }
        if live {
            return if has_other { self.leave(AtEnd::Leave) } else { AtEnd::Stay };
        }
        let is_over = adopted || has_other && self.is_quiet(read_to, now);
        if is_over { self.over(waiting) } else { AtEnd::Stay }
    }

    /// The current file has nothing more: what waits of it is final.
    fn over(&mut self, waiting: u64) -> AtEnd {
        self.leave(if waiting == 0 { AtEnd::Leave } else { AtEnd::Finish })
    }

    fn leave(&mut self, how: AtEnd) -> AtEnd {
        self.current = None;
        how
    }

    /// Whether nothing came of the current file for long enough.
    fn is_quiet(&mut self, read_to: u64, now: Instant) -> bool {
        let Some(current) = &mut self.current else { return false };
        match current.quiet {
            Some((since, len)) if len == read_to => now >= since + QUIET,
            _ => {
                current.quiet = Some((now, read_to));
                false
            }
        }
    }

    /// Reading the current file has failed. It is no longer current: it is opened anew when it is tried again.
    pub fn failed(&mut self, error: &io::Error, now: Instant, events: &mut dyn Events) -> AfterError {
        let path = self.current_path();
        let Some(current) = self.current.take() else { return AfterError::Retry };
        let follow = self.follow;
        let has_other = self.files.iter().any(|other| other.id != current.id && other.is_unread());
        let Some(file) = self.files.iter_mut().find(|file| file.id == current.id) else {
            return AfterError::Retry;
        };
        let gives_up = match error.kind() {
            io::ErrorKind::InvalidData => true,
            // The rest of a compressed file may be on its way.
            io::ErrorKind::UnexpectedEof => !follow || has_other && has_rested(file, now),
            _ => !follow,
        };
        if gives_up {
            file.finished = true;
            self.look_anew();
            return AfterError::GiveUp;
        }
        self.postpone(now, Trouble::File, error, &path, events);
        AfterError::Retry
    }

    /// The current file was cut or written anew. If what was read of it was copied, reading goes on in the copy.
    fn cut(&mut self, read_to: u64, now: Instant, events: &mut dyn Events) -> AtEnd {
        let Some(current) = self.current.take() else { return AtEnd::Stay };
        self.counters.truncations += 1;
        let Some(file) = self.files.iter_mut().find(|file| file.id == current.id) else { return AtEnd::Cut };
        file.mark.key = None;
        (file.verified, file.present) = (false, false);
        let at = At { stream: self.set.live(), file: &file.mark.path, offset: file.mark.offset };
        events.truncated(at);
        self.look_anew();
        if self.look_if_due(now, events)
            && self.files.iter().any(|file| file.id == current.id && file.present)
        {
            return AtEnd::Moved;
        }
        if let Some(file) = self.files.iter_mut().find(|file| file.id == current.id) {
            (file.finished, file.missing) = (true, None);
            let mut mark = file.mark.clone();
            self.cut = Some(current.id);
            mark.offset = mark.offset.max(read_to);
            // What was written since the last look at it is not known.
            let lost = mark.size.saturating_sub(mark.offset);
            self.gap(&mark, lost, lost > 0, Reason::Truncated, events);
        }
        AtEnd::Cut
    }

    /// Compares the current file with what was read of it, if anything has happened to it.
    fn compare(&mut self, read_to: u64, now: Instant) -> io::Result<Compared> {
        let Some(current) = &mut self.current else { return Ok(Compared::Same) };
        let Some(plain) = &current.plain else { return Ok(Compared::Same) };
        let Some(file) = self.files.iter_mut().find(|file| file.id == current.id) else {
            return Ok(Compared::Same);
        };
        let meta = plain.metadata()?;
        if meta.len() < read_to {
            return Ok(Compared::Different);
        }
        let modified = meta.modified().ok();
        if read_to > current.compared_at || current.compared != modified || is_unlinked(&meta) {
            if (file.mark.head.len as usize) < HEAD {
                grow_head(file, plain)?;
            }
            let same = stands_at(plain, 0, file.mark.head)?
                && stands_before(plain, file.mark.offset, file.mark.marker)?;
            if !same {
                return Ok(Compared::Different);
            }
            (current.compared_at, current.compared) = (read_to, modified);
        }
        if !file.compressed {
            (file.len, file.modified) = (meta.len(), modified);
        }
        file.mark.size = file.mark.size.max(meta.len());
        if meta.len() > read_to {
            return Ok(Compared::Longer);
        }
        self.caught_up = Some(now);
        Ok(Compared::Same)
    }

    /// Whether the live file's name belongs to another file than the one that is read.
    fn live_is_other(&self) -> bool {
        let Some(current) = &self.current else { return false };
        let known = self.files.iter().find(|file| file.live).and_then(|file| file.mark.key);
        let read = self.files.iter().find(|file| file.id == current.id).is_some_and(|file| file.live);
        let now = self.set.live_key();
        now.is_some() && now != known || now.is_none() && read && known.is_some()
    }

    fn current_path(&self) -> std::path::PathBuf {
        let id = self.current();
        let file = self.files.iter().find(|file| Some(file.id) == id);
        file.map_or_else(|| self.set.live().to_owned(), |file| file.mark.path.clone())
    }
}

/// What a comparison came to.
enum Compared {
    Same,
    Longer,
    Different,
}

/// The head of a file that was short when it was met.
fn grow_head(file: &mut Tracked, plain: &std::fs::File) -> io::Result<()> {
    let head = super::super::open::head_of(plain)?;
    if file.mark.head.begins(&head) {
        file.mark.head = Fingerprint::telling(&head);
    }
    Ok(())
}

/// Whether nothing was written to the file for long enough. Its own time says nothing: clocks jump.
fn has_rested(file: &Tracked, now: Instant) -> bool {
    file.unchanged.is_some_and(|since| now >= since + QUIET)
}
