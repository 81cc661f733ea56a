//! `lines`: events written back from their rows.

use std::sync::{Mutex, PoisonError};

use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_schema::ArrowError;
use auditwake_core::restore::{RestoreError, Restorer};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::{capsule, error, run};

/// Lines of a stream of batches, one at a time.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Lines(Mutex<State>);

struct State {
    batches: RecordBatchStreamReader,
    /// The batch being written.
    batch: Option<Restorer>,
    /// Its next row.
    row: usize,
    /// The line being written; reused.
    line: Vec<u8>,
}

enum Failed {
    Stream(ArrowError),
    Restore(RestoreError),
}

impl State {
    /// Writes the next line into `line`; `false` behind the last.
    fn advance(&mut self) -> Result<bool, Failed> {
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|batch| self.row < batch.len()) {
                self.line.clear();
                batch.write(self.row, &mut self.line);
                self.row += 1;
                return Ok(true);
            }
            let Some(batch) = self.batches.next() else { return Ok(false) };
            let batch = batch.map_err(Failed::Stream)?;
            self.batch = Some(Restorer::new(&batch).map_err(Failed::Restore)?);
            self.row = 0;
        }
    }
}

#[pymethods]
impl Lines {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let state = &self.0;
        // Another thread may hold the lock while it waits for the GIL, so the lock is only waited for without it.
        run::detached(py, || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.advance().map(|more| more.then(|| state.line.clone()))
        })
        .map(|line| line.map(|line| PyBytes::new(py, &line)))
        .map_err(|failed| match failed {
            Failed::Stream(failed) => error::input(py, &failed.to_string()),
            Failed::Restore(failed) => error::restore(py, &failed),
        })
    }
}

/// Lines of anything that has `__arrow_c_stream__`.
#[pyfunction]
pub(crate) fn lines(batches: &Bound<'_, PyAny>) -> PyResult<Lines> {
    let batches = capsule::import(batches)?;
    Ok(Lines(Mutex::new(State { batches, batch: None, row: 0, line: Vec::new() })))
}
