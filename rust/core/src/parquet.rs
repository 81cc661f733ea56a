//! Logs to Parquet: one file, or a directory partitioned by column values.
//!
//! Output appears by rename after fsync, or not at all. A directory is filled input by input: the files of an input are
//! named by its identity, so that converting it again replaces them and never adds a row twice.

mod column;
mod dataset;
mod group;
mod identity;
mod properties;
mod single;
mod steps;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parquet::errors::ParquetError;

use crate::reader::ordered::Panicked;
use crate::reader::progress::{Progress, Watch, total_bytes};
use crate::reader::source::{OpenError, Source};
use crate::reader::{Account, Options};
use crate::stats::{Outcome, Outcomes, Rejected};

pub use properties::{Codec, Compression};

/// Rows handed to the encoder at a time: the codes of all columns of so many rows stay in the processor's cache.
const BATCH_ROWS: usize = 16_384;

/// Most bytes of input in a batch when several threads work: each of them holds some.
const PARALLEL_BYTES: usize = 16 << 20;

/// Most bytes of bodies in it then. With more, what a worker holds outgrows a heap of glibc's, which is 64 MiB, and the rest
/// leaves holes in that of the main thread.
const PARALLEL_BODIES: usize = 5 << 19;

/// Least bytes of a plain file that are worth a worker of their own: every range has row groups of its own.
const LEAST_RANGE: u64 = 32 << 20;

/// How to convert.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to read; its selection is the columns of the output.
    pub reader: Options,
    /// Columns whose values become directories, outermost first; `date` is the day of `ts_stage`. Empty for one file.
    pub partition_by: Vec<String>,
    /// Codec of every column.
    pub compression: Compression,
    /// Most rows of a row group.
    pub row_group_rows: usize,
    /// Threads that read and encode; 1 uses the calling thread alone.
    pub threads: usize,
    /// Whether the first rejected line is an error.
    pub fail_on_reject: bool,
}

/// What a conversion did.
#[derive(Clone, Debug, Default)]
pub struct Converted {
    /// Parquet files written.
    pub files: Vec<PathBuf>,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of them.
    pub bytes_written: u64,
    /// What became of the input.
    pub outcomes: Outcomes,
    /// The file with the rejected lines, when there were any.
    pub rejects_file: Option<PathBuf>,
    /// Inputs that stand in the output already, unchanged.
    pub skipped_inputs: Vec<String>,
    /// How far it came: the end.
    pub progress: Progress,
}

