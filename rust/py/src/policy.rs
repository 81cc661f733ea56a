//! `Evaluator` and `Keys`: audit policy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, UInt32Array};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use auditwake_core::policy::columns::{Columns, ColumnsError, HELPFUL, NEEDED};
use auditwake_core::policy::explain::Condition;
use auditwake_core::policy::level::Level;
use auditwake_core::policy::matcher::Matcher;
use auditwake_core::policy::reach::{Reached, Realm, TooMany};
use auditwake_core::policy::request::{Request, Target, User};
use auditwake_core::policy::rules::{GroupResources, Policy, Rule, Stages};
use auditwake_core::policy::{evaluate, keys, verdicts};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::{capsule, error, run};

/// A rule as Python holds it.
#[derive(FromPyObject)]
pub(crate) struct GivenRule {
    level: String,
    users: Vec<String>,
    user_groups: Vec<String>,
    verbs: Vec<String>,
    resources: Vec<GivenResources>,
    namespaces: Vec<String>,
    non_resource_urls: Vec<String>,
    omit_stages: Vec<String>,
    omit_managed_fields: Option<bool>,
}

/// An entry of a rule's resources as Python holds it.
#[derive(FromPyObject)]
struct GivenResources {
    group: String,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

/// A request as Python holds it: with a path, or with a resource.
#[derive(FromPyObject, IntoPyObject)]
pub(crate) struct Asked {
    user: Option<String>,
    groups: Vec<String>,
    verb: String,
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    path: Option<String>,
}

impl From<GivenRule> for Rule {
    fn from(given: GivenRule) -> Self {
        let resources = given.resources.into_iter().map(|one| GroupResources {
            group: one.group,
            resources: one.resources,
            resource_names: one.resource_names,
        });
        Self {
            level: Level::from_text(&given.level),
            users: given.users,
            user_groups: given.user_groups,
            verbs: given.verbs,
            resources: resources.collect(),
            namespaces: given.namespaces,
            non_resource_urls: given.non_resource_urls,
            omit_stages: stages(&given.omit_stages),
            omit_managed_fields: given.omit_managed_fields,
        }
    }
}

impl From<Asked> for Request {
    fn from(asked: Asked) -> Self {
        let Asked { user, groups, verb, api_group, resource, subresource, namespace, name, path } = asked;
        let target = path.map_or(
            Target::Resource { group: api_group, resource, subresource, namespace, name },
            Target::Path,
        );
        Self { user: user.map(|name| User { name, groups }), verb, target }
    }
}

impl From<Request> for Asked {
    fn from(request: Request) -> Self {
        let (user, groups) = request.user.map_or((None, Vec::new()), |user| (Some(user.name), user.groups));
        let none = String::new;
        let (path, [api_group, resource, subresource, namespace, name]) = match request.target {
            Target::Path(path) => (Some(path), [none(), none(), none(), none(), none()]),
            Target::Resource { group, resource, subresource, namespace, name } => {
                (None, [group, resource, subresource, namespace, name])
            }
        };
        Self { user, groups, verb: request.verb, api_group, resource, subresource, namespace, name, path }
    }
}

fn stages(names: &[String]) -> Stages {
    Stages::of(names.iter().map(String::as_str))
}

/// A policy, ready to answer.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Evaluator(pub(crate) evaluate::Evaluator);

#[pymethods]
impl Evaluator {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "the arguments of the Python call")]
    fn new(rules: Vec<GivenRule>, omit_stages: Vec<String>, omit_managed_fields: bool) -> Self {
        let rules = rules.into_iter().map(Rule::from).collect();
        let omit_stages = stages(&omit_stages);
        Self(evaluate::Evaluator::new(Policy { rules, omit_stages, omit_managed_fields }))
    }

    /// The first condition of each rule that a request fails; None for a rule that matches.
    fn explain(&self, request: Asked) -> Vec<Option<&'static str>> {
        let why = self.0.matcher().explain(0, &request.into());
        why.into_iter().map(|failed| failed.map(Condition::as_text)).collect()
    }

    /// The verdicts on a stream.
    fn evaluate(&self, py: Python<'_>, batches: &Bound<'_, PyAny>) -> PyResult<Verdicts> {
        let batches = capsule::import(batches)?;
        Columns::new(&RecordBatch::new_empty(batches.schema()))
            .map_err(|failed| error::columns(py, &failed))?;
        Ok(Verdicts(Mutex::new(Some(Stream { batches, evaluator: self.0.clone() }))))
    }

    /// A request for each rule that is reached, and for none.
    fn reach(&self, py: Python<'_>, possible: bool) -> PyResult<Vec<(Vec<Option<usize>>, Asked)>> {
        reach(py, self.0.matcher(), possible)
    }

    /// A request for each pair of rules, one of each policy, that some request reaches.
    fn pairs(
        &self,
        py: Python<'_>,
        other: &Self,
        possible: bool,
    ) -> PyResult<Vec<(Vec<Option<usize>>, Asked)>> {
        reach(py, &Matcher::new([self.0.policy(), other.0.policy()]), possible)
    }
}

