//! `apply`: what a log would have been under a policy.

use std::path::Path;

use auditwake_core::batch::Limits;
use auditwake_core::policy::rewrite::{self, Rewritten};
use auditwake_core::reader::Options;
use pyo3::prelude::*;

use crate::error;
use crate::outcomes::{Outcomes, Rejected};
use crate::policy::Evaluator;
use crate::progress::watched;
use crate::reader::{given, thread_count};

/// Input bytes of a batch: it is written while it is in the cache, and nobody sees it.
const BATCH_BYTES: usize = 4 << 20;

/// What was written of a log under a policy.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Applied {
    out: String,
    done: Rewritten,
}

#[pymethods]
impl Applied {
    #[getter]
    fn out(&self) -> &str {
        &self.out
    }

    #[getter]
    fn events(&self) -> u64 {
        self.done.applied.events
    }

    #[getter]
    fn event_bytes(&self) -> u64 {
        self.done.applied.event_bytes
    }

    #[getter]
    fn written(&self) -> u64 {
        self.done.applied.written
    }

    #[getter]
    fn bytes_written(&self) -> u64 {
        self.done.applied.bytes_written
    }

    #[getter]
    fn bodies(&self) -> u64 {
        self.done.applied.bodies
    }

    #[getter]
    fn dropped_by_level(&self) -> u64 {
        self.done.applied.dropped_by_level
    }

    #[getter]
    fn dropped_by_stage(&self) -> u64 {
        self.done.applied.dropped_by_stage
    }

    #[getter]
    fn unreduced(&self) -> u64 {
        self.done.applied.unreduced
    }

    #[getter]
    fn outcomes(&self) -> Outcomes {
        Outcomes(self.done.applied.outcomes.clone())
    }

    #[getter]
    fn rejects_file(&self) -> Option<String> {
        self.done.rejects_file.as_ref().map(|file| file.to_string_lossy().into_owned())
    }

    #[getter]
    fn rejected(&self) -> Vec<Rejected> {
        self.done.rejected.iter().map(|line| Rejected { line: line.clone(), kept: false }).collect()
    }

    fn __repr__(&self) -> String {
        let applied = &self.done.applied;
        format!("Applied(out='{}', events={}, written={})", self.out, applied.events, applied.written)
    }
}

/// Writes what the log would have been under a policy.
#[pyfunction]
#[pyo3(signature = (sources, evaluator, out, *, threads, progress))]
#[expect(clippy::needless_pass_by_value, reason = "the arguments of the Python call")]
pub(crate) fn apply(
    py: Python<'_>,
    sources: Vec<Bound<'_, PyAny>>,
    evaluator: &Evaluator,
    out: String,
    threads: Option<usize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Applied> {
    let given = given(&sources)?;
    let threads = thread_count(threads, &given)?;
    let mut all = Vec::new();
    for one in &given {
        all.extend(one.sources(py)?);
    }
    let limits = Limits { bytes: BATCH_BYTES, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let evaluator = evaluator.0.clone();
    let done = watched(
        py,
        progress,
        |watch| rewrite::rewrite(all, evaluator, Path::new(&out), options, threads, watch),
        |done| done.progress,
    )?;
    match done {
        Ok(done) => Ok(Applied { out, done }),
        Err(failed) => Err(error::rewrite(py, &failed)),
    }
}