/// Why a conversion stopped. No output appeared, but for the finished inputs of a directory.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// An input cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The output cannot be written.
    #[error("cannot write {}: {error}; nothing was left there, free the cause and run it again", path.display())]
    Output {
        /// File or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The Parquet encoder refused.
    #[error("cannot encode Parquet for {}: {error}", path.display())]
    Encode {
        /// File.
        path: PathBuf,
        /// Why.
        #[source]
        error: ParquetError,
    },
    /// `fail_on_reject` met a rejected line.
    #[error("{}", rejected_text(.0))]
    Rejected(Box<Rejected>),
    /// A partition column is not in the schema or has no plain values.
    #[error("cannot partition by '{0}': use date, or a selected column of text, numbers or booleans")]
    Partition(String),
    /// The caller wanted no more.
    #[error("interrupted; run it again to go on")]
    Interrupted,
    /// A worker panicked.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// One sentence with file, offset, reason and remedy.
#[must_use]
pub fn rejected_text(rejected: &Rejected) -> String {
    let file = if rejected.file.is_empty() { "the stream" } else { &rejected.file };
    format!(
        "{file}: byte {}, {} bytes rejected: {}: {}; use on_error=\"collect\" to go on and keep such lines aside",
        rejected.offset, rejected.length, rejected.reason, rejected.detail
    )
}

/// Converts the sources to `out`: a file, or a directory when the settings partition.
///
/// # Errors
/// [`ConvertError`]
pub fn convert(
    sources: Vec<Source>,
    out: &Path,
    settings: &Settings,
    watch: Watch<'_>,
) -> Result<Converted, ConvertError> {
    let meter = Meter::new(&sources);
    let mut settings = settings.clone();
    settings.reader.texts = group::texts_for(settings.compression);
    settings.reader.limits.rows = settings.reader.limits.rows.min(BATCH_ROWS);
    if settings.threads > 1 {
        let limits = &mut settings.reader.limits;
        limits.bytes = limits.bytes.min(PARALLEL_BYTES);
        limits.bodies = limits.bodies.min(PARALLEL_BODIES);
    }
    let settings = &settings;
    let mut converted = if settings.partition_by.is_empty() {
        single::convert(sources, out, settings, &meter, watch)?
    } else {
        dataset::convert(sources, out, settings, &meter, watch)?
    };
    converted.progress = meter.progress();
    Ok(converted)
}

/// Counters that the workers move and the caller's progress shows.
#[derive(Clone)]
struct Meter {
    read: Arc<AtomicU64>,
    total: Option<u64>,
    rows: Arc<AtomicU64>,
    rejected: Arc<AtomicU64>,
    /// Whether nobody wants the work any more.
    stopped: Arc<AtomicBool>,
}

impl Meter {
    fn new(sources: &[Source]) -> Self {
        Self {
            read: Arc::default(),
            total: total_bytes(sources),
            rows: Arc::default(),
            rejected: Arc::default(),
            stopped: Arc::default(),
        }
    }

    /// Bytes of a plain file that one worker takes, at most so many: all workers have equally many ranges of one length,
    /// so that none is left alone with the last. `None` leaves files whole.
    fn range(&self, most: u64, threads: usize) -> Option<u64> {
        let threads = (threads > 1).then_some(threads as u64)?;
        let Some(total) = self.total else { return Some(most) };
        let rounds = total.div_ceil(threads * most).max(1);
        Some(total.div_ceil(threads * rounds).max(LEAST_RANGE))
    }

    /// Tells the workers that nobody wants their work, when it is dropped.
    fn stop_at_end(&self) -> Stop<'_> {
        Stop(&self.stopped)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn count(&self, account: &Account) {
        let rejected = account.outcomes.total(Outcome::Rejected).lines;
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
    }

    fn progress(&self) -> Progress {
        Progress {
            bytes_done: self.read.load(Ordering::Relaxed),
            bytes_total: self.total,
            rows: self.rows.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
        }
    }
}

/// See [`Meter::stop_at_end`].
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a worker counted and has not handed on. A worker that is ahead of its turn may have few results waiting, and would
/// stand still after some batches if each of them brought its own account.
struct Held {
    account: Account,
    /// Whether nothing is held: the work is done on the caller's thread, or it ends with the first rejected line.
    prompt: bool,
}

impl Held {
    fn new(settings: &Settings) -> Self {
        Self { account: Account::default(), prompt: settings.threads <= 1 || settings.fail_on_reject }
    }

    /// Adds the account of a batch; answers what is due.
    fn add(&mut self, account: Account) -> Option<Account> {
        self.account.append(account);
        (self.prompt || self.account.is_full()).then(|| self.account.take())
    }

    /// All that is left.
    fn rest(self) -> Account {
        self.account
    }
}

fn output_error(path: &Path) -> impl Fn(io::Error) -> ConvertError + '_ {
    move |error| ConvertError::Output { path: path.to_owned(), error }
}

/// An encoder's error; one of the file underneath is an output error.
fn encode_error(path: &Path) -> impl Fn(ParquetError) -> ConvertError + '_ {
    move |error| match error {
        ParquetError::External(source) if source.is::<io::Error>() => match source.downcast::<io::Error>() {
            Ok(error) => ConvertError::Output { path: path.to_owned(), error: *error },
            Err(source) => {
                ConvertError::Encode { path: path.to_owned(), error: ParquetError::External(source) }
            }
        },
        error => ConvertError::Encode { path: path.to_owned(), error },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meter(total: u64) -> Meter {
        Meter { total: Some(total), ..Meter::new(&[]) }
    }

    proptest! {
        #[test]
        fn every_worker_has_equally_many_ranges(total in 1..1_u64 << 40, threads in 2..64_usize) {
            let most = 128 << 20;
            let range = meter(total).range(most, threads).unwrap();
            prop_assert!((LEAST_RANGE..=most).contains(&range));
            let (ranges, threads) = (total.div_ceil(range), threads as u64);
            if range > LEAST_RANGE {
                prop_assert_eq!(ranges % threads, 0);
            } else {
                prop_assert!(ranges <= threads);
            }
        }
    }

    #[test]
    fn one_thread_cuts_nothing() {
        assert_eq!(meter(1 << 40).range(1 << 20, 1), None);
    }
}
