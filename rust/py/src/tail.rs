//! `Tail`: logs that are followed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use auditwake_core::batch::{Limits, Texts};
use auditwake_core::follow::{Follow, FollowError, Ledger, Next, Options, Standing};
use auditwake_core::reader;
use auditwake_core::tail::loss::Retention;
use auditwake_core::tail::stream::Start;
use auditwake_core::tail::watch::{PATIENCE, Waker};
use glob::Pattern;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::outcomes::Outcomes;
use crate::reader::{at_least_one, line_options};
use crate::run::{Interrupts, detached};
use crate::tail_batch::TailBatch;
use crate::{capsule, error, schema};

/// How long a wait lasts on a thread that sees no signals.
const LONG_PATIENCE: Duration = Duration::from_secs(1);

/// How long a reader that was asked to step aside does so.
const ASIDE: Duration = Duration::from_micros(100);

/// The tail behind `auditwake.Tail`.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Tail {
    /// `None` once it is closed: the lock on the state is free then.
    follow: Mutex<Option<Follow>>,
    ledger: Arc<Ledger>,
    waker: Waker,
    /// Whether nothing more is to be read.
    closed: AtomicBool,
    /// How many ask for something while another thread waits for a batch.
    asking: AtomicUsize,
    selection: auditwake_core::schema::Selection,
}

/// The arguments that are named alike in `auditwake.tail`.
#[derive(FromPyObject)]
#[expect(clippy::struct_excessive_bools, reason = "the keywords of the Python call")]
struct Asked {
    state: Option<PathBuf>,
    from_end: bool,
    follow: bool,
    columns: Option<Vec<String>>,
    bodies: bool,
    raw: bool,
    batch_rows: usize,
    batch_bytes: usize,
    batch_age: f64,
    max_line_bytes: usize,
    threads: Option<usize>,
    backups: Option<String>,
    exclude: Vec<String>,
    resume: Option<String>,
    max_size: Option<u64>,
    max_backups: Option<u64>,
    max_age: Option<f64>,
    cluster: Option<String>,
    apiserver: Option<String>,
}

impl Asked {
    fn options(self, py: Python<'_>, specs: Vec<String>) -> PyResult<Options> {
        let selection = schema::selection(py, self.columns.as_deref(), self.bodies)?;
        at_least_one("batch_rows", self.batch_rows)?;
        at_least_one("batch_bytes", self.batch_bytes)?;
        at_least_one("max_line_bytes", self.max_line_bytes)?;
        at_least_one("threads", self.threads.unwrap_or(1))?;
        let age = seconds("batch_age", self.batch_age)?;
        let pattern = |name: &str, text: &str| {
            Pattern::new(text).map_err(|error| {
                PyValueError::new_err(format!(
                    "{name}: not a valid pattern, {error}: {}",
                    error::escape(text)
                ))
            })
        };
        let exclude = self.exclude.iter().map(|text| pattern("exclude", text)).collect::<PyResult<_>>()?;
        Ok(Options {
            specs,
            exclude,
            backups: self.backups.map(|text| pattern("backups", &text)).transpose()?,
            follow: self.follow,
            start: if self.from_end { Start::End } else { Start::Beginning },
            read: reader::Options {
                selection,
                texts: Texts::AsDeclared,
                limits: Limits { rows: self.batch_rows, bytes: self.batch_bytes, ..Limits::default() },
                lines: line_options(1 << 20, self.max_line_bytes),
                keep_raw: self.raw,
                cluster: self.cluster,
                apiserver: self.apiserver,
                ..reader::Options::default()
            },
            age,
            threads: self
                .threads
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
            state: self.state,
            resume: self.resume,
            retention: Retention {
                size: self.max_size,
                backups: self.max_backups,
                age: self.max_age.map(|age| seconds("max_age", age)).transpose()?,
            },
        })
    }
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| PyValueError::new_err(format!("{name} is a number of seconds from 0 on, not {value}")))
}

#[pymethods]
impl Tail {
    #[new]
    fn new(py: Python<'_>, specs: Vec<String>, asked: Asked) -> PyResult<Self> {
        let options = asked.options(py, specs)?;
        let selection = options.read.selection.clone();
        let follow = detached(py, || Follow::new(options)).map_err(|error| failed(py, &error))?;
        Ok(Self {
            ledger: follow.ledger(),
            waker: follow.waker(),
            follow: Mutex::new(Some(follow)),
            closed: AtomicBool::new(false),
            asking: AtomicUsize::new(0),
            selection,
        })
    }

    /// The next batch; `None` after the time, or at the end.
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<TailBatch>> {
        let timeout = timeout.map(|timeout| seconds("timeout", timeout)).transpose()?;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let interrupts = Interrupts::new(py);
        let most = if interrupts.are_seen() { PATIENCE } else { LONG_PATIENCE };
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let patience = left.map_or(most, |left| left.min(most));
            match detached(py, || self.wait(patience)).map_err(|error| failed(py, &error))? {
                Next::Batch(batch) => return Ok(Some(TailBatch::new(*batch, Arc::clone(&self.ledger)))),
                Next::End => return Ok(None),
                Next::Pending => {}
            }
            if let Some(interrupt) = interrupts.look() {
                return Err(interrupt);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
        }
    }

