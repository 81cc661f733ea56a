//! What the events of some files amount to: what they record, which of them repeat others, which requests are open.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use foldhash::HashSet;
use foldhash::quality::RandomState;

use super::file::StoredFile;
use super::position::Position;
use super::{StoredError, each};
use crate::reader::ordered::{Ordered, Panicked};
use crate::repeats::Repeats;

mod counts;
mod facts;
mod marks;
mod open;

pub use counts::{Counts, Tally};

/// What is looked for beside the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Rows that may repeat others.
    pub suspects: bool,
    /// Whether events that a request was received are among those rows.
    pub with_received: bool,
    /// Requests that are meant to be long and have not ended.
    pub open: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// What the events record.
    pub counts: Counts,
    /// Rows that have both times and the length of their lines in common with another row, ascending.
    pub suspects: Vec<Position>,
    /// Rows that say that a long-running request was begun, of which no row says that it ended, ascending.
    pub open: Vec<Position>,
}

/// One row group of one file.
type Task = (Arc<StoredFile>, usize, usize);

/// What one row group amounts to.
#[derive(Default)]
struct Part {
    counts: Counts,
    marks: Vec<u64>,
    long: open::Long,
}

impl Survey {
    /// Surveys files. `goes_on` is asked some times a second.
    ///
    /// # Errors
    /// [`StoredError`] for a file that cannot be read.
    pub fn of(
        files: &[PathBuf],
        wanted: Wanted,
        threads: usize,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Self, StoredError> {
        let tasks = tasks(files)?;
        let hasher = RandomState::default();
        let parts = Ordered::start(
            tasks.clone(),
            threads,
            || (),
            move |(), task, emit| {
                emit(Part::of(&task, wanted, hasher.clone()));
            },
        );
        let mut survey = Self::default();
        let mut repeats = Repeats::new();
        let mut long = open::Long::default();
        each(parts, goes_on, |part| {
            survey.counts.add(&part.counts);
            repeats.extend(&part.marks);
            long.add(part.long);
        })?;
        let (repeated, open) = thread::scope(|scope| {
            let open = scope.spawn(|| long.open());
            (repeats.finish(threads), open.join())
        });
        survey.open = open.map_err(|_| Panicked)?;
        let repeated: HashSet<u64> = repeated.into_iter().collect();
        if !repeated.is_empty() {
            survey.suspects = marks::rows(tasks, wanted.with_received, repeated, threads, goes_on)?;
        }
        Ok(survey)
    }
}

impl Part {
    /// Reads a row group once, but for the audit IDs of long-running requests.
    fn of(task: &Task, wanted: Wanted, hasher: RandomState) -> Result<Self, StoredError> {
        let (file, place, group) = task;
        let mut part = Self { counts: Counts::of_footer(file, *group), ..Self::default() };
        let mut names = Counts::columns(file, *group);
        names.extend(if wanted.suspects { marks::COLUMNS } else { &[] });
        names.extend(if wanted.open { open::COLUMNS } else { &[] });
        let mut candidates = open::Candidates::new(file.start(*group), hasher);
        for facts in facts::read(file, *group, &names)? {
            let facts = facts?;
            part.counts.take(&facts);
            if wanted.suspects {
                marks::each(&facts, wanted.with_received, |_, mark| part.marks.push(mark));
            }
            if wanted.open {
                candidates.take(&facts);
            }
        }
        part.long = candidates.identified(file, *place, *group)?;
        Ok(part)
    }
}

fn tasks(files: &[PathBuf]) -> Result<Vec<Task>, StoredError> {
    let mut tasks = Vec::new();
    for (place, path) in files.iter().enumerate() {
        let file = Arc::new(StoredFile::open(path, false)?);
        tasks.extend((0..file.groups()).map(|group| (Arc::clone(&file), place, group)));
    }
    Ok(tasks)
}
