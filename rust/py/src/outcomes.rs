//! What became of the lines of a pass.

use std::collections::BTreeMap;

use auditwake_core::stats;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Lines and bytes of one outcome.
#[pyclass(frozen, eq, module = "auditwake._core")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome(stats::Tally);

#[pymethods]
impl Outcome {
    #[getter]
    fn lines(&self) -> u64 {
        self.0.lines
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    fn __repr__(&self) -> String {
        format!("Outcome(lines={}, bytes={})", self.0.lines, self.0.bytes)
    }
}

/// The account of a pass.
#[pyclass(frozen, eq, module = "auditwake._core")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Outcomes(pub(crate) stats::Outcomes);

#[pymethods]
impl Outcomes {
    #[new]
    fn new() -> Self {
        Self(stats::Outcomes::default())
    }

    fn __add__(&self, other: &Self) -> Self {
        let mut sum = self.0.clone();
        sum.merge(&other.0);
        Self(sum)
    }

    #[getter]
    fn ok(&self) -> Outcome {
        Outcome(self.0.total(stats::Outcome::Ok))
    }

    #[getter]
    fn repaired(&self) -> Outcome {
        Outcome(self.0.total(stats::Outcome::Repaired))
    }

    #[getter]
    fn skipped(&self) -> Outcome {
        Outcome(self.0.total(stats::Outcome::Skipped))
    }

    #[getter]
    fn rejected(&self) -> Outcome {
        Outcome(self.0.total(stats::Outcome::Rejected))
    }

    #[getter]
    fn events(&self) -> u64 {
        self.0.events
    }

    #[getter]
    fn filtered(&self) -> u64 {
        self.0.filtered
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    #[getter]
    fn reasons(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, (u64, u64)>> {
        let mut reasons: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for outcome in stats::Outcome::ALL {
            if outcome != stats::Outcome::Ok {
                reasons.insert(outcome.name(), BTreeMap::new());
            }
        }
        for (outcome, reason, tally) in self.0.reasons() {
            reasons.entry(outcome.name()).or_default().insert(reason, (tally.lines, tally.bytes));
        }
        reasons
    }

    #[getter]
    fn lanes(&self) -> BTreeMap<&'static str, u64> {
        self.0.lanes.clone()
    }

    fn __repr__(&self) -> String {
        let total = |outcome| self.0.total(outcome).lines;
        format!(
            "Outcomes(ok={}, repaired={}, skipped={}, rejected={}, events={}, bytes={})",
            total(stats::Outcome::Ok),
            total(stats::Outcome::Repaired),
            total(stats::Outcome::Skipped),
            total(stats::Outcome::Rejected),
            self.0.events,
            self.0.bytes()
        )
    }
}

/// A rejected line.
#[pyclass(frozen, module = "auditwake._core")]
#[derive(Clone)]
pub(crate) struct Rejected {
    pub(crate) line: stats::Rejected,
    /// Whether `line.bytes` are the bytes, as far as a line's are kept at all.
    pub(crate) kept: bool,
}

#[pymethods]
impl Rejected {
    #[getter]
    fn file(&self) -> &str {
        &self.line.file
    }

    #[getter]
    fn offset(&self) -> u64 {
        self.line.offset
    }

    #[getter]
    fn length(&self) -> u64 {
        self.line.length
    }

    #[getter]
    fn reason(&self) -> &'static str {
        self.line.reason
    }

    #[getter]
    fn detail(&self) -> &str {
        &self.line.detail
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.kept.then(|| PyBytes::new(py, &self.line.bytes))
    }

    fn __repr__(&self) -> String {
        let line = &self.line;
        format!(
            "Rejected(file='{}', offset={}, length={}, reason='{}')",
            crate::error::escape(&line.file),
            line.offset,
            line.length,
            line.reason
        )
    }
}
