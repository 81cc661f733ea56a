//! Events as they will stand in payloads.

use std::ops::Range;
use std::sync::Arc;

use crate::stats::Rejected;

use super::Settings;
use super::pack::{self, Payload};

/// What happened to the events that were read; each is left, or in one of `policy_dropped`, `excluded` and
/// [`Prepared::rejected`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events read.
    pub read: u64,
    /// Events that the policy does not write: their level is None, or their stage is omitted.
    pub policy_dropped: u64,
    /// Events that the policy changed.
    pub policy_reduced: u64,
    /// Events that a rule left out.
    pub excluded: u64,
    /// Events in which a rule masked something.
    pub masked: u64,
}

/// The events that are left after policy and rules, in order.
#[derive(Debug)]
pub struct Prepared {
    pub(super) settings: Arc<Settings>,
    /// Milliseconds since the epoch.
    pub(super) made: i64,
    pub(super) counts: Counts,
    pub(super) rejected: Vec<Rejected>,
    /// The events, each with a newline behind it.
    pub(super) text: Vec<u8>,
    pub(super) events: Vec<Place>,
    /// The files that events are from.
    pub(super) files: Vec<String>,
}

/// Where an event stands, and where its line stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Position in the text behind its newline.
    pub(super) end: usize,
    /// One more than the place of its file; 0 where it is unknown.
    pub(super) file: u32,
    pub(super) offset: u64,
    /// `stageTimestamp`, microseconds since the epoch; the least number where there is none.
    pub(super) stage: i64,
}

impl Prepared {
    pub(super) fn new(settings: Arc<Settings>, made: i64) -> Self {
        Self {
            settings,
            made,
            counts: Counts::default(),
            rejected: Vec::new(),
            text: Vec::new(),
            events: Vec::new(),
            files: Vec::new(),
        }
    }

    /// How many events are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Bytes of the events that are left.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() - self.events.len()
    }

    /// What happened to the events that were read.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Events that the policy writes, but nobody can say where their bodies end: their text is no valid JSON.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// The newest `stageTimestamp`, microseconds since the epoch.
    #[must_use]
    pub fn last_event(&self) -> Option<i64> {
        self.events.iter().filter_map(Place::stage).max()
    }

    /// All events, one a line.
    #[must_use]
    pub fn lines(&self) -> &[u8] {
        &self.text
    }

    /// An event's bytes.
    #[must_use]
    pub fn event(&self, index: usize) -> Option<&[u8]> {
        let end = self.events.get(index)?.end;
        let start = if index == 0 { 0 } else { self.events[index - 1].end };
        Some(&self.text[start..end - 1])
    }

    /// File and decompressed offset of an event's line.
    #[must_use]
    pub fn place(&self, index: usize) -> Option<(Option<&str>, u64)> {
        let place = self.events.get(index)?;
        let file = (place.file as usize).checked_sub(1).map(|at| self.files[at].as_str());
        Some((file, place.offset))
    }

    /// Packs events, from the first on as many into each payload as its limits take. The payloads' ranges are all of
    /// `range`, in order; the same call gives the same bytes. `most` is a lower limit for an event than the one of the
    /// encoding, for a receiver that turns out to take less.
    #[must_use]
    pub fn payloads(&self, range: Range<usize>, most: Option<usize>) -> Vec<Payload> {
        pack::pack(self, range.start.min(self.len())..range.end.min(self.len()), most)
    }
}

impl Place {
    pub(super) fn stage(&self) -> Option<i64> {
        (self.stage != i64::MIN).then_some(self.stage)
    }
}
