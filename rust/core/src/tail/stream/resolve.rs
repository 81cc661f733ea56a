//! A look at the directory: which file is which, by its content; what is new, what is gone, and in what order.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use super::super::events::{At, Events, Reason};
use super::super::identity::{Fingerprint, HEAD};
use super::super::open::{last_line_end, read_head};
use super::super::set::Found;
use super::identify::{Is, is_compressed_now};
use super::tracked::{FileId, Tracked};
use super::{LOOK, SECOND_LOOK, Start, Stream, Trouble};

/// So many files cost more to look at than to ask whether their directory has changed.
const MANY: usize = 256;

/// How often many files are looked at all the same: an old one may have grown.
const FULL_LOOK: Duration = Duration::from_secs(10);

/// The files that a look has found, in order.
#[derive(Default)]
struct Order {
    places: HashMap<FileId, usize>,
    newest: Option<FileId>,
}

impl Order {
    fn push(&mut self, id: FileId) {
        self.places.insert(id, self.places.len());
        self.newest = Some(id);
    }

    fn has(&self, id: FileId) -> bool {
        self.places.contains_key(&id)
    }
}

impl Stream {
    /// Looks at the directory if it is time to; `false` when it cannot be read.
    pub(super) fn look_if_due(&mut self, now: Instant, events: &mut dyn Events) -> bool {
        let wait = if self.waits_for_a_look() { SECOND_LOOK } else { LOOK };
        if self.looked.is_some_and(|looked| now < looked + wait) {
            return true;
        }
        let stamp = self.set.stamp();
        if self.is_as_it_was(stamp.as_ref(), now) {
            self.looked = Some(now);
            return true;
        }
        match self.look(now, events) {
            Ok(()) => {
                self.listed = stamp.map(|stamp| (stamp, now));
                true
            }
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

    /// Whether many files need not be looked at again: no file came or went.
    fn is_as_it_was(&self, stamp: Option<&Vec<SystemTime>>, now: Instant) -> bool {
        let is_known =
            |(known, listed): &(Vec<SystemTime>, Instant)| stamp == Some(known) && now < *listed + FULL_LOOK;
        self.files.len() >= MANY && !self.waits_for_a_look() && self.listed.as_ref().is_some_and(is_known)
    }

    fn look(&mut self, now: Instant, events: &mut dyn Events) -> io::Result<()> {
        let found = self.set.look()?;
        let is = self.identify(&found)?;
        let old_live = self.files.iter().find(|file| file.live).map(|file| file.id);
        let first_known = is.iter().position(|is| matches!(is, Is::Known(_))).unwrap_or(0);
        let mut order = Order::default();
        for (place, (found, is)) in found.iter().zip(is).enumerate() {
            let index = match is {
                Is::Copy => continue,
                Is::Known(index) => index,
                Is::New(head) => {
                    let index = self.add(found, &head, &order);
                    let is_older = self.resumed && self.older_done && place < first_known;
                    if is_older || self.start == Some(Start::End) {
                        skip(&mut self.files[index], found, now)?;
                        self.files[index].began = self.files[index].mark.offset;
                    }
                    index
                }
            };
            self.see(index, found, now, events)?;
            order.push(self.files[index].id);
        }
        self.drop_absorbed(&found, &order);
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
        self.news = true;
        Ok(())
    }

    /// The place of a file that is not known by its content: one that had no content yet may be known by where it is kept.
    fn add(&mut self, found: &Found, head: &[u8], order: &Order) -> usize {
        let blank = self.files.iter().position(|file| {
            let is_kept_there = found.key.is_some() && file.mark.key == found.key && !order.has(file.id);
            is_kept_there && file.mark.offset == 0 && file.mark.head.begins(head)
        });
        if let Some(index) = blank {
            self.files[index].mark.head = Fingerprint::telling(head);
            return index;
        }
        let id = self.new_id();
        self.files.push(Tracked::new(id, found, head));
        self.files.len() - 1
    }

    /// Takes over what was found of a known file.
    fn see(&mut self, index: usize, found: &Found, now: Instant, events: &mut dyn Events) -> io::Result<()> {
        let is_current = self.current() == Some(self.files[index].id);
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
                file.mark.head = Fingerprint::telling(&head);
            }
        }
        if !compressed && !is_current && found.len < file.mark.size {
            // A copy has less than the file had before it was cut.
            let mut mark = file.mark.clone();
            file.mark.size = found.len;
            let lost = mark.size - found.len;
            mark.offset = found.len;
            self.gap(&mark, lost, mark.head.len > 0, Reason::Truncated, events);
        }
        let file = &mut self.files[index];
        // Whether the open file is still what was read is compared before its new size is believed.
        let size = file.mark.size;
        file.seen(found, compressed, now);
        if is_current {
            file.mark.size = size;
        }
        Ok(())
    }

    /// What was taken for the beginning of a file of its own, and turned out to be that of a copy.
    fn drop_absorbed(&mut self, found: &[Found], order: &Order) {
        let is_absorbed = |file: &Tracked| {
            if file.mark.offset > 0 || order.has(file.id) {
                return false;
            }
            let place = found.iter().find(|one| one.key.is_some() && one.key == file.mark.key);
            place.is_some_and(|one| read_head(&one.path).is_ok_and(|head| file.mark.head.begins(&head)))
        };
        let absorbed: Vec<FileId> =
            self.files.iter().filter(|file| is_absorbed(file)).map(|file| file.id).collect();
        self.files.retain(|file| !absorbed.contains(&file.id));
        self.forgotten.extend(absorbed);
    }

    /// Files that are known and were not found: gone, once a second look has not found them either.
    fn miss(&mut self, now: Instant, order: &Order, events: &mut dyn Events) {
        let current = self.current();
        let newest = self.newest;
        self.newest = order.newest.unwrap_or(newest);
        let has_followers = order.places.keys().any(|id| *id > newest);
        let mut gone = Vec::new();
        for file in self.files.iter_mut().filter(|file| !order.has(file.id)) {
            (file.present, file.live) = (false, false);
            file.lost_track |= file.id == newest && has_followers;
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
            if file.unread() > 0 || file.compressed && !file.finished {
                // A file that nothing tells from others may stand elsewhere.
                let certain = file.mark.head.len > 0;
                self.gap(&file.mark, file.unread(), certain, Reason::Deleted, events);
            } else if file.lost_track {
                self.gap(&file.mark, 0, false, Reason::Missing, events);
            }
        }
        if !self.waits_for_a_look() {
            self.resumed = false;
        }
    }

    /// Puts the files that were found in order, behind those that were not: these are older or will be gone.
    fn sort(&mut self, order: &Order) {
        self.files.sort_by_key(|file| order.places.get(&file.id).map_or(0, |place| place + 1));
    }

    /// The file that was live is not any more; others may have come and gone the same way since the last look.
    fn tell_rotation(&mut self, old_live: Option<FileId>, events: &mut dyn Events) {
        let since: Vec<&Tracked> = self
            .files
            .iter()
            .skip_while(|file| Some(file.id) != old_live)
            .take_while(|file| !file.live)
            .collect();
        if !since.first().is_some_and(|file| file.present) {
            return;
        }
        for file in since {
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
    file.mark.marker = Fingerprint::telling(&before);
    Ok(())
}
