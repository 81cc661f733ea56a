//! Lines to batches, with every byte accounted for: the one place that knows lines, envelopes, lanes and batches.

mod ahead;
pub mod batches;
mod event_text;
pub mod growing;
pub mod ordered;
pub mod plan;
pub mod progress;
mod records;
pub mod source;

use std::collections::VecDeque;
use std::hint::black_box;
use std::io::Read;
use std::mem;
use std::sync::Once;

use arrow_array::RecordBatch;

use crate::batch::filter::Filter;
use crate::batch::{BatchBuilder, Limits, Texts};
use crate::lines::{LineOptions, LineReader};
use crate::schema::Selection;
use crate::stats::{Outcome, Outcomes, Rejected};

use records::Records;

/// An account is handed out once it holds so many rejected lines or bytes of them, if no batch is full before: an input
/// of which no line is an event would gather here otherwise.
const ACCOUNT_LINES: usize = 4096;
const ACCOUNT_BYTES: usize = 1 << 20;

/// And once so many events were left out by the filter: whoever waits may want to stop.
const ACCOUNT_FILTERED: u64 = 1 << 16;

/// How a pass reads.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns to build.
    pub selection: Selection,
    /// Rows to build.
    pub filter: Filter,
    /// How texts leave.
    pub texts: Texts,
    /// When a batch closes.
    pub limits: Limits,
    /// Buffer and longest line.
    pub lines: LineOptions,
    /// Whether the column `raw` holds every line.
    pub keep_raw: bool,
    /// Name of the cluster, for its column.
    pub cluster: Option<String>,
    /// Name of the server, for its column, where no line names its node.
    pub apiserver: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            selection: Selection::all(),
            filter: Filter::default(),
            texts: Texts::default(),
            limits: Limits::default(),
            lines: LineOptions::default(),
            keep_raw: false,
            cluster: None,
            apiserver: None,
        }
    }
}

/// What a stretch of input gave, beside its batches.
#[derive(Debug, Default)]
pub struct Account {
    /// Counts since the last account.
    pub outcomes: Outcomes,
    /// Rejected lines since the last account.
    pub rejected: Vec<Rejected>,
    /// Bytes kept of the rejected lines.
    kept: usize,
}

/// A batch and what was counted on the way to it; there is no batch where many lines were rejected or left out in a row,
/// and at the end of a source.
#[derive(Debug)]
pub struct Step {
    /// The rows.
    pub batch: Option<RecordBatch>,
    /// The counts.
    pub account: Account,
    /// How far the source was read for the rows up to here.
    pub reached: Reached,
}

/// A place in a source that everything before is accounted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Offset in the decompressed file.
    pub offset: u64,
    /// Bytes in front of it, at most [`lines::BEFORE`](crate::lines::BEFORE); empty where they are no longer at hand.
    pub before: Vec<u8>,
}

/// A source's bytes, decoded.
pub type Input = Box<dyn Read + Send>;

/// Reads sources one after the other into the batches of one builder, whose tables stay warm between them.
pub struct Reader {
    options: Options,
    builder: BatchBuilder,
    /// The source being read; `None` before the first and behind the end of each.
    pass: Option<Pass>,
}

/// One source on its way to batches.
struct Pass {
    lines: LineReader<Input>,
    records: Records,
    /// Batches that filled up while one record was read: a list of events can hold more than a batch.
    ready: VecDeque<RecordBatch>,
    /// Whether the input is at its end.
    done: bool,
    /// Offset of the first byte that the source gives.
    base: u64,
    /// Offset behind the last record that is closed; in front of every line that waits for others.
    closed: u64,
    /// Offset up to which all rows are in batches that were handed out or are ready.
    batched: u64,
}

impl Reader {
    /// A reader with an empty builder.
    #[must_use]
    pub fn new(options: Options) -> Self {
        keep_pages();
        let selection = options.selection.clone();
        let builder = BatchBuilder::new(selection, options.limits, options.keep_raw, options.texts);
        Self { options, builder, pass: None }
    }

    /// Begins a source: `name` is its file, empty for a stream, and `base` the offset of its first byte there. Batches
    /// end with their source.
    pub fn start(&mut self, input: Input, name: &str, base: u64) {
        self.begin(LineReader::new(input, self.options.lines), name, base);
    }

