//! `repeated`: which marks of a stream occur more than once.

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_schema::ArrowError;
use auditwake_core::repeats::Repeats;
use pyo3::prelude::*;

use crate::{capsule, error, run};

/// Marks that occur more than once in the first column of a stream, which is of unsigned 64-bit numbers.
#[pyfunction]
pub(crate) fn repeated(py: Python<'_>, marks: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let batches = capsule::import(marks)?;
    run::detached(py, || {
        let mut repeats = Repeats::new();
        for batch in batches {
            let batch = batch?;
            let column = batch.column(0).as_primitive_opt::<UInt64Type>();
            let column =
                column.ok_or_else(|| ArrowError::SchemaError("the marks are no uint64".to_owned()))?;
            repeats.extend(column.values());
        }
        Ok(repeats.finish(run::cores()))
    })
    .map_err(|failed: ArrowError| error::input(py, &failed.to_string()))
}
