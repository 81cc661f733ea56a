//! What was handed out and what was acknowledged: the offset of a file moves with the acknowledged prefix, and by nothing
//! else.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::checkpoint::{self, CheckpointError, FileMark, State, Store, StreamMark};
use crate::tail::identity::Fingerprint;
use crate::tail::stream::{FileId, Mark, Resume};

/// Most files of a log that are remembered one by one.
const REMEMBERED: usize = 1024;

/// Which batch of which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    lane: usize,
    number: u64,
}

/// Takes acknowledgements, from any thread, while others read.
#[derive(Default)]
pub struct Ledger(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// `None` when nothing is to be remembered.
    store: Option<Store>,
    lanes: Vec<Account>,
    /// Logs that an earlier run has followed and this one does not.
    others: BTreeMap<String, StreamMark>,
    /// Whether an offset moved since the state was last written.
    unsaved: bool,
    /// Whether the state was let go.
    closed: bool,
}

/// The account of one log.
#[derive(Clone)]
struct Account {
    key: String,
    /// Files in order, each with its acknowledged offset.
    files: Vec<(FileId, FileMark)>,
    older_done: bool,
    /// Batches that were handed out, without the acknowledged prefix, in order.
    pending: VecDeque<Pending>,
    /// Number of the first of `pending`.
    first: u64,
    /// Files that are gone; their marks go when nothing of them is pending.
    gone: BTreeSet<FileId>,
}

/// A batch that was handed out.
#[derive(Clone)]
struct Pending {
    id: FileId,
    mark: FileMark,
    bytes: u64,
    acknowledged: bool,
}

impl Ledger {
    /// Nothing handed out yet; `state` is what an earlier run has left.
    #[must_use]
    pub fn new(store: Option<Store>, state: State) -> Self {
        let inner = Inner { store, others: state.streams, ..Inner::default() };
        Self(Mutex::new(inner))
    }

    /// Acknowledges a batch; answers once the offset is durable, if it moved.
    ///
    /// # Errors
    /// The state cannot be written: nothing is forgotten, and the next call tries again.
    pub fn commit(&self, receipt: Receipt) -> Result<(), CheckpointError> {
        let mut inner = self.lock();
        let account = &mut inner.lanes[receipt.lane];
        // One in front of the first was acknowledged before.
        if let Some(place) = receipt.number.checked_sub(account.first)
            && let Some(pending) = account.pending.get_mut(place as usize)
        {
            pending.acknowledged = true;
        }
        let moved = account.take_prefix();
        inner.unsaved |= moved;
        inner.save()
    }

