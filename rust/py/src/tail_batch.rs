//! `TailBatch`: rows of a log that is followed, with their place in it.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use auditwake_core::follow::{Delivered, Ledger, Receipt};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::outcomes::{Outcomes, Rejected};
use crate::run::detached;
use crate::{capsule, error};

/// A batch with its place in its log.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct TailBatch {
    /// Without rows once it was released.
    batch: Mutex<RecordBatch>,
    rows: usize,
    outcomes: Outcomes,
    rejected: Vec<Rejected>,
    /// Live file, file, first byte, and the one behind the last.
    place: (OsString, OsString, u64, u64),
    lag: u64,
    receipt: Receipt,
    ledger: Arc<Ledger>,
}

impl TailBatch {
    pub(crate) fn new(delivered: Delivered, ledger: Arc<Ledger>) -> Self {
        let Delivered { batch, account, stream, file, start, end, lag, receipt } = delivered;
        let rejected = account.rejected.into_iter().map(|line| Rejected { line, kept: true }).collect();
        let outcomes = Outcomes(account.outcomes);
        Self {
            rows: batch.num_rows(),
            batch: Mutex::new(batch),
            outcomes,
            rejected,
            place: (stream.into(), file.into(), start, end),
            lag,
            receipt,
            ledger,
        }
    }
}

impl TailBatch {
    /// The rows, as long as they were not released.
    fn rows(&self) -> PyResult<RecordBatch> {
        let batch = self.lock().clone();
        if batch.num_rows() == self.rows {
            return Ok(batch);
        }
        Err(PyValueError::new_err("the rows of this batch were released: take them before that"))
    }

    fn lock(&self) -> MutexGuard<'_, RecordBatch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl TailBatch {
    #[getter]
    fn num_rows(&self) -> usize {
        self.rows
    }

    #[getter]
    fn outcomes(&self) -> Outcomes {
        self.outcomes.clone()
    }

    #[getter]
    fn rejected(&self) -> Vec<Rejected> {
        self.rejected.clone()
    }

    #[getter]
    fn place(&self) -> (OsString, OsString, u64, u64) {
        self.place.clone()
    }

    #[getter]
    fn lag_bytes(&self) -> u64 {
        self.lag
    }

    fn release(&self) {
        let mut batch = self.lock();
        *batch = RecordBatch::new_empty(batch.schema());
    }

    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.ledger.commit(self.receipt)).map_err(|error| error::checkpoint(py, &error))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, self.lock().schema_ref())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _ = requested_schema;
        capsule::array(py, &self.rows()?)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        capsule::batch(py, &self.rows()?)
    }
}
