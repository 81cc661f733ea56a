//! `Encoder`, `Prepared` and `Payload`: events as the payloads of sinks.

use auditwake_core::payload::compress::Compression;
use auditwake_core::payload::rules::{Given, Rules};
use auditwake_core::payload::{self, Format, PrepareError, Settings, pack, prepared};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::outcomes::Rejected;
use crate::policy::Evaluator;
use crate::run::detached;
use crate::{capsule, error};

/// A processing rule as Python holds it.
#[derive(FromPyObject)]
pub(crate) struct GivenRule {
    name: String,
    r#type: String,
    pattern: String,
    replace_placeholder: String,
}

/// An encoding as Python holds it.
#[derive(FromPyObject)]
pub(crate) struct Encoding<'py> {
    format: String,
    compression: String,
    compression_level: i32,
    max_events: usize,
    max_bytes: usize,
    max_event_bytes: Option<usize>,
    attributes: Bound<'py, PyAny>,
}

impl From<GivenRule> for Given {
    fn from(given: GivenRule) -> Self {
        let GivenRule { name, r#type: kind, pattern, replace_placeholder: replacement } = given;
        Self { name, kind, pattern, replacement }
    }
}

impl Encoding<'_> {
    fn settings(&self) -> PyResult<Settings> {
        let format = Format::from_name(&self.format).ok_or_else(|| {
            PyValueError::new_err(format!(
                "no format '{}': it is ndjson, json, datadog, otlp, elasticsearch or splunk",
                self.format
            ))
        })?;
        let compression = Compression::new(&self.compression, self.compression_level);
        if self.max_events == 0 {
            return Err(PyValueError::new_err("max_events is at least 1"));
        }
        // Any mapping makes a dictionary, in its own order.
        let attributes = self.attributes.py().get_type::<PyDict>().call1((&self.attributes,))?;
        let attributes = attributes.cast_into::<PyDict>()?;
        Ok(Settings {
            format,
            compression: compression.map_err(PyValueError::new_err)?,
            max_events: self.max_events,
            max_bytes: self.max_bytes,
            max_event_bytes: self.max_event_bytes,
            attributes: attributes
                .iter()
                .map(|(key, value)| Ok((key.extract()?, value.extract()?)))
                .collect::<PyResult<_>>()?,
        })
    }
}

/// Makes payloads of batches.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Encoder(payload::Encoder);

#[pymethods]
impl Encoder {
    #[new]
    #[pyo3(signature = (encoding, rules=Vec::new(), policy=None))]
    #[expect(clippy::needless_pass_by_value, reason = "the arguments of the Python call")]
    fn new(encoding: Encoding<'_>, rules: Vec<GivenRule>, policy: Option<&Evaluator>) -> PyResult<Self> {
        let rules = Rules::new(rules.into_iter().map(Given::from));
        let rules = rules.map_err(|failed| PyValueError::new_err(failed.to_string()))?;
        let policy = policy.map(|policy| policy.0.clone());
        Ok(Self(payload::Encoder::new(encoding.settings()?, rules, policy)))
    }

    /// The columns to read, with `raw=True`.
    #[getter]
    fn columns(&self) -> Vec<&'static str> {
        self.0.columns()
    }

    /// What is left of the events of a batch or a stream of them.
    fn prepare(&self, py: Python<'_>, batch: &Bound<'_, PyAny>, made: i64) -> PyResult<Prepared> {
        let batches = capsule::import(batch)?;
        let prepared = detached(py, || self.0.prepare(batches, made));
        let prepared = prepared.map_err(|failed| match failed {
            PrepareError::Columns(failed) => error::columns(py, &failed),
            PrepareError::Stream(failed) => error::input(py, &failed.to_string()),
            PrepareError::Raw(_) | PrepareError::Cast { .. } => PyValueError::new_err(failed.to_string()),
        })?;
        Ok(Prepared(prepared))
    }
}

