//! Events as the payloads of sinks: read from batches, reduced by a policy, filtered and masked by rules, and packed by the
//! limits of an intake.
//!
//! - An event stands in a payload as it stood on its line, but for what a policy, a rule or a limit changes.
//! - Everything is deterministic: the same batch, settings and time give the same bytes, so that what is sent once more can
//!   be told from what is new.
//! - Nothing is lost in silence: each event read is in [`prepared::Prepared`], or counted as dropped or excluded, or told as
//!   rejected; and each event of that is in a payload, or named by one as oversized.

pub mod compress;
mod encode;
mod fields;
mod fill;
mod formats;
mod json;
pub mod pack;
pub mod prepared;
pub mod rules;
mod shrink;

use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::policy::columns::{ColumnsError, HELPFUL, NEEDED};
use crate::policy::evaluate::Evaluator;

use compress::Compression;
use prepared::Prepared;
use rules::Rules;

/// Columns that are read beside the policy's.
const OWN_COLUMNS: [&str; 4] = ["src_file", "src_offset", "ts_stage", "raw"];

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Events, one a line.
    Ndjson,
    /// An array of events.
    Json,
    /// Datadog's logs intake v2.
    Datadog,
    /// An `ExportLogsServiceRequest` of OpenTelemetry.
    Otlp,
    /// Actions and documents of `_bulk`.
    Elasticsearch,
    /// Events of Splunk's HTTP event collector.
    Splunk,
}

impl Format {
    /// The format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "ndjson" => Self::Ndjson,
            "json" => Self::Json,
            "datadog" => Self::Datadog,
            "otlp" => Self::Otlp,
            "elasticsearch" => Self::Elasticsearch,
            "splunk" => Self::Splunk,
            _ => return None,
        })
    }
}

/// How payloads are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What a payload is.
    pub format: Format,
    /// Of the whole payload.
    pub compression: Compression,
    /// Most events of a payload.
    pub max_events: usize,
    /// Most bytes of a payload before compression.
    pub max_bytes: usize,
    /// Most bytes of an event as it stands in the payload, what frames it in a list not counted.
    pub max_event_bytes: Option<usize>,
    /// Constant values, in the order in which they are written where the format has none of its own.
    pub attributes: Vec<(String, String)>,
}

impl Settings {
    /// A constant value.
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why a batch cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The events' texts are missing.
    #[error("{0}: read the log with raw=True")]
    Raw(String),
    /// A column that the policy looks at is missing or of another type.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// A column cannot be read.
    #[error("column '{name}' cannot be read: {error}")]
    Cast {
        /// The column.
        name: &'static str,
        /// Why not.
        #[source]
        error: ArrowError,
    },
    /// The stream of batches broke off.
    #[error(transparent)]
    Stream(#[from] ArrowError),
}

/// Makes payloads of batches; any number of threads can use one.
#[derive(Debug)]
pub struct Encoder {
    settings: Arc<Settings>,
    rules: Rules,
    policy: Option<Mutex<Evaluator>>,
}

impl Encoder {
    /// Applies the policy first, then the rules.
    #[must_use]
    pub fn new(settings: Settings, rules: Rules, policy: Option<Evaluator>) -> Self {
        Self { settings: Arc::new(settings), rules, policy: policy.map(Mutex::new) }
    }

    /// The columns that batches have to have; `raw` for every row.
    #[must_use]
    pub fn columns(&self) -> Vec<&'static str> {
        let policy = self.policy.iter().flat_map(|_| NEEDED.into_iter().chain(HELPFUL));
        OWN_COLUMNS.into_iter().chain(policy).collect()
    }

    /// What is left of the events of a stream, in order. `made`: milliseconds since the epoch, which Datadog has as the
    /// time of the log.
    ///
    /// # Errors
    /// [`PrepareError`]
    pub fn prepare(
        &self,
        batches: impl IntoIterator<Item = Result<RecordBatch, ArrowError>>,
        made: i64,
    ) -> Result<Prepared, PrepareError> {
        let mut prepared = Prepared::new(Arc::clone(&self.settings), made);
        let mut filler = fill::Filler::new(&self.rules, self.policy.as_ref());
        for batch in batches {
            filler.batch(&batch?, &mut prepared)?;
        }
        Ok(prepared)
    }
}
