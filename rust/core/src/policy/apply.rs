//! A whole log as a server under a policy would have written it: the events that it would have kept, at the levels that it
//! would have chosen, one a line.
//!
//! The policy itself stands elsewhere. A [`Judge`] sees each batch of rows and answers one [`Verdict`] a row; the text of
//! the row's event, as it stood on its line, is written by that verdict.
//!
//! Nothing is lost in silence: an event is written, dropped by its verdict, or told as rejected, as the lines are that
//! were no events ([`Applied`] has the counts, [`Judge::rejected`] the lines).

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use memchr::memchr2;

use crate::reader::batches::{Batches, ReadError};
use crate::reader::ordered::Next;
use crate::reader::progress::{Progress, total_bytes};
use crate::reader::source::Source;
use crate::reader::{Account, Options};
use crate::schema::Selection;
use crate::stats::{KEPT_BYTES, Outcome, Outcomes, Rejected};

use super::level::Level;
use super::reduce::{Reducer, Unreduced};

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// Most bytes of input in a batch: its texts are read once more when they are written, from the processor's cache if they
/// are few.
const BATCH_BYTES: usize = 4 << 20;

/// How long the judge goes unasked while the next batch is waited for.
const PATIENCE: Duration = Duration::from_millis(50);

/// The columns that are read beside the judge's: the event's text, and where it stood.
const OWN_COLUMNS: [&str; 3] = ["src_file", "src_offset", "raw"];

/// What a policy says of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The level of its rule; at [`Level::None`] the event is dropped.
    pub level: Level,
    /// Whether its stage is written.
    pub emitted: bool,
    /// Whether its bodies lose their managed fields.
    pub omit_managed_fields: bool,
}

/// Who knows the policy, and hears how things go. An error of theirs ends the work.
pub trait Judge {
    /// Why they stopped.
    type Error;

    /// One verdict for each row of the batch, in order. The batch has the columns that were asked for, and some more.
    ///
    /// # Errors
    /// Whatever keeps them from a verdict.
    fn verdicts(&mut self, batch: &RecordBatch) -> Result<Vec<Verdict>, Self::Error>;

    /// Lines and events that could not be read, and so are not in the output. Their bytes are the ones of the log: a body
    /// that the policy leaves out can be in them.
    ///
    /// # Errors
    /// Whatever keeps them from going on.
    fn rejected(&mut self, rejected: Vec<Rejected>) -> Result<(), Self::Error>;

    /// Is told how far the work is, after each batch and several times a second between them.
    ///
    /// # Errors
    /// To stop.
    fn watch(&mut self, progress: &Progress) -> Result<(), Self::Error> {
        let _ = progress;
        Ok(())
    }
}

/// What became of a log. Each event is in one of `written`, `dropped_by_level`, `dropped_by_stage` and `unreduced`.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// What the reader made of every input line: `skipped` ones were no events, and `rejected` ones were told.
    pub outcomes: Outcomes,
    /// Events read.
    pub events: u64,
    /// Bytes of their texts, newlines not counted.
    pub event_bytes: u64,
    /// Events written.
    pub written: u64,
    /// Bytes written, newlines counted.
    pub bytes_written: u64,
    /// Bodies left out of the events that were written.
    pub bodies: u64,
    /// Events that the policy has at level None.
    pub dropped_by_level: u64,
    /// Events whose stage the policy omits.
    pub dropped_by_stage: u64,
    /// Events to write whose text is no valid JSON, so that nobody can say where their bodies end: they were told with the
    /// rejected lines.
    pub unreduced: u64,
}

impl Applied {
    fn progress(&self, bytes_done: u64, bytes_total: Option<u64>) -> Progress {
        let rejected = self.outcomes.total(Outcome::Rejected).lines + self.unreduced;
        Progress { bytes_done, bytes_total, rows: self.events, rejected }
    }
}

/// Why the work stopped; what was written until then is a part of the output.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E> {
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output cannot be written.
    #[error("cannot write the events: {0}")]
    Output(#[source] io::Error),
    /// The judge stopped.
    #[error("{0}")]
    Judge(E),
    /// The judge gave another number of verdicts than there are rows: a mistake of ours, never of the input.
    #[error("{verdicts} verdicts for {rows} events; this is a mistake in auditwake, please report it")]
    Verdicts {
        /// Rows of the batch.
        rows: usize,
        /// Verdicts for them.
        verdicts: usize,
    },
}

