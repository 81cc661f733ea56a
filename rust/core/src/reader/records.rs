//! Lines to records: the fast path for plain lines, the unwrapper for everything else, and the one outcome of each.

#![expect(
    clippy::inline_always,
    reason = "on the way of every line: what the compiler leaves as a call costs more than it does"
)]

use std::collections::VecDeque;

use arrow_array::RecordBatch;

use crate::batch::filter::RowFilter;
use crate::batch::{BatchBuilder, Place};
use crate::envelope::{Origin, Record, Sink, Unwrapper, Verdict};
use crate::event::Spans;
use crate::lines::{Line, LineKind};
use crate::repair::{Repair, Repairs};
use crate::stats::{KEPT_BYTES, Outcome, Outcomes, Rejected};

use super::event_text::{self, Batches, EVENT_START, Found, Lane};
use super::{ACCOUNT_FILTERED, Account, Options};

/// Names of the lanes, as the counters have them.
const LANES: [&str; 3] = ["canonical", "general", "salvage"];

/// What a whole JSON object is that stands where an event should.
const NOT_AUDIT: &str = "a whole JSON object, but no audit event";

/// The records of one source.
pub(super) struct Records {
    unwrapper: Unwrapper,
    account: Account,
    /// Events by the lane that read them, in the order of [`LANES`], until the account is taken.
    lanes: [u64; LANES.len()],
    /// Absent where every row is built.
    filter: Option<RowFilter>,
    /// Events that the filter left out, until the account is taken.
    filtered: u64,
    spans: Spans,
    /// Name of the file, empty for a stream.
    file: String,
    /// Offset in the decompressed file of the first byte that this source reads.
    base: u64,
    /// Whether the builder's origin names a node of one line, which the next plain line is not from.
    node_named: bool,
    cluster: Option<String>,
    apiserver: Option<String>,
}

impl Records {
    pub(super) fn new(options: &Options, file: &str, base: u64) -> Self {
        Self {
            unwrapper: Unwrapper::new(options.lines.max_line),
            account: Account::default(),
            lanes: [0; LANES.len()],
            filter: (!options.filter.is_empty()).then(|| RowFilter::new(options.filter.clone())),
            filtered: 0,
            spans: Spans::default(),
            file: file.to_owned(),
            base,
            node_named: false,
            cluster: options.cluster.clone(),
            apiserver: options.apiserver.clone(),
        }
    }

    /// What was counted since the last call.
    pub(super) fn take_account(&mut self) -> Account {
        for (lane, events) in LANES.into_iter().zip(std::mem::take(&mut self.lanes)) {
            if events > 0 {
                self.account.outcomes.add_events(lane, events);
            }
        }
        self.account.outcomes.leave_out(std::mem::take(&mut self.filtered));
        self.account.take()
    }

    /// Whether the next line belongs to a record that is not closed.
    pub(super) fn pending(&self) -> bool {
        self.unwrapper.pending()
    }

    /// Whether something was counted since the account was taken.
    pub(super) fn has_account(&self) -> bool {
        self.account.outcomes != Outcomes::default() || !self.account.rejected.is_empty()
    }

    /// Whether the account should be taken before another line is.
    pub(super) fn account_is_full(&self) -> bool {
        self.account.is_full() || self.filtered >= ACCOUNT_FILTERED
    }

