//! Finished files read side by side, their steps in the order of the log.

use std::path::PathBuf;
use std::time::Duration;

use crate::reader::ordered::{Emit, Next, Ordered};
use crate::reader::{Options, Reader, Step};
use crate::tail::Place;
use crate::tail::stream::FileId;

/// Most bytes of input in a batch: each thread holds a few.
const MOST_BYTES: usize = 16 << 20;

/// What was done.
pub(super) enum Did {
    /// A step of a file.
    Step { id: FileId, path: PathBuf, start: u64, step: Box<Step> },
    /// A file was read: to its end, or it could not be, or something waits at its end.
    File { id: FileId, whole: bool },
    /// All of them.
    All,
}

/// Files that are read on several threads.
pub(super) struct Ahead(Ordered<Did>);

impl Ahead {
    pub(super) fn start(places: Vec<(FileId, Place)>, options: &Options, threads: usize) -> Self {
        let mut options = options.clone();
        options.limits.bytes = options.limits.bytes.min(MOST_BYTES);
        let make = move || Reader::new(options.clone());
        Self(Ordered::start(places, threads, make, read))
    }

    /// What is next; `None` if nothing is ready within `patience`.
    pub(super) fn next(&mut self, patience: Duration) -> Option<Did> {
        match self.0.next(patience) {
            Ok(Next::Item(did)) => Some(did),
            Ok(Next::Pending) => None,
            // A thread that panicked has handed out whole steps only: what it did not read is read again.
            Ok(Next::End) | Err(_) => Some(Did::All),
        }
    }
}

fn read(reader: &mut Reader, (id, place): (FileId, Place), emit: Emit<'_, Did>) {
    let Ok(opened) = place.open() else {
        emit(Did::File { id, whole: false });
        return;
    };
    let mut start = place.offset;
    reader.follow(opened.input, &place.path.to_string_lossy(), place.offset);
    let mut hand_out = |step: Step, emit: &mut dyn FnMut(Did) -> bool| {
        let begin = std::mem::replace(&mut start, step.reached.offset);
        emit(Did::Step { id, path: place.path.clone(), start: begin, step: Box::new(step) })
    };
    let whole = loop {
        match reader.poll_step() {
            Ok(Some(step)) => {
                if !hand_out(step, emit) {
                    return;
                }
            }
            Ok(None) => break reader.position().1 == 0,
            Err(_) => break false,
        }
    };
    if let Some(step) = reader.close_step()
        && !hand_out(step, emit)
    {
        return;
    }
    emit(Did::File { id, whole });
}
