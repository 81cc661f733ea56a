//! A look at the directory: which file is which, by its content; what is new, what is gone, and in what order.

use std::io;
use std::time::Instant;

use super::super::events::{At, Events, Reason};
use super::super::identity::{Fingerprint, HEAD};
use super::super::open::{is_plain, last_line_end, read_head};
use super::super::set::Found;
use super::tracked::{FileId, Tracked};
use super::{LOOK, SECOND_LOOK, Start, Stream, Trouble};

/// What a found file turned out to be.
enum Is {
    /// One that is known, by its place in `files`.
    Known(usize),
    /// A copy of one that is known and still there.
    Copy,
    /// Another.
    New(Vec<u8>),
}

impl Stream {
    /// Looks at the directory if it is time to; `false` when it cannot be read.
    pub(super) fn look_if_due(&mut self, now: Instant, events: &mut dyn Events) -> bool {
        let wait = if self.waits_for_a_look() { SECOND_LOOK } else { LOOK };
        if self.looked.is_some_and(|looked| now < looked + wait) {
            return true;
        }
        match self.look(now, events) {
            Ok(()) => true,
            // A file was renamed or deleted while it was looked at.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.looked = None;
                false
            }
            Err(error) => {
                let path = self.set.live().to_owned();
                self.postpone(now, Trouble::Directory, &error, &path, events);
                false
            }
        }
    }

    fn look(&mut self, now: Instant, events: &mut dyn Events) -> io::Result<()> {
        let found = self.set.look()?;
        let is = self.identify(&found)?;
        let old_live = self.files.iter().find(|file| file.live).map(|file| file.id);
        let first_known = is.iter().position(|is| matches!(is, Is::Known(_))).unwrap_or(0);
        let mut order = Vec::with_capacity(found.len());
        for (place, (found, is)) in found.iter().zip(is).enumerate() {
            let index = match is {
                Is::Copy => continue,
                Is::Known(index) => index,
                Is::New(head) => {
                    let index = self.add(found, &head, &order);
                    let older = self.resumed && self.older_done && place < first_known;
                    if older || self.start == Some(Start::End) {
                        skip(&mut self.files[index], found, now)?;
                    }
                    index
                }
            };
            self.see(index, found, now, events)?;
            order.push(self.files[index].id);
        }
        self.miss(now, &order, events);
        self.sort(&order);
        self.tell_rotation(old_live, events);
        if self.start.take() == Some(Start::End) {
            self.older_done = true;
            self.skipped = true;
        }
        self.looked = Some(now);
        let known: u64 = self.files.iter().map(|file| file.mark.size).sum();
        self.meter.read(self.gone_bytes + known, now);
        self.recovered(Trouble::Directory, events);
        Ok(())
    }

    /// The place of a file that is not known by its content: one that had no content yet may be known by where it is kept.
    fn add(&mut self, found: &Found, head: &[u8], order: &[FileId]) -> usize {
        let blank = self.files.iter().position(|file| {
            file.mark.offset == 0
                && found.key.is_some()
                && file.mark.key == found.key
                && !order.contains(&file.id)
        });
        if let Some(index) = blank {
            self.files[index].mark.head = Fingerprint::of(head);
            return index;
        }
        let id = self.new_id();
        self.files.push(Tracked::new(id, found, head));
        self.files.len() - 1
    }

    /// Takes over what was found of a known file.
    fn see(&mut self, index: usize, found: &Found, now: Instant, events: &mut dyn Events) -> io::Result<()> {
        let file = &mut self.files[index];
        if file.verified && file.present && !file.differs(found) {
            let compressed = file.compressed;
            file.seen(found, compressed, now);
            return Ok(());
        }
        let compressed = is_compressed_now(found)?;
        if !compressed && file.verified && !file.live && !found.live && file.mark.offset == file.len {
            let at = At { stream: self.set.live(), file: &found.path, offset: file.mark.offset };
            events.late(at);
        }
        if (file.mark.head.len as usize) < HEAD {
            let head = read_head(&found.path).unwrap_or_default();
            if file.mark.head.begins(&head) {
                file.mark.head = Fingerprint::of(&head);
            }
        }
        file.seen(found, compressed, now);
        Ok(())
    }

    /// What each found file is. Content decides; where a file is kept only saves a look into it.
    fn identify(&mut self, found: &[Found]) -> io::Result<Vec<Is>> {
        let mut is: Vec<Option<Is>> = Vec::with_capacity(found.len());
        let mut taken = vec![false; self.files.len()];
        for one in found {
            let mut same = None;
            for index in 0..self.files.len() {
                if !taken[index] && self.is_kept_at(index, one) && self.is_same(index, one)? {
                    same = Some(index);
                    break;
                }
            }
            is.push(same.map(|index| {
                taken[index] = true;
                Is::Known(index)
            }));
        }
        for (is, one) in is.iter_mut().zip(found) {
            if is.is_none() {
                *is = Some(self.identify_by_content(one, &mut taken)?);
            }
        }
        Ok(is.into_iter().flatten().collect())
    }

    /// Whether a file is kept where the known one was; where nobody says, whether it is called so.
    fn is_kept_at(&self, index: usize, found: &Found) -> bool {
        let mark = &self.files[index].mark;
        if found.key.is_some() { mark.key == found.key } else { mark.path == found.path }
    }

    /// Whether a file that is kept where a known one was is that one: the place of a deleted file is used again.
    fn is_same(&self, index: usize, found: &Found) -> io::Result<bool> {
        let file = &self.files[index];
        // An open file keeps its place, and whether it was cut is seen at its end.
        if self.current() == Some(file.id) || file.verified && !file.differs(found) {
            return Ok(true);
        }
        // Nothing was read of it: it is what it is by now.
        if file.mark.offset == 0 && (file.mark.head.len as usize) < HEAD {
            return Ok(found.live);
        }
        let head = match read_head(&found.path) {
            Ok(head) => head,
            // Opening it will say what is wrong.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        let is_long_enough = found.len >= file.mark.offset || is_compressed_now(found)?;
        Ok(file.mark.head.begins(&head) && is_long_enough)
    }

    fn identify_by_content(&self, found: &Found, taken: &mut [bool]) -> io::Result<Is> {
        let head = match read_head(&found.path) {
            Ok(head) => head,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            Err(_) => Vec::new(),
        };
        let compressed = is_compressed_now(found)?;
        let fits = |file: &Tracked| {
            let begins = file.mark.head.len > 0 && file.mark.head.begins(&head);
            begins && (compressed || found.len >= file.mark.offset)
        };
        let mut copy = false;
        for (index, _) in self.files.iter().enumerate().filter(|(_, file)| fits(file)) {
            if !taken[index] {
                taken[index] = true;
                return Ok(Is::Known(index));
            }
            copy = true;
        }
        Ok(if copy { Is::Copy } else { Is::New(head) })
    }

    /// Files that are known and were not found: gone, once a second look has not found them either.
    fn miss(&mut self, now: Instant, order: &[FileId], events: &mut dyn Events) {
        let current = self.current();
        let mut gone = Vec::new();
        for file in self.files.iter_mut().filter(|file| !order.contains(&file.id)) {
            (file.present, file.live) = (false, false);
            if current == Some(file.id) {
                continue;
            }
            match file.missing {
                None => file.missing = Some(now),
                Some(since) if now >= since + SECOND_LOOK => gone.push(file.id),
                Some(_) => {}
            }
        }
        for id in gone {
            let Some(index) = self.files.iter().position(|file| file.id == id) else { continue };
            let file = self.files.remove(index);
            self.forgotten.push(id);
            self.gone_bytes += file.mark.size;
            self.left = Some(self.files.iter().filter(|file| file.present && !file.live).count() as u64);
            // Of a file that was committed before this process began, and is gone with the offset in it, nobody knows what
            // followed.
            let has_followers = self.files.iter().any(|file| file.present && file.id > self.newest_mark);
            if file.unread() > 0 || file.compressed && !file.finished {
                self.gap(&file.mark, file.unread(), Reason::Deleted, events);
            } else if id == self.newest_mark && !file.verified && has_followers {
                self.gap(&file.mark, 0, Reason::Missing, events);
            }
        }
        if !self.waits_for_a_look() {
            self.resumed = false;
        }
    }

    /// Puts the files that were found in order, behind those that were not: these are older or will be gone.
    fn sort(&mut self, order: &[FileId]) {
        let place = |id: FileId| order.iter().position(|other| *other == id);
        self.files.sort_by_key(|file| place(file.id).map_or(0, |place| place + 1));
    }

    fn tell_rotation(&mut self, old_live: Option<FileId>, events: &mut dyn Events) {
        let Some(file) = self.files.iter().find(|file| Some(file.id) == old_live) else { return };
        if file.present && !file.live {
            self.counters.rotations += 1;
            let at = At { stream: self.set.live(), file: &file.mark.path, offset: file.mark.offset };
            events.rotated(at);
        }
    }
}

/// Passes over what stands in a file, up to a line that has no end yet.
fn skip(file: &mut Tracked, found: &Found, now: Instant) -> io::Result<()> {
    if is_compressed_now(found)? {
        file.seen(found, true, now);
        file.finished = true;
        file.mark.offset = file.mark.size;
        return Ok(());
    }
    let (offset, before) = last_line_end(&found.path, found.len)?;
    file.mark.offset = offset;
    file.mark.marker = Fingerprint::of(&before);
    Ok(())
}

fn is_compressed_now(found: &Found) -> io::Result<bool> {
    match std::fs::File::open(&found.path) {
        Ok(file) => Ok(!is_plain(&file, &found.path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => Ok(crate::input::discover::is_compressed(&found.path)),
    }
}
