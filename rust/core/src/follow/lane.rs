//! One log on its way to batches.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::reader::{Options, Reader, Step};
use crate::stats::{Outcome, Outcomes};
use crate::tail::events::Events;
use crate::tail::stream::{AfterError, AtEnd, FileId, Mark, Segment, Stream};

use super::ahead::{Ahead, Did};
use super::interval;

/// A step that was read of a file.
pub(super) struct Read {
    pub(super) step: Step,
    pub(super) id: FileId,
    /// The file as it was called.
    pub(super) path: PathBuf,
    /// Where the step begins in it.
    pub(super) start: u64,
    /// What to commit.
    pub(super) mark: Mark,
}

/// The file that is being read.
struct Reading {
    id: FileId,
    path: PathBuf,
    /// Up to where its steps were handed out.
    start: u64,
    /// How far it was read when its end was last asked about.
    asked_at: u64,
    /// Whether reading has rested since.
    rested: bool,
}

/// A log, its reader, and what is ready of it.
pub(super) struct Lane {
    pub(super) stream: Stream,
    reader: Reader,
    reading: Option<Reading>,
    /// Finished files that are read side by side.
    ahead: Option<Ahead>,
    /// A file that could not be read to its end side by side with others.
    stuck: Option<FileId>,
    ready: VecDeque<Read>,
    /// Since when rows may have been waiting for their batch.
    since: Option<Instant>,
    /// When the log was last polled, and when before that.
    polled: [Instant; 2],
    age: Duration,
    options: Options,
    threads: usize,
    /// Counts of all that was handed out.
    pub(super) outcomes: Outcomes,
    /// Whether bytes came at the last poll.
    pub(super) moved: bool,
    pub(super) began: Instant,
}

impl Lane {
    pub(super) fn new(
        stream: Stream,
        options: &Options,
        age: Duration,
        threads: usize,
        now: Instant,
    ) -> Self {
        Self {
            stream,
            reader: Reader::new(options.clone()),
            reading: None,
            ahead: None,
            stuck: None,
            ready: VecDeque::new(),
            since: None,
            polled: [now; 2],
            age,
            options: options.clone(),
            threads,
            outcomes: Outcomes::default(),
            moved: false,
            began: now,
        }
    }

    /// The next step, if there is one now. `patience` is for files that are read on other threads.
    pub(super) fn poll(&mut self, now: Instant, patience: Duration, events: &mut dyn Events) -> Option<Read> {
        self.moved = false;
        self.polled = [now, self.polled[0]];
        self.stream.keep_looking(now, events);
        if let Some(reading) = &mut self.reading {
            reading.rested = true;
        }
        loop {
            if let Some(read) = self.ready.pop_front() {
                self.moved = true;
                self.outcomes.merge(&read.step.account.outcomes);
                return Some(read);
            }
            let goes_on = if self.ahead.is_some() {
                self.poll_ahead(patience)
            } else if self.reading.is_none() {
                self.begin(now, events)
            } else {
                self.read_on(now, events)
            };
            if !goes_on && self.ready.is_empty() {
                return None;
            }
        }
    }