    /// Ends the reading, also that of a thread that waits. What was handed out can still be committed.
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Lets the state go: another may follow the logs then.
    fn release(&self, py: Python<'_>) {
        self.close();
        detached(py, || {
            self.ledger.close();
            self.ask(Option::take)
        });
    }

    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.ledger.commit_all()).map_err(|error| error::checkpoint(py, &error))
    }

    fn checkpoint(&self, py: Python<'_>) -> String {
        detached(py, || self.ledger.checkpoint())
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.selection.schema())
    }

    fn standings(&self, py: Python<'_>) -> Vec<Stands> {
        let standings = detached(py, || self.ask(|follow| follow.as_ref().map(Follow::standings)));
        standings.unwrap_or_default().into_iter().map(Stands::from).collect()
    }

    /// Gaps: stream, file, offset, bytes, certain, reason, message.
    fn gaps(&self, py: Python<'_>) -> Vec<(OsString, OsString, u64, u64, bool, &'static str, &'static str)> {
        let gaps = detached(py, || self.ask(|follow| follow.as_ref().map(Follow::gaps)));
        gaps.unwrap_or_default()
            .into_iter()
            .map(|gap| {
                let (reason, message) = (gap.reason.name(), gap.reason.explain());
                (gap.stream.into(), gap.file.into(), gap.offset, gap.bytes, gap.certain, reason, message)
            })
            .collect()
    }

    /// Events: number, kind, stream, file, offset, message.
    fn events(&self, py: Python<'_>) -> Vec<(u64, &'static str, OsString, OsString, u64, String)> {
        let events = detached(py, || self.ask(|follow| follow.as_ref().map(Follow::events)));
        events
            .unwrap_or_default()
            .into_iter()
            .map(|event| {
                let message = error::escape(&event.message);
                (event.number, event.kind, event.stream.into(), event.file.into(), event.offset, message)
            })
            .collect()
    }
}

impl Tail {
    /// Waits a moment for the next batch, unless somebody else asks for something.
    fn wait(&self, patience: Duration) -> Result<Next, FollowError> {
        while self.asking.load(Ordering::Acquire) > 0 {
            std::thread::sleep(ASIDE);
        }
        let mut follow = self.lock();
        if self.closed.load(Ordering::Relaxed) {
            return Ok(Next::End);
        }
        follow.as_mut().map_or(Ok(Next::End), |follow| follow.next(patience))
    }

    /// Asks for something: a thread that waits for a batch steps aside.
    fn ask<T>(&self, question: impl FnOnce(&mut Option<Follow>) -> T) -> T {
        self.asking.fetch_add(1, Ordering::AcqRel);
        self.waker.wake();
        let answer = question(&mut self.lock());
        self.asking.fetch_sub(1, Ordering::AcqRel);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Option<Follow>> {
        self.follow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(py: Python<'_>, failed: &FollowError) -> PyErr {
    match failed {
        FollowError::Source(error) => error::source(py, error),
        FollowError::State(error) => error::checkpoint(py, error),
    }
}

/// How a log stands, as a dictionary.
#[derive(IntoPyObject)]
struct Stands {
    path: OsString,
    file: Option<OsString>,
    offset: u64,
    committed_file: Option<OsString>,
    committed_offset: u64,
    bytes: u64,
    lines: u64,
    outcomes: Outcomes,
    rotations: u64,
    replays: u64,
    truncations: u64,
    gaps: u64,
    lost_bytes: u64,
    lag_bytes: u64,
    lag_seconds: f64,
    held_deleted_files: u64,
    held_deleted_bytes: u64,
    uncommitted_bytes: u64,
    error: Option<String>,
    time_to_loss: Option<f64>,
}

impl From<Standing> for Stands {
    fn from(from: Standing) -> Self {
        let committed = from.acknowledged;
        Self {
            path: from.stream.into(),
            file: from.file.map(PathBuf::into_os_string),
            offset: from.offset,
            committed_offset: committed.as_ref().map_or(0, |(_, offset)| *offset),
            committed_file: committed.map(|(file, _)| file.into_os_string()),
            bytes: from.outcomes.bytes(),
            lines: from.lines,
            outcomes: Outcomes(from.outcomes),
            rotations: from.counters.rotations,
            replays: from.counters.replays,
            truncations: from.counters.truncations,
            gaps: from.counters.gaps,
            lost_bytes: from.counters.lost_bytes,
            lag_bytes: from.lag,
            lag_seconds: from.behind.as_secs_f64(),
            held_deleted_files: from.held.0,
            held_deleted_bytes: from.held.1,
            uncommitted_bytes: from.uncommitted,
            error: from.error,
            time_to_loss: from.time_to_loss.map(|time| time.as_secs_f64()),
        }
    }
}
