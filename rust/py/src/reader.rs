//! `Reader`: passes over sources as Arrow streams.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use auditwake_core::batch::{Limits, Texts};
use auditwake_core::lines::LineOptions;
use auditwake_core::reader::batches::Batches;
use auditwake_core::reader::ordered::Next;
use auditwake_core::reader::{Account, Options};
use auditwake_core::stats;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::filter::{Where, filter};
use crate::outcomes::{Outcomes, Rejected};
use crate::run::{Interrupts, PATIENCE};
use crate::source::Given;
use crate::{capsule, error, schema};

/// Bytes of rejected lines that a pass keeps; beyond them a line is kept without its bytes.
const KEPT: usize = 64 << 20;

/// Rejected lines that a pass keeps at all; beyond them they are only counted.
const MOST_REJECTED: usize = 1 << 20;

/// What a pass has come to.
#[derive(Default)]
struct State {
    outcomes: stats::Outcomes,
    rejected: Vec<Rejected>,
    /// Bytes of the rejected lines kept so far.
    kept: usize,
    failure: Option<PyErr>,
}

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn add(&mut self, account: Account) {
        self.outcomes.merge(&account.outcomes);
        for mut line in account.rejected {
            if self.rejected.len() >= MOST_REJECTED {
                return;
            }
            let kept = self.kept + line.bytes.len() <= KEPT;
            if kept {
                self.kept += line.bytes.len();
            } else {
                line.bytes = Vec::new();
            }
            self.rejected.push(Rejected { line, kept });
        }
    }
}

/// The reader behind `auditwake.Reader`.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Reader {
    given: Vec<Given>,
    options: Options,
    threads: usize,
    raise: bool,
    /// State of the newest pass.
    newest: Mutex<Shared>,
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (sources, *, columns=None, bodies=true, raw=false, on_error="collect", threads=None,
        batch_rows=65_536, batch_bytes=33_554_432, buffer_bytes=1_048_576, max_line_bytes=268_435_456,
        labels=(None, None), rows=None))]
    #[expect(
        clippy::too_many_arguments,
        clippy::needless_pass_by_value,
        reason = "the keywords of the Python call"
    )]
    fn new(
        py: Python<'_>,
        sources: Vec<Bound<'_, PyAny>>,
        columns: Option<Vec<String>>,
        bodies: bool,
        raw: bool,
        on_error: &str,
        threads: Option<usize>,
        batch_rows: usize,
        batch_bytes: usize,
        buffer_bytes: usize,
        max_line_bytes: usize,
        labels: (Option<String>, Option<String>),
        rows: Option<Where>,
    ) -> PyResult<Self> {
        let given = given(&sources)?;
        // A path that is not there is told at once, and again when a pass begins.
        for one in &given {
            if let Given::Spec(_) = one {
                one.sources(py)?;
            }
        }
        let selection = schema::selection(py, columns.as_deref(), bodies)?;
        at_least_one("batch_rows", batch_rows)?;
        at_least_one("batch_bytes", batch_bytes)?;
        at_least_one("max_line_bytes", max_line_bytes)?;
        let options = Options {
            selection,
            filter: filter(rows.as_ref()),
            texts: Texts::AsDeclared,
            limits: Limits { rows: batch_rows, bytes: batch_bytes, ..Limits::default() },
            lines: line_options(buffer_bytes, max_line_bytes),
            keep_raw: raw,
            cluster: labels.0,
            apiserver: labels.1,
        };
        let threads = thread_count(threads, &given)?;
        Ok(Self { given, options, threads, raise: raises(on_error)?, newest: Mutex::default() })
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.options.selection.schema())
    }

    /// The specification lets a producer decline a requested schema, and every consumer passes none.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let mut sources = Vec::new();
        for given in &self.given {
            sources.extend(given.sources(py)?);
        }
        let state = Shared::default();
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&state);
        let stream = Stream {
            batches: Batches::new(sources, self.options.clone(), self.threads),
            schema: self.options.selection.schema(),
            state,
            raise: self.raise,
            interrupts: Interrupts::new(py),
            over: false,
        };
        capsule::stream(py, Box::new(stream))
    }

    #[getter]
    fn outcomes(&self) -> Outcomes {
        Outcomes(lock(&self.state()).outcomes.clone())
    }

    #[getter]
    fn rejected(&self) -> Vec<Rejected> {
        lock(&self.state()).rejected.clone()
    }

    #[getter]
    fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        lock(&self.state()).failure.as_ref().map(|failure| failure.clone_ref(py))
    }
}

