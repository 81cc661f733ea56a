//! `schema`, `columns`, `simd_level`.

use arrow_schema::SchemaRef;
use auditwake_core::scan;
use auditwake_core::schema::{COLUMNS, Selection};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::{capsule, error};

/// An Arrow schema to hand on.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Schema(SchemaRef);

impl Schema {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self(schema)
    }
}

#[pymethods]
impl Schema {
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.0)
    }
}

/// One column of the table of columns.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Column(&'static auditwake_core::schema::Column);

#[pymethods]
impl Column {
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name
    }

    #[getter]
    fn r#type(&self) -> &'static str {
        self.0.kind.describe()
    }

    #[getter]
    fn source(&self) -> &'static str {
        self.0.source
    }

    #[getter]
    fn meaning(&self) -> &'static str {
        self.0.meaning
    }

    #[getter]
    fn groups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.groups())
    }

    fn __repr__(&self) -> String {
        format!("Column(name='{}', type='{}')", self.0.name, self.0.kind.describe())
    }
}

/// The selection of a call.
pub(crate) fn selection(py: Python<'_>, columns: Option<&[String]>, bodies: bool) -> PyResult<Selection> {
    Selection::new(columns, bodies).map_err(|unknown| error::unknown_column(py, &unknown))
}

/// The schema of a selection. `raw` changes no type: the column is there either way.
#[pyfunction]
#[pyo3(signature = (columns=None, *, bodies=true, raw=false))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub(crate) fn schema(
    py: Python<'_>,
    columns: Option<Vec<String>>,
    bodies: bool,
    raw: bool,
) -> PyResult<Schema> {
    let _ = raw;
    Ok(Schema(selection(py, columns.as_deref(), bodies)?.schema()))
}

/// The table of columns.
#[pyfunction]
pub(crate) fn columns() -> Vec<Column> {
    COLUMNS.iter().map(Column).collect()
}

/// The name of the SIMD level in use.
#[pyfunction]
pub(crate) fn simd_level() -> &'static str {
    scan::simd_level().name()
}