    /// Takes one line.
    #[inline]
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        builder: &mut BatchBuilder,
        ready: &mut VecDeque<RecordBatch>,
    ) {
        let plain = line.kind != LineKind::Nul && line.bytes.starts_with(EVENT_START);
        if plain && !self.unwrapper.pending() {
            self.plain_line(line, builder, ready);
        } else {
            self.unwrap(builder, ready, |unwrapper, sink| unwrapper.feed(line, sink));
        }
    }

    /// The input is over: whatever waited for more is closed.
    pub(super) fn finish(&mut self, builder: &mut BatchBuilder, ready: &mut VecDeque<RecordBatch>) {
        self.unwrap(builder, ready, Unwrapper::finish);
    }

    /// The input broke off there.
    pub(super) fn input_error(&mut self, offset: u64, error: &std::io::Error) {
        self.account.reject(Rejected {
            file: self.file.clone(),
            offset: self.base + offset,
            length: 0,
            reason: "input_error",
            detail: error.to_string(),
            bytes: Vec::new(),
        });
    }

    fn plain_line(&mut self, line: &Line<'_>, builder: &mut BatchBuilder, ready: &mut VecDeque<RecordBatch>) {
        let offset = self.base + line.offset;
        if std::mem::take(&mut self.node_named) {
            self.set_origin(None, builder);
        }
        let (filter, filtered) = (self.filter.as_mut(), &mut self.filtered);
        let sink = &mut Batches { builder, ready, filter, filtered };
        let left = match event_text::read_whole(line.bytes, offset, &mut self.spans, sink) {
            Ok(repairs) => {
                self.lanes[Lane::Canonical as usize] += 1;
                return self.close_kept(repairs, line.len);
            }
            Err(left) => left,
        };
        let place = Place { offset, raw: line.bytes, repairs: Repairs::default() };
        let found = event_text::read_from(&place, left, &mut self.spans, sink);
        let mut record = RecordState::default();
        record.add(&found);
        self.count_lanes(&found);
        // A line's own fragments have their own place and bytes; the rest of the line is the events'.
        let mut rejected = 0;
        if found.rows > 0 {
            for fragment in &found.fragments {
                rejected += fragment.span.len() as u64;
                let bytes = line.bytes.get(fragment.span.clone()).unwrap_or_default();
                self.reject(offset + fragment.span.start as u64, bytes, fragment.reason, &fragment.detail);
            }
        }
        self.close(record, offset, line.len - rejected, line.bytes);
    }

    /// Runs the unwrapper with a sink that reads what it finds.
    fn unwrap(
        &mut self,
        builder: &mut BatchBuilder,
        ready: &mut VecDeque<RecordBatch>,
        run: impl FnOnce(&mut Unwrapper, &mut dyn Sink),
    ) {
        let mut unwrapper = std::mem::replace(&mut self.unwrapper, Unwrapper::new(0));
        let mut sink = Unwrapped { records: self, builder, ready, record: RecordState::default() };
        run(&mut unwrapper, &mut sink);
        self.unwrapper = unwrapper;
    }

    fn count_lanes(&mut self, found: &Found) {
        for (lane, rows) in self.lanes.iter_mut().zip(found.lanes) {
            *lane += rows as u64;
        }
    }

    fn set_origin(&self, node: Option<&str>, builder: &mut BatchBuilder) {
        let file = (!self.file.is_empty()).then_some(&*self.file);
        builder.set_origin(self.cluster.as_deref(), node.or(self.apiserver.as_deref()), file);
    }

    /// Gives a record its one outcome.
    fn close(&mut self, record: RecordState, offset: u64, len: u64, bytes: &[u8]) {
        if record.rows > 0 {
            self.close_kept(record.repairs, len);
        } else if let Some((reason, detail)) = record.failure {
            self.reject_len(offset, len, bytes, reason, &detail);
        } else {
            self.account.outcomes.count(Outcome::Skipped, len, ["not_audit"]);
        }
    }

    /// Gives a record that became rows its outcome.
    #[inline(always)]
    fn close_kept(&mut self, repairs: Repairs, len: u64) {
        let outcomes = &mut self.account.outcomes;
        if repairs.is_empty() {
            outcomes.count(Outcome::Ok, len, []);
        } else {
            outcomes.count(Outcome::Repaired, len, repairs.iter().map(Repair::name));
        }
    }

    fn reject(&mut self, offset: u64, bytes: &[u8], reason: &'static str, detail: &str) {
        self.reject_len(offset, bytes.len() as u64, bytes, reason, detail);
    }

    fn reject_len(&mut self, offset: u64, length: u64, bytes: &[u8], reason: &'static str, detail: &str) {
        self.account.reject(Rejected {
            file: self.file.clone(),
            offset,
            length,
            reason,
            detail: detail.to_owned(),
            bytes: bytes[..bytes.len().min(KEPT_BYTES)].to_vec(),
        });
    }
}

