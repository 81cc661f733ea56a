//! Logs that are followed, as batches with offsets that move when they are acknowledged: the one place that knows the
//! tailer, the reader and the checkpoint.

mod ahead;
mod delivered;
mod journal;
mod lane;
mod ledger;
mod options;
mod standing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::{self, Store, Trust};
use crate::input::discover::SourceError;
use crate::tail::events::{At, Gap};
use crate::tail::set::{Set, sets};
use crate::tail::stream::{Start, Stream};
use crate::tail::watch::{Waker, Watch, Woken};
use arrow_array::RecordBatch;

pub use delivered::{Delivered, Next};
pub use journal::Happened;
use journal::Journal;
use lane::{Lane, Read};
use ledger::to_resume;
pub use ledger::{Ledger, Receipt};
pub use options::{FollowError, Options};
pub use standing::Standing;

/// How often what cannot wait is tried again.
const SOON: Duration = Duration::from_millis(20);

/// How often a log that is being written is read: so often that most of a batch's age is waiting and not reading, since
/// each time costs something, and what was not read yet is lost when the file is cut.
const MOST_OFTEN: Duration = Duration::from_millis(20);
const LEAST_OFTEN: Duration = Duration::from_millis(250);

/// How long a log counts as being written after its last byte.
const ACTIVE: Duration = Duration::from_secs(1);

/// How often a quiet log is read that something watches, and one that nothing does.
const WATCHED: Duration = Duration::from_secs(1);
const UNWATCHED: Duration = Duration::from_millis(100);

/// How soon to ask again while other threads read.
const BUSY: Duration = Duration::from_millis(1);

/// How long other threads are waited for at a time, where no other log waits: no signal ends that.
const BUSY_ALONE: Duration = Duration::from_millis(50);

/// How often patterns and directories are searched for new logs.
const SEARCH: Duration = Duration::from_secs(1);

/// Logs that are followed.
pub struct Follow {
    options: Options,
    lanes: Vec<Lane>,
    ledger: Arc<Ledger>,
    journal: Journal,
    watch: Watch,
    /// Whether a log without a mark is read from its beginning whatever was asked for: its marks were lost.
    distrusts: bool,
    /// Whether the logs that were there at the beginning were found.
    began: bool,
    /// When patterns were last searched.
    searched: Instant,
    /// Nothing is read before that, unless something wakes.
    rest_until: Option<Instant>,
    /// Until when logs count as being written.
    active_until: Instant,
    /// The log whose turn it is.
    turn: usize,
}

impl Follow {
    /// Takes the lock on the state and finds the logs.
    ///
    /// # Errors
    /// The state is locked or cannot be read; a pattern is none; or nothing is there and nothing is waited for.
    pub fn new(options: Options) -> Result<Self, FollowError> {
        let now = Instant::now();
        let mut journal = Journal::default();
        let mut distrusts = false;
        let resumed = options.resume.as_deref().map(checkpoint::resumed).transpose()?;
        let is_told = resumed.is_some();
        let ledger = match &options.state {
            None => Ledger::new(None, resumed.unwrap_or_default()),
            Some(dir) => {
                let (store, loaded) = Store::open(dir)?;
                // What it says is of no account beside a checkpoint, and so are its faults.
                distrusts = loaded.trust == Trust::Lost && !is_told;
                for alarm in loaded.alarms.into_iter().filter(|_| !is_told) {
                    journal.add("state", At { stream: dir, file: &alarm.path, offset: 0 }, alarm.message);
                }
                Ledger::new(Some(store), resumed.unwrap_or(loaded.state))
            }
        };
        let mut follow = Self {
            options,
            lanes: Vec::new(),
            ledger: Arc::new(ledger),
            journal,
            watch: Watch::new(),
            distrusts,
            began: false,
            searched: now,
            rest_until: None,
            active_until: now + ACTIVE,
            turn: 0,
        };
        follow.search(now)?;
        follow.began = true;
        if is_told {
            follow.ledger.save_now()?;
        }
        follow.require_something()?;
        Ok(follow)
    }

