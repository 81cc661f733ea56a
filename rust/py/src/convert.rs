//! `convert`: logs to Parquet.

use std::path::Path;

use auditwake_core::batch::Limits;
use auditwake_core::lines::LineOptions;
use auditwake_core::parquet::{self, Compression, Settings};
use auditwake_core::reader::Options;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::filter::{Where, filter};
use crate::outcomes::Outcomes;
use crate::progress::watched;
use crate::reader::{at_least_one, given, raises, thread_count};
use crate::{error, schema};

/// Input bytes of a batch: it is encoded while it is in the cache, and nobody sees it.
const BATCH_BYTES: usize = 8 << 20;

/// What a conversion did.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Converted {
    out: String,
    done: parquet::Converted,
}

#[pymethods]
impl Converted {
    #[getter]
    fn out(&self) -> &str {
        &self.out
    }

    #[getter]
    fn files(&self) -> Vec<String> {
        self.done.files.iter().map(|file| file.to_string_lossy().into_owned()).collect()
    }

    #[getter]
    fn rows(&self) -> u64 {
        self.done.rows
    }

    #[getter]
    fn bytes_written(&self) -> u64 {
        self.done.bytes_written
    }

    #[getter]
    fn outcomes(&self) -> Outcomes {
        Outcomes(self.done.outcomes.clone())
    }

    #[getter]
    fn rejects_file(&self) -> Option<String> {
        self.done.rejects_file.as_ref().map(|file| file.to_string_lossy().into_owned())
    }

    #[getter]
    fn skipped_inputs(&self) -> Vec<String> {
        self.done.skipped_inputs.clone()
    }

    fn __repr__(&self) -> String {
        format!("Converted(out='{}', rows={}, files={})", self.out, self.done.rows, self.done.files.len())
    }
}

/// Converts logs to Parquet.
#[pyfunction]
#[pyo3(signature = (sources, out, *, columns, bodies, partition_by, compression, compression_level, threads,
    row_group_rows, max_line_bytes, on_error, labels, rows, progress))]
#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "the keywords of the Python call"
)]
pub(crate) fn convert(
    py: Python<'_>,
    sources: Vec<Bound<'_, PyAny>>,
    out: String,
    columns: Option<Vec<String>>,
    bodies: bool,
    partition_by: Vec<String>,
    compression: &str,
    compression_level: Option<i32>,
    threads: Option<usize>,
    row_group_rows: usize,
    max_line_bytes: usize,
    on_error: &str,
    labels: (Option<String>, Option<String>),
    rows: Option<Where>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Converted> {
    let given = given(&sources)?;
    let codec = compression.parse().map_err(PyValueError::new_err)?;
    let compression = Compression { codec, level: compression_level };
    if !compression.is_valid() {
        return Err(PyValueError::new_err(
            "compression_level is 1 to 22 for zstd, and None for other codecs",
        ));
    }
    at_least_one("row_group_rows", row_group_rows)?;
    at_least_one("max_line_bytes", max_line_bytes)?;
    let settings = Settings {
        reader: Options {
            selection: schema::selection(py, columns.as_deref(), bodies)?,
            filter: filter(rows.as_ref()),
            limits: Limits { bytes: BATCH_BYTES, ..Limits::default() },
            lines: LineOptions { max_line: max_line_bytes, ..LineOptions::default() },
            cluster: labels.0,
            apiserver: labels.1,
            ..Options::default()
        },
        partition_by,
        compression,
        row_group_rows,
        threads: thread_count(threads, &given)?,
        fail_on_reject: raises(on_error)?,
    };
    let mut all = Vec::new();
    for one in &given {
        all.extend(one.sources(py)?);
    }
    let done = watched(
        py,
        progress,
        |watch| parquet::convert(all, Path::new(&out), &settings, watch),
        |done| done.progress,
    )?;
    match done {
        Ok(done) => Ok(Converted { out, done }),
        Err(failed) => Err(error::convert(py, &failed)),
    }
}