    /// Acknowledges everything that was handed out.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_all(&self) -> Result<(), CheckpointError> {
        let mut inner = self.lock();
        let moved =
            inner.lanes.iter_mut().map(Account::acknowledge_all).fold(false, |any, moved| any | moved);
        inner.unsaved |= moved;
        inner.save()
    }

    /// The state as it would be if everything that was handed out were acknowledged now, as a text for
    /// [`super::Options::resume`]: whoever keeps it together with what was handed out has both or neither.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        let inner = self.lock();
        let mut state = State { streams: inner.others.clone() };
        for account in &inner.lanes {
            let mut account = account.clone();
            account.acknowledge_all();
            state.streams.insert(account.key.clone(), account.marks());
        }
        checkpoint::text(&state)
    }

    /// Lets the state go: nothing can be acknowledged any more.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.store = None;
    }

    /// Bytes of a log that were handed out and not acknowledged.
    #[must_use]
    pub fn uncommitted(&self, lane: usize) -> u64 {
        self.lock().lanes.get(lane).map_or(0, |account| account.pending.iter().map(|one| one.bytes).sum())
    }

    /// The last place of a log that was acknowledged: a file, and its bytes; `None` before the first.
    #[must_use]
    pub fn acknowledged(&self, lane: usize) -> Option<(PathBuf, u64)> {
        let inner = self.lock();
        let place = inner.lanes.get(lane)?.files.iter().rev().find(|(_, mark)| mark.offset > 0);
        place.map(|(_, mark)| (PathBuf::from(&mark.name), mark.offset))
    }

    /// Opens the account of the next log; answers where an earlier run has come to, if one has.
    pub(super) fn open(&self, key: String) -> Option<StreamMark> {
        let mut inner = self.lock();
        let known = inner.others.remove(&key);
        inner.lanes.push(Account {
            key,
            files: Vec::new(),
            older_done: known.as_ref().is_some_and(|known| known.older_done),
            pending: VecDeque::new(),
            first: 0,
            gone: BTreeSet::new(),
        });
        known
    }

    /// Takes the marks with which a log begins: those of an earlier run, or of what is passed over.
    pub(super) fn begin<'a>(
        &self,
        lane: usize,
        marks: impl Iterator<Item = (FileId, &'a Mark)>,
        older_done: bool,
    ) {
        let mut inner = self.lock();
        let account = &mut inner.lanes[lane];
        account.files = marks.map(|(id, mark)| (id, to_file(mark))).collect();
        account.older_done = older_done;
    }

    /// Takes what is known of the files of a log now, each with where reading began in it: one that is deleted unread
    /// while nobody follows the log is missed then.
    pub(super) fn know<'a>(&self, lane: usize, files: impl Iterator<Item = (FileId, &'a Mark, u64)>) {
        let mut inner = self.lock();
        let account = &mut inner.lanes[lane];
        let places: HashMap<FileId, usize> =
            account.files.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        for (id, mark, began) in files {
            if let Some(&place) = places.get(&id) {
                let known = &mut account.files[place].1;
                let FileMark { offset, marker, .. } = *known;
                *known = FileMark { offset, marker, ..to_file(mark) };
            } else if account.files.len() < REMEMBERED {
                account.files.push((id, beginning(mark, began)));
            }
        }
    }

    /// Writes the state, as it was begun.
    pub(super) fn save_now(&self) -> Result<(), CheckpointError> {
        let mut inner = self.lock();
        inner.unsaved = true;
        inner.save()
    }

    /// A batch of a file is handed out that begins at `start`.
    pub(super) fn hand_out(&self, lane: usize, id: FileId, mark: &Mark, start: u64) -> Receipt {
        let mut inner = self.lock();
        let account = &mut inner.lanes[lane];
        if account.files.iter().all(|(known, _)| *known != id) {
            account.files.push((id, beginning(mark, start)));
        }
        let mark = to_file(mark);
        let number = account.first + account.pending.len() as u64;
        let bytes = mark.offset.saturating_sub(start);
        account.pending.push_back(Pending { id, mark, bytes, acknowledged: false });
        Receipt { lane, number }
    }

    /// Files are gone for good.
    pub(super) fn forget(&self, lane: usize, ids: Vec<FileId>) {
        if ids.is_empty() {
            return;
        }
        let mut inner = self.lock();
        let account = &mut inner.lanes[lane];
        account.gone.extend(ids);
        account.drop_gone();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Acknowledges everything that was handed out; answers whether an offset moved.
    fn acknowledge_all(&mut self) -> bool {
        self.pending.iter_mut().for_each(|pending| pending.acknowledged = true);
        self.take_prefix()
    }

    /// What is kept of it.
    fn marks(&self) -> StreamMark {
        let files = self.files.iter().map(|(_, mark)| mark.clone()).collect();
        StreamMark { files, older_done: self.older_done }
    }

    /// Moves the offsets to the end of the acknowledged prefix; answers whether there was one.
    fn take_prefix(&mut self) -> bool {
        let mut moved = false;
        while self.pending.front().is_some_and(|pending| pending.acknowledged)
            && let Some(pending) = self.pending.pop_front()
        {
            self.first += 1;
            moved = true;
            let known = self.files.iter_mut().find(|(id, _)| *id == pending.id);
            match known {
                // What the file is called by now is known better than when the batch was read.
                Some((_, mark)) => (mark.offset, mark.marker) = (pending.mark.offset, pending.mark.marker),
                None => self.files.push((pending.id, pending.mark)),
            }
        }
        if moved {
            self.drop_gone();
        }
        moved
    }

    fn drop_gone(&mut self) {
        let Self { files, pending, gone, .. } = self;
        gone.retain(|id| {
            let waits = pending.iter().any(|pending| pending.id == *id);
            if !waits {
                files.retain(|(known, _)| known != id);
            }
            waits
        });
        // Only what was read to its end, and all that is older, is older and done.
        while files.len() > REMEMBERED
            && let Some((id, oldest)) = files.first()
            && oldest.offset >= oldest.size
            && pending.iter().all(|pending| pending.id != *id)
        {
            files.remove(0);
            self.older_done = true;
        }
    }
}

impl Inner {
    fn save(&mut self) -> Result<(), CheckpointError> {
        if !self.unsaved {
            return Ok(());
        }
        if self.closed {
            return Err(CheckpointError::Closed);
        }
        if let Some(store) = &mut self.store {
            let mut state = State { streams: self.others.clone() };
            for account in &self.lanes {
                state.streams.insert(account.key.clone(), account.marks());
            }
            store.save(&state)?;
        }
        self.unsaved = false;
        Ok(())
    }
}

/// The mark of a file of which nothing behind `offset` was acknowledged.
fn beginning(mark: &Mark, offset: u64) -> FileMark {
    let marker = if mark.offset == offset { mark.marker } else { Fingerprint::default() };
    FileMark { offset, marker, ..to_file(mark) }
}

fn to_file(mark: &Mark) -> FileMark {
    FileMark {
        name: mark.path.to_string_lossy().into_owned(),
        key: mark.key,
        head: mark.head,
        offset: mark.offset,
        marker: mark.marker,
        size: mark.size,
    }
}

pub(super) fn to_resume(known: StreamMark) -> Resume {
    let mark = |file: FileMark| Mark {
        path: PathBuf::from(file.name),
        key: file.key,
        head: file.head,
        offset: file.offset,
        marker: file.marker,
        size: file.size,
    };
    Resume { marks: known.files.into_iter().map(mark).collect(), older_done: known.older_done }
}
