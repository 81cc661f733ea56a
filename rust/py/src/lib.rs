//! `auditwake._core`: the Rust core as Python sees it. This file only registers.

mod apply;
mod capsule;
mod convert;
mod error;
mod filter;
mod lines;
mod outcomes;
mod payload;
mod policy;
mod progress;
mod reader;
mod repeats;
mod run;
mod schema;
mod source;
mod stored;
mod tail;
mod tail_batch;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_export]
    use super::apply::{Applied, apply};
    #[pymodule_export]
    use super::convert::{Converted, convert};
    #[pymodule_export]
    use super::lines::{Lines, lines};
    #[pymodule_export]
    use super::outcomes::{Outcome, Outcomes, Rejected};
    #[pymodule_export]
    use super::payload::{Encoder, Payload, Prepared};
    #[pymodule_export]
    use super::policy::{Batch, Evaluator, Keys, Verdicts, policy_columns, requests};
    #[pymodule_export]
    use super::progress::Progress;
    #[pymodule_export]
    use super::reader::Reader;
    #[pymodule_export]
    use super::repeats::repeated;
    #[pymodule_export]
    use super::schema::{Column, Schema, columns, schema, simd_level};
    #[pymodule_export]
    use super::source::discover;
    #[pymodule_export]
    use super::stored::{stored_rows, survey};
    #[pymodule_export]
    use super::tail::Tail;
    #[pymodule_export]
    use super::tail_batch::TailBatch;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::error::register(module)
    }
}