impl Reader {
    fn state(&self) -> Shared {
        Arc::clone(&self.newest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The sources as they were given.
pub(crate) fn given(sources: &[Bound<'_, PyAny>]) -> PyResult<Vec<Given>> {
    sources.iter().map(Given::new).collect()
}

/// Whether rejecting a line is an error.
pub(crate) fn raises(on_error: &str) -> PyResult<bool> {
    match on_error {
        "collect" => Ok(false),
        "raise" => Ok(true),
        _ => Err(PyValueError::new_err(format!(
            "on_error is 'collect' or 'raise', not '{}'",
            error::escape(on_error)
        ))),
    }
}

/// As many threads as cores, or as asked for; one when a source needs Python to be read.
pub(crate) fn thread_count(threads: Option<usize>, given: &[Given]) -> PyResult<usize> {
    at_least_one("threads", threads.unwrap_or(1))?;
    if given.iter().any(Given::needs_python) {
        return Ok(1);
    }
    Ok(threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get)))
}

pub(crate) fn line_options(buffer: usize, max_line: usize) -> LineOptions {
    LineOptions { buffer, max_line, ..LineOptions::default() }
}

pub(crate) fn at_least_one(name: &str, value: usize) -> PyResult<()> {
    if value == 0 { Err(PyValueError::new_err(format!("{name} must be at least 1"))) } else { Ok(()) }
}

/// One pass. The consumer may call it with or without the GIL, from any thread.
struct Stream {
    batches: Batches,
    schema: SchemaRef,
    state: Shared,
    raise: bool,
    interrupts: Interrupts,
    /// Whether the pass has ended, well or not.
    over: bool,
}

impl Stream {
    fn next_batch(&mut self) -> Option<Result<RecordBatch, PyErr>> {
        loop {
            if let Some(interrupt) = self.interrupts.look() {
                return Some(Err(interrupt));
            }
            let step = match self.batches.next(PATIENCE) {
                Ok(Next::Item(step)) => step,
                Ok(Next::Pending) => continue,
                Ok(Next::End) => return None,
                Err(failed) => return Some(Err(Python::attach(|py| error::read(py, &failed)))),
            };
            let first = step.account.rejected.first().filter(|_| self.raise).cloned();
            lock(&self.state).add(step.account);
            if let Some(line) = first {
                return Some(Err(Python::attach(|py| error::rejected(py, &line))));
            }
            if let Some(batch) = step.batch {
                return Some(Ok(batch));
            }
        }
    }

    /// Keeps the exception for `Reader.failure`, since only its text crosses the C interface.
    fn fail(&mut self, failure: PyErr) -> ArrowError {
        self.over = true;
        let text = Python::attach(|py| {
            if failure.is_instance_of::<pyo3::exceptions::PyKeyboardInterrupt>(py) {
                // The consumer raises an error of its own for this one; the signal is set again, so that Python raises
                // what the user meant as soon as the consumer is back.
                let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
            }
            failure.to_string()
        });
        lock(&self.state).failure = Some(failure);
        ArrowError::ExternalError(text.into())
    }
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    /// A panic must not cross the C interface: it would end the process.
    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = catch_unwind(AssertUnwindSafe(|| self.next_batch()));
        let next = next.unwrap_or_else(|_| {
            let message = "auditwake panicked while reading; please report it with the message above";
            Some(Err(Python::attach(|py| error::input(py, message))))
        });
        match next {
            Some(Ok(batch)) => Some(Ok(batch)),
            Some(Err(failure)) => Some(Err(self.fail(failure))),
            None => {
                self.over = true;
                None
            }
        }
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
