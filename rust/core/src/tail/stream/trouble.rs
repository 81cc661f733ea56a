//! What goes wrong: what cannot be read, what is read again, and what is lost.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::super::events::{At, Events, Gap, Reason};
use super::super::identity::Fingerprint;
use super::{FileId, LONGEST_RETRY, Mark, RETRY, Stream, Trouble};

/// Most losses that are kept one by one; the counters have them all.
const MOST_GAPS: usize = 1000;

impl Stream {
    /// Tries again later.
    pub(super) fn postpone(
        &mut self,
        now: Instant,
        trouble: Trouble,
        error: &io::Error,
        path: &Path,
        events: &mut dyn Events,
    ) {
        let wait = self.retry.map_or(RETRY, |(_, wait)| wait);
        self.retry = Some((now + wait, (wait * 2).min(LONGEST_RETRY)));
        let text = format!("{}: {error}", path.display());
        if self.error.as_ref().is_none_or(|(_, old)| *old != text) {
            events.unreadable(At { stream: self.set.live(), file: path, offset: 0 }, error);
            self.error = Some((trouble, text));
        }
    }

    /// What could not be read was read.
    pub(super) fn recovered(&mut self, trouble: Trouble, events: &mut dyn Events) {
        if self.error.take_if(|(known, _)| *known == trouble).is_some() {
            events.readable(At { stream: self.set.live(), file: self.set.live(), offset: 0 });
            self.retry = None;
        }
    }

    pub(super) fn replay(&mut self, id: FileId, why: &str, events: &mut dyn Events) {
        self.counters.replays += 1;
        let Some(file) = self.files.iter_mut().find(|file| file.id == id) else { return };
        let at = At { stream: self.set.live(), file: &file.mark.path, offset: 0 };
        events.replay(at, why);
        file.began = 0;
        file.mark.offset = 0;
        file.mark.marker = Fingerprint::default();
        file.finished = false;
    }

    pub(super) fn gap(
        &mut self,
        mark: &Mark,
        bytes: u64,
        certain: bool,
        reason: Reason,
        events: &mut dyn Events,
    ) {
        let bytes = if certain { bytes } else { 0 };
        let gap = Gap {
            stream: self.set.live().to_owned(),
            file: mark.path.clone(),
            offset: mark.offset,
            bytes,
            certain,
            reason,
        };
        self.counters.gaps += 1;
        self.counters.lost_bytes += bytes;
        events.gap(&gap);
        if self.gaps.len() == MOST_GAPS {
            self.gaps.remove(0);
        }
        self.gaps.push(gap);
    }
}