fn reach(py: Python<'_>, matcher: &Matcher, possible: bool) -> PyResult<Vec<(Vec<Option<usize>>, Asked)>> {
    let realm = if possible { Realm::Possible } else { Realm::Any };
    let reached: Result<Reached, TooMany> = run::detached(py, || matcher.reach(realm));
    let reached = reached.map_err(|failed| PyValueError::new_err(failed.to_string()))?;
    Ok(reached.into_iter().map(|(rules, request)| (rules, request.into())).collect())
}

/// The requests of the events of a stream.
#[pyfunction]
pub(crate) fn requests(py: Python<'_>, batches: &Bound<'_, PyAny>) -> PyResult<Vec<Asked>> {
    let batches = capsule::import(batches)?;
    let mut requests = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|failed| error::input(py, &failed.to_string()))?;
        let columns = Columns::new(&batch).map_err(|failed| error::columns(py, &failed))?;
        requests.extend((0..batch.num_rows()).map(|row| Asked::from(columns.request(row))));
    }
    Ok(requests)
}

/// The columns that a policy cannot do without, and those that help in rare events.
#[pyfunction]
pub(crate) fn policy_columns() -> (Vec<&'static str>, Vec<&'static str>) {
    (NEEDED.to_vec(), HELPFUL.to_vec())
}

/// Verdicts on a stream, to be read once.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Verdicts(Mutex<Option<Stream>>);

#[pymethods]
impl Verdicts {
    #[staticmethod]
    fn schema() -> crate::schema::Schema {
        crate::schema::Schema::new(verdicts::schema())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let stream = lock(&self.0).take();
        let stream = stream.ok_or_else(|| PyValueError::new_err("these verdicts were read before"))?;
        capsule::stream(py, Box::new(stream))
    }
}

/// Batches of events to batches of verdicts.
struct Stream {
    batches: RecordBatchStreamReader,
    evaluator: evaluate::Evaluator,
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let verdicts = |batch| {
            let verdicts = self.evaluator.verdicts(&batch).map_err(external)?;
            Ok(verdicts.into_batch())
        };
        Some(self.batches.next()?.and_then(verdicts))
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        verdicts::schema()
    }
}

fn external(failed: ColumnsError) -> ArrowError {
    ArrowError::ExternalError(Box::new(failed))
}

/// Distinct keys of streams.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Keys(Mutex<keys::Keys>);

#[pymethods]
impl Keys {
    #[new]
    fn new(rows: bool) -> Self {
        Self(Mutex::new(keys::Keys::new(rows)))
    }

    /// Adds the events of a stream.
    fn add(&self, py: Python<'_>, batches: &Bound<'_, PyAny>) -> PyResult<()> {
        let batches = capsule::import(batches)?;
        Columns::new(&RecordBatch::new_empty(batches.schema()))
            .map_err(|failed| error::columns(py, &failed))?;
        run::detached(py, || {
            let mut keys = lock(&self.0);
            batches.into_iter().try_for_each(|batch| keys.add(&batch?).map_err(external))
        })
        .map_err(|failed| error::input(py, &failed.to_string()))
    }

    fn __len__(&self) -> usize {
        lock(&self.0).len()
    }

    #[getter]
    fn span(&self) -> Option<(i64, i64)> {
        lock(&self.0).span()
    }

    /// The keys.
    fn keys(&self) -> Batch {
        Batch(lock(&self.0).to_batch())
    }

    /// The place of each event's key; None if they were not asked for.
    fn rows(&self) -> Option<Batch> {
        let rows: ArrayRef = Arc::new(UInt32Array::from(lock(&self.0).rows()?.to_vec()));
        let schema = Schema::new(vec![Field::new("key", rows.data_type().clone(), false)]);
        RecordBatch::try_new(Arc::new(schema), vec![rows]).ok().map(Batch)
    }
}

/// One batch as a stream.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Batch(RecordBatch);

#[pymethods]
impl Batch {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        capsule::batch(py, &self.0)
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
