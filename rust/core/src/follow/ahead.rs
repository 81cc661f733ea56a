//! Finished files, and parts of large ones, read side by side, their steps in the order of the log.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use crate::reader::ordered::{Emit, Next, Ordered};
use crate::reader::plan::cuts_behind;
use crate::reader::{Options, Reader, Step};
use crate::tail::Place;
use crate::tail::stream::FileId;

/// Most bytes of input in a batch: each thread holds a few.
const MOST_BYTES: usize = 16 << 20;

/// Batches of a file that wait for those in front of it. A compressed file is read by one thread from end to end: with
/// fewer, the thread of the next one stands still for most of it.
const WAITING: usize = 4;

/// Fewest bytes of a part: what is cut smaller is opened more often than it is worth.
const LEAST_RANGE: usize = 1 << 20;

/// What one thread reads.
struct Part {
    id: FileId,
    place: Place,
    /// Where the next part of the file begins.
    end: Option<u64>,
}

/// What was done.
pub(super) enum Did {
    /// A step of a file.
    Step { id: FileId, path: PathBuf, start: u64, step: Box<Step> },
    /// A file was read: to its end, or it could not be, or something waits at its end.
    File { id: FileId, whole: bool },
    /// All of them.
    All,
    /// A thread has panicked.
    Panicked,
}

/// Files that are read on several threads.
pub(super) struct Ahead(Ordered<Did>);

impl Ahead {
    pub(super) fn start(places: Vec<(FileId, Place)>, options: &Options, threads: usize) -> Self {
        let mut options = options.clone();
        options.limits.bytes = options.limits.bytes.min(MOST_BYTES);
        let range = options.limits.bytes.max(LEAST_RANGE) as u64;
        let parts = |(id, place): (FileId, Place)| {
            let cuts = |mut file: &File, len, offset| cuts_behind(&mut file, len, offset, range);
            place.parts(cuts).into_iter().map(move |(place, end)| Part { id, place, end })
        };
        let parts = places.into_iter().flat_map(parts).collect();
        let make = move || Reader::new(options.clone());
        Self(Ordered::start_with(WAITING, parts, threads, make, read))
    }

    /// What is next; `None` if nothing is ready within `patience`.
    pub(super) fn next(&mut self, patience: Duration) -> Option<Did> {
        match self.0.next(patience) {
            Ok(Next::Item(did)) => Some(did),
            Ok(Next::Pending) => None,
            Ok(Next::End) => Some(Did::All),
            Err(_) => Some(Did::Panicked),
        }
    }
}

fn read(reader: &mut Reader, Part { id, place, end }: Part, emit: Emit<'_, Did>) {
    let Ok(opened) = place.open() else {
        emit(Did::File { id, whole: false });
        return;
    };
    let mut start = place.offset;
    let input = match end {
        Some(end) => Box::new(opened.input.take(end - start)),
        None => opened.input,
    };
    reader.follow(input, &place.path.to_string_lossy(), start);
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
            Ok(None) => {
                let (reached, waiting) = reader.position();
                break waiting == 0 && end.is_none_or(|end| reached == end);
            }
            Err(_) => break false,
        }
    };
    if let Some(step) = reader.close_step()
        && !hand_out(step, emit)
    {
        return;
    }
    // Only the last part is the end of its file.
    if end.is_none() || !whole {
        emit(Did::File { id, whole });
    }
}