/// Writes what a server under the judge's policy would have written of the sources. The selection of `options` is what the
/// judge needs; `threads` read, and the calling thread judges and writes.
///
/// An event stays as it stood, but for what [`Reducer::reduce`] changes, and stands on one line: one that stood on several
/// is joined.
///
/// # Errors
/// [`ApplyError`]
pub fn apply<J: Judge>(
    sources: Vec<Source>,
    mut options: Options,
    threads: usize,
    judge: &mut J,
    out: impl Write,
) -> Result<Applied, ApplyError<J::Error>> {
    options.selection = with_own_columns(&options.selection);
    options.keep_raw = true;
    options.limits.bytes = options.limits.bytes.min(BATCH_BYTES);
    let bytes_total = total_bytes(&sources);
    let mut batches = Batches::new(sources, options, threads);
    let mut writer = Writer {
        out: BufWriter::with_capacity(BUFFER, out),
        reducer: Reducer::default(),
        applied: Applied::default(),
        rejected: Vec::new(),
    };
    loop {
        match batches.next(PATIENCE)? {
            Next::Item(step) => {
                writer.account(step.account);
                if let Some(batch) = step.batch {
                    writer.batch(&batch, judge)?;
                }
                if !writer.rejected.is_empty() {
                    judge.rejected(std::mem::take(&mut writer.rejected)).map_err(ApplyError::Judge)?;
                }
            }
            Next::Pending => {}
            Next::End => break,
        }
        let progress = writer.applied.progress(batches.bytes_read(), bytes_total);
        judge.watch(&progress).map_err(ApplyError::Judge)?;
    }
    writer.out.flush().map_err(ApplyError::Output)?;
    Ok(writer.applied)
}

fn with_own_columns(selection: &Selection) -> Selection {
    let names = selection.columns().map(|column| column.name).chain(OWN_COLUMNS);
    let names: Vec<String> = names.map(str::to_owned).collect();
    Selection::new(Some(&names), true).expect("names of the schema")
}

/// The output, and what was counted on the way to it.
struct Writer<W: Write> {
    out: BufWriter<W>,
    reducer: Reducer,
    applied: Applied,
    /// Lines and events of the batch at hand that are to be told.
    rejected: Vec<Rejected>,
}

impl<W: Write> Writer<W> {
    fn account(&mut self, account: Account) {
        self.applied.outcomes.merge(&account.outcomes);
        self.rejected.extend(account.rejected);
    }

    fn batch<J: Judge>(&mut self, batch: &RecordBatch, judge: &mut J) -> Result<(), ApplyError<J::Error>> {
        let verdicts = judge.verdicts(batch).map_err(ApplyError::Judge)?;
        if verdicts.len() != batch.num_rows() {
            return Err(ApplyError::Verdicts { rows: batch.num_rows(), verdicts: verdicts.len() });
        }
        let raw = batch.column_by_name("raw").expect("a column of our own").as_binary::<i32>();
        for (row, verdict) in verdicts.into_iter().enumerate() {
            self.event(raw.value(row), verdict, || place_of(batch, row)).map_err(ApplyError::Output)?;
        }
        Ok(())
    }

    /// Does what the verdict says; `place` answers file and offset of the line.
    fn event(
        &mut self,
        raw: &[u8],
        verdict: Verdict,
        place: impl FnOnce() -> (String, u64),
    ) -> io::Result<()> {
        let applied = &mut self.applied;
        applied.events += 1;
        applied.event_bytes += raw.len() as u64;
        if verdict.level == Level::None {
            applied.dropped_by_level += 1;
            return Ok(());
        }
        if !verdict.emitted {
            applied.dropped_by_stage += 1;
            return Ok(());
        }
        match self.reducer.reduce(raw, verdict.level, verdict.omit_managed_fields) {
            Ok(reduced) => {
                applied.bodies += reduced.bodies as u64;
                applied.written += 1;
                applied.bytes_written += write_line(reduced.text, &mut self.out)?;
            }
            Err(error) => {
                applied.unreduced += 1;
                self.rejected.push(reject(raw, error, place()));
            }
        }
        Ok(())
    }
}

/// Writes an event on one line; answers how many bytes that took. Between the tokens of JSON a line break and the
/// indentation behind it mean nothing, and inside a string there is none.
pub(crate) fn write_line(event: &[u8], out: &mut impl Write) -> io::Result<u64> {
    if memchr2(b'\n', b'\r', event).is_none() {
        out.write_all(event)?;
        out.write_all(b"\n")?;
        return Ok(event.len() as u64 + 1);
    }
    let mut written = 1;
    for line in event.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = line.trim_ascii();
        out.write_all(line)?;
        written += line.len() as u64;
    }
    out.write_all(b"\n")?;
    Ok(written)
}

/// File and offset of a row's line.
fn place_of(batch: &RecordBatch, row: usize) -> (String, u64) {
    let column = |name| batch.column_by_name(name).expect("a column of our own");
    let files = arrow_cast::cast(column("src_file"), &arrow_schema::DataType::Utf8).expect("a text column");
    let files = files.as_string::<i32>();
    let file = if files.is_null(row) { "" } else { files.value(row) };
    (file.to_owned(), column("src_offset").as_primitive::<Int64Type>().value(row) as u64)
}

/// The account of an event that is to be written and cannot be reduced.
pub(crate) fn reject(raw: &[u8], error: Unreduced, (file, offset): (String, u64)) -> Rejected {
    let reason = match error {
        Unreduced::NotAnObject(_) => "not_json",
        Unreduced::Cut(_) => "torn",
        Unreduced::Invalid(_) => "invalid_json",
    };
    let detail = format!(
        "the event cannot be written under a policy, since its bodies are not to be told apart: {error}"
    );
    let bytes = raw[..raw.len().min(KEPT_BYTES)].to_vec();
    Rejected { file, offset, length: raw.len() as u64, reason, detail, bytes }
}