    /// The acknowledgements.
    #[must_use]
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// Ends a wait from another thread.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.watch.waker()
    }

    /// The next batch, waiting for it no longer than `patience`. [`Next::Pending`] may come sooner: when somebody or a
    /// signal ends the wait, and when there is nothing to do in the time that is left.
    ///
    /// # Errors
    /// The state cannot be written where a log begins at its end.
    pub fn next(&mut self, patience: Duration) -> Result<Next, FollowError> {
        let mut now = Instant::now();
        let deadline = now + patience;
        if !self.rests(now, deadline) {
            return Ok(Next::Pending);
        }
        loop {
            now = Instant::now();
            match self.try_next(now, deadline.saturating_duration_since(now))? {
                Next::Pending => {}
                next => return Ok(next),
            }
            let until = self.next_poll(now);
            self.rest_until = Some(until);
            // Whoever asks again waits until then: the time up to the deadline is not worth getting up for.
            let waited = self.lanes.len() == 1 && self.is_busy();
            if waited || until >= deadline || !self.rests(now, deadline) {
                return Ok(Next::Pending);
            }
        }
    }

    /// The next batch that is there at this moment, without a wait but for files that are read on other threads.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn try_next(&mut self, now: Instant, patience: Duration) -> Result<Next, FollowError> {
        if now >= self.searched + SEARCH {
            self.search(now)?;
        }
        if let Some(delivered) = self.poll(now, patience)? {
            return Ok(Next::Batch(Box::new(delivered)));
        }
        if !self.options.follow {
            self.require_readable()?;
        }
        let drained = !self.options.follow && self.lanes.iter().all(Lane::is_drained);
        Ok(if drained { Next::End } else { Next::Pending })
    }

    /// What was lost.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.lanes.iter().flat_map(|lane| lane.stream.gaps().iter().cloned()).collect()
    }

    /// The newest things that happened.
    #[must_use]
    pub fn events(&self) -> Vec<Happened> {
        self.journal.newest().cloned().collect()
    }

    /// Waits for the next time to read, but not beyond the deadline; answers whether it has come.
    fn rests(&mut self, now: Instant, deadline: Instant) -> bool {
        let Some(until) = self.rest_until else { return true };
        let most = until.min(deadline).saturating_duration_since(now);
        let woken = if most.is_zero() { Woken::Time } else { self.watch.wait(most) };
        match woken {
            Woken::Time if until > deadline => return false,
            Woken::Time => {}
            Woken::Signal => return false,
            Woken::Somebody => {
                self.lanes.iter_mut().for_each(|lane| lane.stream.look_soon());
                self.rest_until = None;
                return false;
            }
        }
        self.rest_until = None;
        true
    }

    /// Asks one log after the other, beginning behind the one that gave the last batch.
    fn poll(&mut self, now: Instant, patience: Duration) -> Result<Option<Delivered>, FollowError> {
        let alone = self.lanes.len() == 1;
        for step in 0..self.lanes.len() {
            let index = (self.turn + step) % self.lanes.len();
            let lane = &mut self.lanes[index];
            let patience = if alone { patience.min(BUSY_ALONE) } else { Duration::ZERO };
            let read = lane.poll(now, patience, &mut self.journal);
            self.ledger.forget(index, lane.stream.take_forgotten());
            if lane.take_skipped() {
                // A file of unknown length without an offset is older than those with one.
                let marks = lane.stream.marks().filter(|(_, mark)| mark.offset > 0);
                self.ledger.begin(index, marks, lane.stream.older_done());
                self.ledger.save_now()?;
            }
            if let Some(files) = lane.stream.take_news() {
                self.ledger.know(index, files);
            }
            if let Some(read) = read {
                self.turn = index;
                self.active_until = now + ACTIVE;
                self.watch.disarm();
                return Ok(Some(self.deliver(index, read)));
            }
        }
        self.turn = (self.turn + 1) % self.lanes.len().max(1);
        Ok(None)
    }

    fn deliver(&mut self, index: usize, read: Read) -> Delivered {
        let Read { step, id, path, start, mark } = read;
        let stream = &self.lanes[index].stream;
        let receipt = self.ledger.hand_out(index, id, &mark, start);
        let empty = || RecordBatch::new_empty(self.options.read.selection.schema());
        Delivered {
            batch: step.batch.unwrap_or_else(empty),
            account: step.account,
            stream: stream.live().to_owned(),
            file: path,
            start,
            end: step.reached.offset,
            lag: stream.lag(),
            receipt,
        }
    }

    /// When to read next: soon while a log is being written, else when something wakes us, or after a while.
    fn next_poll(&mut self, now: Instant) -> Instant {
        if self.lanes.iter().any(|lane| lane.moved) {
            self.active_until = now + ACTIVE;
        }
        let due = self.lanes.iter().filter_map(Lane::due).min();
        if self.is_busy() {
            return now + BUSY;
        }
        let rest = if !self.options.follow {
            SOON
        } else if now < self.active_until {
            self.watch.disarm();
            interval(self.options.age)
        } else if !self.watch.is_armed() {
            let directories: Vec<PathBuf> =
                self.lanes.iter().flat_map(|lane| lane.stream.directories()).collect();
            self.watch.arm(directories.iter().map(PathBuf::as_path));
            // What was written before the watch began wakes nobody.
            return if self.watch.is_armed() { now } else { now + UNWATCHED };
        } else {
            WATCHED
        };
        let soonest = if self.lanes.iter().any(|lane| lane.stream.is_unsettled()) { SOON } else { rest };
        due.map_or(now + soonest, |due| due.min(now + soonest))
    }

    /// Whether work on other threads is under way.
    fn is_busy(&self) -> bool {
        self.lanes.iter().any(Lane::is_busy)
    }

    /// Finds logs that are not followed yet.
    fn search(&mut self, now: Instant) -> Result<(), FollowError> {
        self.searched = now;
        let mut found: Vec<Set> = Vec::new();
        for spec in &self.options.specs {
            let sets = sets(spec, self.options.backups.as_ref())?;
            for set in sets.into_iter().filter(|set| !self.options.excludes(set.live())) {
                match found.iter_mut().find(|known| known.live() == set.live()) {
                    Some(known) => known.merge(set),
                    None => found.push(set),
                }
            }
        }
        for set in found {
            match self.lanes.iter_mut().find(|lane| lane.stream.live() == set.live()) {
                Some(lane) => lane.stream.set_mut().merge(set),
                None => self.follow(set, now),
            }
        }
        Ok(())
    }

    fn follow(&mut self, set: Set, now: Instant) {
        let Options { follow, start, read, age, threads, .. } = &self.options;
        let known = self.ledger.open(key(set.live()));
        // A log that appears later was written since we began.
        let start = if self.distrusts || self.began { Start::Beginning } else { *start };
        let stream = Stream::new(set, *follow, start, known.map(to_resume));
        let index = self.lanes.len();
        self.ledger.begin(index, stream.marks(), stream.older_done());
        self.lanes.push(Lane::new(stream, read, *age, *threads, now));
    }

    /// Reading what is there does not wait for a directory that cannot be read.
    fn require_readable(&self) -> Result<(), FollowError> {
        let unreadable =
            self.lanes.iter().find_map(|lane| Some((&lane.stream, lane.stream.lasting_trouble()?)));
        let Some((stream, why)) = unreadable else { return Ok(()) };
        let (path, source) = (stream.live().to_owned(), std::io::Error::other(why.to_owned()));
        Err(SourceError::Io { path, source }.into())
    }

    /// Reading what is there needs something to be there.
    fn require_something(&self) -> Result<(), FollowError> {
        let is_there = |lane: &Lane| lane.stream.is_there();
        if self.options.follow || self.lanes.iter().any(is_there) {
            return Ok(());
        }
        let path = PathBuf::from(self.options.specs.join(", "));
        Err(SourceError::NotFound { path }.into())
    }
}

/// How often a log that is being written is read, so that its lines are in batches of an age.
fn interval(age: Duration) -> Duration {
    (age / 4).clamp(MOST_OFTEN, LEAST_OFTEN)
}

/// The name of a log in the state.
fn key(live: &Path) -> String {
    std::path::absolute(live).unwrap_or_else(|_| live.to_owned()).to_string_lossy().into_owned()
}
