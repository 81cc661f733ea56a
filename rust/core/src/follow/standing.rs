//! How the logs stand.

use std::path::PathBuf;
use std::time::Duration;

use crate::stats::Outcomes;
use crate::tail::stream::Counters;

use super::Follow;
use super::lane::Lane;

/// How one log stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The live file.
    pub stream: PathBuf,
    /// The file that is read, or was last.
    pub file: Option<PathBuf>,
    /// Up to where it was handed out.
    pub offset: u64,
    /// The last place that was acknowledged, in this run or before it.
    pub acknowledged: Option<(PathBuf, u64)>,
    /// Counts of all that was handed out.
    pub outcomes: Outcomes,
    /// Lines of all outcomes.
    pub lines: u64,
    /// What happened.
    pub counters: Counters,
    /// Bytes that were not read.
    pub lag: u64,
    /// For how long there have been such.
    pub behind: Duration,
    /// Files without a name that are read, and their bytes.
    pub held: (u64, u64),
    /// Bytes that were handed out and not acknowledged.
    pub uncommitted: u64,
    /// What cannot be read at present.
    pub error: Option<String>,
    /// Time until the oldest unread byte is deleted.
    pub time_to_loss: Option<Duration>,
}

impl Follow {
    /// How each log stands.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        self.lanes.iter().enumerate().map(|(index, lane)| self.standing(index, lane)).collect()
    }

    fn standing(&self, index: usize, lane: &Lane) -> Standing {
        let stream = &lane.stream;
        let current = stream.current().and_then(|id| stream.mark(id));
        let mark = current.or_else(|| stream.marks().last().map(|(_, mark)| mark));
        let lag = stream.lag();
        let since = stream.behind_since().unwrap_or(lane.began);
        Standing {
            stream: stream.live().to_owned(),
            file: mark.map(|mark| mark.path.clone()),
            offset: mark.map_or(0, |mark| mark.offset),
            acknowledged: self.ledger.acknowledged(index),
            outcomes: lane.outcomes.clone(),
            lines: lane.lines(),
            counters: stream.counters(),
            lag,
            behind: if lag == 0 { Duration::ZERO } else { since.elapsed() },
            held: stream.held(),
            uncommitted: self.ledger.uncommitted(index),
            error: stream.error().map(str::to_owned),
            time_to_loss: stream.time_to_loss(self.options.retention),
        }
    }
}
