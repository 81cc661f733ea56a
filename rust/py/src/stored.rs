//! `survey` and `stored_rows`: events that stand in Parquet files.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::ArrowError;
use auditwake_core::schema::Selection;
use auditwake_core::stored::StoredError;
use auditwake_core::stored::position::Position;
use auditwake_core::stored::rows::{POSITION, Rows};
use auditwake_core::stored::survey::{Survey, Tally, Wanted};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::run::{self, Interrupts};
use crate::{capsule, error};

/// Where rows stand.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Positions(RecordBatch);

#[pymethods]
impl Positions {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        capsule::batch(py, &self.0)
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }
}

impl Positions {
    fn new(positions: &[Position]) -> PyResult<Self> {
        let array: ArrayRef = Arc::new(UInt64Array::from_iter_values(positions.iter().map(|one| one.0)));
        let batch = RecordBatch::try_from_iter([(POSITION, array)]);
        batch.map(Self).map_err(|failed| PyRuntimeError::new_err(failed.to_string()))
    }
}

/// What events amount to, as a dict.
#[derive(IntoPyObject)]
pub(crate) struct Surveyed {
    events: u64,
    stages: Tally,
    levels: Tally,
    first: Option<i64>,
    last: Option<i64>,
    decisions: u64,
    latencies: u64,
    suspects: Positions,
    open: Positions,
}

impl Surveyed {
    fn new(survey: Survey) -> PyResult<Self> {
        let counts = survey.counts;
        Ok(Self {
            events: counts.events,
            stages: counts.stages,
            levels: counts.levels,
            first: counts.first,
            last: counts.last,
            decisions: counts.decisions,
            latencies: counts.latencies,
            suspects: Positions::new(&survey.suspects)?,
            open: Positions::new(&survey.open)?,
        })
    }
}

/// Surveys the events of Parquet files.
#[pyfunction]
#[pyo3(signature = (files, *, suspects, received, open_ones, threads))]
#[expect(clippy::needless_pass_by_value, reason = "the arguments of the Python call")]
pub(crate) fn survey(
    py: Python<'_>,
    files: Vec<PathBuf>,
    suspects: bool,
    received: bool,
    open_ones: bool,
    threads: Option<usize>,
) -> PyResult<Surveyed> {
    let wanted = Wanted { suspects, with_received: received, open: open_ones };
    let threads = threads.unwrap_or_else(run::cores);
    let interrupts = Interrupts::new(py);
    let mut raised = None;
    let done = run::detached(py, || {
        Survey::of(&files, wanted, threads, &mut || {
            raised = interrupts.look();
            raised.is_none()
        })
    });
    match raised {
        Some(raised) => Err(raised),
        None => Surveyed::new(done.map_err(|failed| refused(py, &failed))?),
    }
}

/// Rows of Parquet files, as a stream that is read once.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct StoredRows(Mutex<Option<Rows>>);

#[pymethods]
impl StoredRows {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let rows = rows.ok_or_else(|| error::input(py, "these rows were read before"))?;
        capsule::stream(py, Box::new(rows))
    }
}

/// Fetches columns of the rows whose positions stand in the first column of `positions`.
#[pyfunction]
#[pyo3(signature = (files, columns, positions, *, threads))]
#[expect(clippy::needless_pass_by_value, reason = "the arguments of the Python call")]
pub(crate) fn stored_rows(
    py: Python<'_>,
    files: Vec<PathBuf>,
    columns: Vec<String>,
    positions: &Bound<'_, PyAny>,
    threads: Option<usize>,
) -> PyResult<StoredRows> {
    let selection =
        Selection::new(Some(&columns), true).map_err(|unknown| error::unknown_column(py, &unknown))?;
    let batches = capsule::import(positions)?;
    let threads = threads.unwrap_or_else(run::cores);
    let all = run::detached(py, || {
        let mut all = Vec::new();
        for batch in batches {
            let batch = batch?;
            let column = batch.column(0).as_primitive_opt::<UInt64Type>();
            let column =
                column.ok_or_else(|| ArrowError::SchemaError("the positions are no uint64".to_owned()))?;
            all.extend(column.values().iter().map(|position| Position(*position)));
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    });
    let all = all.map_err(|failed: ArrowError| error::input(py, &failed.to_string()))?;
    let rows = run::detached(py, || Rows::fetch(&files, selection.columns().collect(), &all, threads));
    rows.map(|rows| StoredRows(Mutex::new(Some(rows)))).map_err(|failed| refused(py, &failed))
}

fn refused(py: Python<'_>, failed: &StoredError) -> PyErr {
    error::input(py, &failed.to_string())
}