/// What the texts of one record came to.
#[derive(Default)]
struct RecordState {
    rows: usize,
    repairs: Repairs,
    /// The first thing that became no row.
    failure: Option<(&'static str, String)>,
    /// Fragments of texts that are not the line's own bytes: reason, detail and bytes.
    inner: Vec<(&'static str, String, Vec<u8>)>,
}

impl RecordState {
    fn add(&mut self, found: &Found) {
        self.rows += found.rows;
        if found.rows > 0 {
            self.repairs.merge(found.repairs);
        }
        if let (None, Some(first)) = (&self.failure, found.fragments.first()) {
            self.failure = Some((first.reason, first.detail.clone()));
        }
    }
}

/// Reads what the unwrapper finds.
struct Unwrapped<'a> {
    records: &'a mut Records,
    builder: &'a mut BatchBuilder,
    ready: &'a mut VecDeque<RecordBatch>,
    record: RecordState,
}

impl Sink for Unwrapped<'_> {
    fn event(&mut self, text: &[u8], origin: Origin<'_>) {
        self.records.set_origin(origin.node, self.builder);
        self.records.node_named = origin.node.is_some();
        let offset = self.records.base + origin.offset;
        let Records { filter, filtered, spans, .. } = &mut *self.records;
        let (builder, ready) = (&mut *self.builder, &mut *self.ready);
        let sink = &mut Batches { builder, ready, filter: filter.as_mut(), filtered };
        let found = event_text::read(text, offset, origin.repairs, spans, sink);
        self.records.count_lanes(&found);
        if found.other {
            let bytes = text[..text.len().min(KEPT_BYTES)].to_vec();
            self.record.inner.push(("not_audit", NOT_AUDIT.to_owned(), bytes));
        }
        for fragment in &found.fragments {
            let bytes = text.get(fragment.span.clone()).unwrap_or_default();
            let bytes = bytes[..bytes.len().min(KEPT_BYTES)].to_vec();
            self.record.inner.push((fragment.reason, fragment.detail.clone(), bytes));
        }
        self.record.add(&found);
    }

    fn close(&mut self, closed: Record<'_>) {
        let mut record = std::mem::take(&mut self.record);
        let offset = self.records.base + closed.offset;
        match closed.verdict {
            Verdict::Rejected(reject) if record.rows == 0 => {
                self.records.reject_len(offset, closed.len, closed.bytes, reject.name(), reject.explain());
            }
            Verdict::Events | Verdict::Rejected(_) => {
                if let Verdict::Rejected(reject) = closed.verdict {
                    let bytes = closed.bytes[..closed.bytes.len().min(KEPT_BYTES)].to_vec();
                    record.inner.push((reject.name(), reject.explain().to_owned(), bytes));
                }
                if record.rows > 0 && !record.inner.is_empty() {
                    record.repairs.add(Repair::ItemRejected);
                    self.quarantine(offset, closed.len, record.inner.drain(..));
                }
                self.records.close(record, offset, closed.len, closed.bytes);
            }
            Verdict::Skipped(skip) => {
                self.records.account.outcomes.count(Outcome::Skipped, closed.len, [skip.name()]);
            }
        }
    }
}

impl Unwrapped<'_> {
    /// Keeps what became no row of a record that is kept. The bytes of the record are counted once, as the record's, and its
    /// place is the one where they can be read again: what was inflated or unescaped stands nowhere as it is.
    fn quarantine(
        &mut self,
        offset: u64,
        length: u64,
        inner: impl Iterator<Item = (&'static str, String, Vec<u8>)>,
    ) {
        for (reason, detail, bytes) in inner {
            self.records.account.keep(Rejected {
                file: self.records.file.clone(),
                offset,
                length,
                reason,
                detail,
                bytes,
            });
        }
    }
}