    /// When rows that wait for their batch are old enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + self.age)
    }

    /// Whether work on other threads is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.ahead.is_some()
    }

    /// Whether everything that is there was handed out.
    pub(super) fn is_drained(&self) -> bool {
        self.ready.is_empty() && self.ahead.is_none() && self.reading.is_none() && self.stream.is_drained()
    }

    /// Whether what was there was passed over just now.
    pub(super) fn take_skipped(&mut self) -> bool {
        self.stream.take_skipped()
    }

    /// Lines of all outcomes.
    pub(super) fn lines(&self) -> u64 {
        Outcome::ALL.into_iter().map(|outcome| self.outcomes.total(outcome).lines).sum()
    }

    /// Begins the next file, or several.
    fn begin(&mut self, now: Instant, events: &mut dyn Events) -> bool {
        if self.threads > 1 {
            let places = self.stream.closed_places(now, events);
            if places.first().is_some_and(|(id, _)| self.stuck != Some(*id)) {
                self.ahead = Some(Ahead::start(places, &self.options, self.threads));
                return true;
            }
        }
        let Some(segment) = self.stream.next_segment(now, events) else { return false };
        let Segment { id, path, offset, input } = segment;
        self.reader.follow(input, &path.to_string_lossy(), offset);
        self.reading = Some(Reading { id, path, start: offset, asked_at: u64::MAX, rested: false });
        true
    }

    fn read_on(&mut self, now: Instant, events: &mut dyn Events) -> bool {
        if self.reading.as_mut().is_some_and(|reading| std::mem::take(&mut reading.rested)) {
            let (offset, waiting) = self.reader.position();
            if let Some(end) = self.stream.before_reading(offset, waiting, now, events) {
                return self.leave(end == AtEnd::Cut);
            }
        }
        match self.reader.poll_step() {
            Ok(Some(step)) => {
                self.hand_out(step);
                self.since = self.reader.has_rows().then_some(now);
                true
            }
            Ok(None) => self.at_end(now, events),
            Err(error) => {
                match self.stream.failed(&error, now, events) {
                    AfterError::Retry => self.close_batch(),
                    AfterError::GiveUp => {
                        self.reader.fail(&error);
                        self.drain();
                    }
                }
                self.end();
                false
            }
        }
    }

    /// The file has no more now. Answers whether there is something to go on with.
    fn at_end(&mut self, now: Instant, events: &mut dyn Events) -> bool {
        let (offset, waiting) = self.reader.position();
        let Some(reading) = &mut self.reading else { return false };
        self.moved |= std::mem::replace(&mut reading.asked_at, offset + waiting) != offset + waiting;
        if self.reader.has_rows() {
            // They may have been written right after the last poll.
            let earliest = now.checked_sub(interval(self.age)).unwrap_or(now);
            self.since.get_or_insert(self.polled[1].max(earliest));
        }
        match self.stream.at_end(offset, waiting, now, events) {
            AtEnd::More => {
                if self.moved {
                    return true;
                }
            }
            AtEnd::Stay => {}
            AtEnd::Leave | AtEnd::Moved => return self.leave(false),
            AtEnd::Finish | AtEnd::Cut => return self.leave(true),
            AtEnd::FinishEvent => {
                let whole = self.reader.waits_with_event();
                return self.leave(whole);
            }
        }
        if self.due().is_some_and(|due| now >= due) {
            self.close_batch();
            self.since = None;
            return !self.ready.is_empty();
        }
        false
    }

    /// Goes on with another file. What waits for more is over as well, or stays.
    fn leave(&mut self, over: bool) -> bool {
        if over {
            self.reader.finish();
            self.drain();
            self.stream.forget_cut();
        } else {
            self.close_batch();
        }
        self.end();
        true
    }

    fn end(&mut self) {
        self.reading = None;
        self.since = None;
    }

    fn close_batch(&mut self) {
        if let Some(step) = self.reader.close_step() {
            self.hand_out(step);
        }
    }

    /// Hands out all that is left of a file that is over.
    fn drain(&mut self) {
        while let Some(step) = self.reader.next_step() {
            self.hand_out(step);
        }
    }

    fn hand_out(&mut self, step: Step) {
        let Some(reading) = &mut self.reading else { return };
        let end = step.reached.offset;
        let start = std::mem::replace(&mut reading.start, end);
        let (id, path) = (reading.id, reading.path.clone());
        self.push(step, id, path, start);
    }

    fn push(&mut self, step: Step, id: FileId, path: PathBuf, start: u64) {
        self.stream.reached(id, step.reached.offset, &step.reached.before);
        if let Some(mark) = self.stream.mark(id).cloned() {
            self.ready.push_back(Read { step, id, path, start, mark });
        }
    }

    fn poll_ahead(&mut self, patience: Duration) -> bool {
        let Some(ahead) = &mut self.ahead else { return false };
        match ahead.next(patience) {
            Some(Did::Step { id, path, start, step }) => self.push(*step, id, path, start),
            Some(Did::File { id, whole }) => {
                if whole {
                    self.stream.complete(id);
                } else {
                    // The files behind it wait until it is seen what is wrong.
                    self.ahead = None;
                    self.stuck = Some(id);
                    self.stream.look_soon();
                }
            }
            Some(Did::All) => {
                self.ahead = None;
                self.stream.look_soon();
            }
            Some(Did::Panicked) => {
                // Whole steps were handed out: the file that did it is read on here, where the caller sees the panic.
                self.ahead = None;
                self.stuck = self.stream.first_unread();
            }
            None => return false,
        }
        true
    }
}