/// Events as they will stand in payloads.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Prepared(prepared::Prepared);

#[pymethods]
impl Prepared {
    #[getter]
    fn events(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    #[getter]
    fn read(&self) -> u64 {
        self.0.counts().read
    }

    #[getter]
    fn policy_dropped(&self) -> u64 {
        self.0.counts().policy_dropped
    }

    #[getter]
    fn policy_reduced(&self) -> u64 {
        self.0.counts().policy_reduced
    }

    #[getter]
    fn excluded(&self) -> u64 {
        self.0.counts().excluded
    }

    #[getter]
    fn masked(&self) -> u64 {
        self.0.counts().masked
    }

    /// Events that the policy writes and nobody can reduce.
    #[getter]
    fn rejected(&self) -> Vec<Rejected> {
        self.0.rejected().iter().map(|line| Rejected { line: line.clone(), kept: true }).collect()
    }

    /// Seconds since the epoch.
    #[getter]
    #[expect(clippy::cast_precision_loss, reason = "microseconds of this millennium fit")]
    fn last_event(&self) -> Option<f64> {
        self.0.last_event().map(|micros| micros as f64 / 1e6)
    }

    #[pyo3(signature = (start=0, stop=None, max_event_bytes=None))]
    fn payloads(
        &self,
        py: Python<'_>,
        start: usize,
        stop: Option<usize>,
        max_event_bytes: Option<usize>,
    ) -> Vec<Payload> {
        let range = start..stop.unwrap_or(usize::MAX);
        let payloads = detached(py, || self.0.payloads(range, max_event_bytes));
        payloads.into_iter().map(|payload| Payload::new(py, payload)).collect()
    }

    fn event<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        let event = self.0.event(index).ok_or_else(|| self.no_event(index))?;
        Ok(PyBytes::new(py, event))
    }

    /// File and decompressed offset of an event's line.
    fn place(&self, index: usize) -> PyResult<(Option<&str>, u64)> {
        self.0.place(index).ok_or_else(|| self.no_event(index))
    }

    fn lines<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.lines())
    }

    fn __repr__(&self) -> String {
        let counts = self.0.counts();
        format!("Prepared(events={}, read={}, bytes={})", self.0.len(), counts.read, self.0.bytes())
    }
}

impl Prepared {
    fn no_event(&self, index: usize) -> PyErr {
        PyIndexError::new_err(format!("no event {index}: there are {}", self.0.len()))
    }
}

/// A payload, ready to be sent.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Payload {
    body: Py<PyBytes>,
    /// Without the body, which Python holds.
    made: pack::Payload,
}

impl Payload {
    fn new(py: Python<'_>, mut payload: pack::Payload) -> Self {
        let body = std::mem::take(&mut payload.body);
        Self { body: PyBytes::new(py, &body).unbind(), made: payload }
    }
}

#[pymethods]
impl Payload {
    #[getter]
    fn body(&self, py: Python<'_>) -> Py<PyBytes> {
        self.body.clone_ref(py)
    }

    #[getter]
    fn bytes(&self) -> usize {
        self.made.bytes
    }

    #[getter]
    fn start(&self) -> usize {
        self.made.start
    }

    #[getter]
    fn stop(&self) -> usize {
        self.made.stop
    }

    #[getter]
    fn events(&self) -> usize {
        self.made.indexes.len()
    }

    #[getter]
    fn shrunk(&self) -> Vec<usize> {
        self.made.shrunk.clone()
    }

    #[getter]
    fn oversized(&self) -> Vec<usize> {
        self.made.oversized.clone()
    }

    #[getter]
    fn indexes(&self) -> Vec<usize> {
        self.made.indexes.clone()
    }

    fn __repr__(&self) -> String {
        let made = &self.made;
        format!(
            "Payload(start={}, stop={}, events={}, bytes={})",
            made.start,
            made.stop,
            made.indexes.len(),
            made.bytes
        )
    }
}
