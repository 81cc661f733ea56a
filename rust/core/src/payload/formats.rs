//! The formats, one a module.

mod datadog;
mod elasticsearch;
mod lines;
mod otlp;
mod splunk;

pub(super) use datadog::Datadog;
pub(super) use elasticsearch::Elasticsearch;
pub(super) use lines::{Array, Lines};
pub(super) use otlp::Otlp;
pub(super) use splunk::Splunk;