    fn begin(&mut self, lines: LineReader<Input>, name: &str, base: u64) {
        let file = (!name.is_empty()).then_some(name);
        self.builder.set_origin(self.options.cluster.as_deref(), self.options.apiserver.as_deref(), file);
        self.pass = Some(Pass {
            records: Records::new(&self.options, name, base),
            lines,
            ready: VecDeque::new(),
            done: false,
            base,
            closed: base,
            batched: base,
        });
    }

    /// The next batch of the source with its account, `None` behind the last. An input error ends the source; what was
    /// read before it is a batch, and the error stands among the rejected with the offset where it struck.
    pub fn next_step(&mut self) -> Option<Step> {
        let Self { builder, pass: slot, .. } = self;
        let pass = slot.as_mut()?;
        while !pass.done && pass.ready.is_empty() && !pass.records.account_is_full() {
            if builder.is_full() {
                pass.close_batch(builder);
                break;
            }
            pass.read_line(builder);
        }
        let step = pass.take_step(builder);
        if step.is_none() {
            *slot = None;
        }
        step
    }
}

/// Lets glibc keep the pages of a batch for the next one. Large blocks go back to the system when they are freed, and
/// every page of the next batch is cleared anew, until a block of this size was seen to be freed: twice as much is kept
/// from then on (mallopt(3), `M_MMAP_THRESHOLD`). The block is never touched, and other allocators take no notice.
fn keep_pages() {
    const KEPT: usize = 31 << 20;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(Vec::<u8>::with_capacity(KEPT))));
}

impl Pass {
    fn read_line(&mut self, builder: &mut BatchBuilder) {
        match self.lines.next_line() {
            Ok(Some(line)) => self.records.line(&line, builder, &mut self.ready),
            Ok(None) => return self.finish(builder),
            Err(error) => {
                let offset = self.lines.offset();
                self.finish(builder);
                return self.records.input_error(offset, &error);
            }
        }
        self.moved();
    }

    /// A line was taken. A batch that became ready meanwhile ends inside it: its rows reach to the line before.
    fn moved(&mut self) {
        if !self.ready.is_empty() {
            self.batched = self.closed;
        }
        if !self.records.pending() {
            self.closed = self.base + self.lines.offset();
        }
    }

    fn finish(&mut self, builder: &mut BatchBuilder) {
        self.done = true;
        self.records.finish(builder, &mut self.ready);
        self.closed = self.base + self.lines.offset();
        self.close_batch(builder);
    }

    /// Makes a batch of the rows so far, if there are any.
    fn close_batch(&mut self, builder: &mut BatchBuilder) {
        if !builder.is_empty() {
            close_batch(builder, &mut self.ready);
        }
        self.batched = self.closed;
    }

    /// What is ready: a batch and the account so far, or one of them.
    fn take_step(&mut self, builder: &BatchBuilder) -> Option<Step> {
        let batch = self.ready.pop_front();
        let account = self.records.take_account();
        if batch.is_none() && account.outcomes == Outcomes::default() && account.rejected.is_empty() {
            return None;
        }
        if builder.is_empty() && self.ready.is_empty() {
            self.batched = self.closed;
        }
        let at_hand = self.batched == self.base + self.lines.offset();
        let before = if at_hand { self.lines.before() } else { Vec::new() };
        Some(Step { batch, account, reached: Reached { offset: self.batched, before } })
    }
}

/// Moves the builder's rows to the ready batches.
fn close_batch(builder: &mut BatchBuilder, ready: &mut VecDeque<RecordBatch>) {
    // Fails only past Arrow's 32-bit offsets, which the limits of batch and line keep out of reach.
    let batch = builder.finish().expect("a batch within its limits");
    ready.push_back(batch);
}

impl Account {
    /// Hands out what was counted, and begins anew.
    pub(crate) fn take(&mut self) -> Self {
        mem::take(self)
    }

    /// Adds an account of what stands behind.
    pub(crate) fn append(&mut self, more: Self) {
        self.outcomes.merge(&more.outcomes);
        self.rejected.extend(more.rejected);
        self.kept += more.kept;
    }

    /// Whether it holds so many rejected lines that it should be handed out.
    pub(crate) fn is_full(&self) -> bool {
        self.rejected.len() >= ACCOUNT_LINES || self.kept >= ACCOUNT_BYTES
    }

    fn reject(&mut self, rejected: Rejected) {
        self.outcomes.count(Outcome::Rejected, rejected.length, [rejected.reason]);
        self.keep(rejected);
    }

    /// Keeps a part of a line that is counted elsewhere.
    fn keep(&mut self, rejected: Rejected) {
        self.kept += rejected.bytes.len();
        self.rejected.push(rejected);
    }
}
