//! All inputs to one file, rows in the order of the input. Workers read and encode whole row groups; one thread appends
//! them in order.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_array::RecordBatch;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::reader::ordered::{Emit, Next, Ordered, Panicked};
use crate::reader::plan::plan as tasks;
use crate::reader::source::{OpenError, Source, Task};
use crate::reader::{Account, Reader};

use super::group::{Chunk, GroupEncoder, Plan, append_group, begin_file};
use super::steps::Steps;
use super::{ConvertError, Converted, Held, Meter, Settings, Watch, encode_error, output_error};
use crate::output::atomic::AtomicFile;
use crate::output::rejects::Rejects;

/// Most bytes of a plain file that one worker makes row groups of: a row group of the next worker waits in memory.
const RANGE: u64 = 96 << 20;

/// What a worker hands on.
enum Item {
    Group { chunks: Vec<Chunk>, rows: u64 },
    Account(Account),
    Failed(Failure),
}

enum Failure {
    Open(OpenError),
    Encode(ParquetError),
    Panicked(Panicked),
}

/// See [`super::convert`].
pub(super) fn convert(
    sources: Vec<Source>,
    out: &Path,
    settings: &Settings,
    meter: &Meter,
    watch: Watch<'_>,
) -> Result<Converted, ConvertError> {
    let inputs: Vec<_> = sources.iter().map(describe).collect();
    let schema = settings.reader.selection.schema();
    let (writer, plan) = begin_file(out, &schema, settings.compression, &inputs)?;
    let range = meter.range(RANGE, settings.threads);
    let mut sink = Sink {
        writer,
        out,
        rejects: Rejects::beside(out),
        converted: Converted::default(),
        settings,
        meter,
        watch,
    };
    run(tasks(sources, range), settings, &plan, meter, &mut sink)?;
    sink.finish()
}

/// How the metadata names an input.
fn describe(source: &Source) -> String {
    match source {
        Source::Path(path) => {
            let size = path.metadata().map_or(0, |meta| meta.len());
            format!("{} ({size} bytes)", path.display())
        }
        Source::Stream { name, .. } if name.is_empty() => "stream".to_owned(),
        Source::Stream { name, .. } => name.clone(),
    }
}

/// Runs the tasks, on this thread alone or on workers.
fn run(
    tasks: Vec<Task>,
    settings: &Settings,
    plan: &Plan,
    meter: &Meter,
    sink: &mut Sink<'_>,
) -> Result<(), ConvertError> {
    let new_encoder = {
        let (settings, plan, meter) = (settings.clone(), plan.clone(), meter.clone());
        move || Encoder::new(&settings, &plan, &meter)
    };
    if settings.threads <= 1 {
        return run_here(tasks, new_encoder(), sink);
    }
    let encode = |encoder: &mut Encoder, task, emit: Emit<'_, Item>| {
        encoder.encode(task, emit);
        encoder.close(emit);
    };
    let mut items = Ordered::start(tasks, settings.threads, new_encoder, encode);
    // Dropped in front of `items`, which waits for the workers.
    let _stop = meter.stop_at_end();
    loop {
        match items.next(Duration::from_millis(50))? {
            Next::Item(item) => sink.take(item)?,
            Next::Pending => sink.watch()?,
            Next::End => return Ok(()),
        }
    }
}

/// One after the other; a row group may hold rows of several tasks then.
fn run_here(tasks: Vec<Task>, mut encoder: Encoder, sink: &mut Sink<'_>) -> Result<(), ConvertError> {
    let mut result = Ok(());
    let mut emit = |item| {
        result = sink.take(item);
        result.is_ok()
    };
    for task in tasks {
        if !encoder.encode(task, &mut emit) {
            break;
        }
    }
    encoder.close(&mut emit);
    result
}

/// Reads tasks into row groups.
struct Encoder {
    reader: Reader,
    /// Made with the first batch, since a compressor may fail to get its memory.
    group: Option<GroupEncoder>,
    plan: Plan,
    meter: Meter,
    settings: Settings,
}

impl Encoder {
    fn new(settings: &Settings, plan: &Plan, meter: &Meter) -> Self {
        Self {
            reader: Reader::new(settings.reader.clone()),
            group: None,
            plan: plan.clone(),
            meter: meter.clone(),
            settings: settings.clone(),
        }
    }

    /// Encodes a task; answers whether to go on. The last row group stays open.
    fn encode(&mut self, task: Task, emit: Emit<'_, Item>) -> bool {
        self.try_encode(task, emit).unwrap_or_else(|failure| {
            self.abandon();
            emit(Item::Failed(failure));
            false
        })
    }

    /// Closes the row group in progress.
    fn close(&mut self, emit: Emit<'_, Item>) {
        if let Err(failure) = self.close_group(emit) {
            emit(Item::Failed(failure));
        }
    }

    fn try_encode(&mut self, task: Task, emit: Emit<'_, Item>) -> Result<bool, Failure> {
        let mut steps =
            Steps::begin(task, &mut self.reader, &self.settings, &self.meter, self.settings.threads > 1)
                .map_err(Failure::Open)?;
        let mut held = Held::new(&self.settings);
        while let Some(step) = steps.next(&mut self.reader, &self.meter).map_err(Failure::Panicked)? {
            if let Some(batch) = step.batch {
                self.write(&batch, emit)?;
            }
            let due = held.add(step.account);
            if self.meter.is_stopped() || due.is_some_and(|account| !emit(Item::Account(account))) {
                self.abandon();
                return Ok(false);
            }
        }
        if self.meter.is_stopped() || !emit(Item::Account(held.rest())) {
            self.abandon();
            return Ok(false);
        }
        Ok(true)
    }

    fn write(&mut self, batch: &RecordBatch, emit: Emit<'_, Item>) -> Result<(), Failure> {
        let mut done = 0;
        while done < batch.num_rows() {
            let row_group_rows = self.settings.row_group_rows;
            let group = self.group().map_err(|error| Failure::Encode(error.into()))?;
            let room = row_group_rows - group.rows();
            let part = batch.slice(done, room.min(batch.num_rows() - done));
            group.write(&part).map_err(Failure::Encode)?;
            let full = group.rows() >= row_group_rows || group.is_full();
            done += part.num_rows();
            self.meter.rows.fetch_add(part.num_rows() as u64, Ordering::Relaxed);
            if full {
                self.close_group(emit)?;
            }
        }
        Ok(())
    }

    fn group(&mut self) -> io::Result<&mut GroupEncoder> {
        if self.group.is_none() {
            self.group = Some(GroupEncoder::new(self.plan.clone())?);
        }
        // Made above.
        self.group.as_mut().ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    fn close_group(&mut self, emit: Emit<'_, Item>) -> Result<(), Failure> {
        let Some(group) = self.group.as_mut().filter(|group| group.rows() > 0) else { return Ok(()) };
        let rows = group.rows() as u64;
        let chunks = group.close().map_err(Failure::Encode)?;
        emit(Item::Group { chunks, rows });
        Ok(())
    }

    fn abandon(&mut self) {
        if let Some(group) = &mut self.group {
            group.abandon();
        }
    }
}

/// Appends row groups to the file and keeps the account.
struct Sink<'a> {
    writer: SerializedFileWriter<AtomicFile>,
    out: &'a Path,
    rejects: Rejects,
    converted: Converted,
    settings: &'a Settings,
    meter: &'a Meter,
    watch: Watch<'a>,
}

impl Sink<'_> {
    fn take(&mut self, item: Item) -> Result<(), ConvertError> {
        match item {
            Item::Group { chunks, rows } => {
                append_group(&mut self.writer, chunks).map_err(encode_error(self.out))?;
                self.converted.rows += rows;
            }
            Item::Account(mut account) => {
                self.meter.count(&account);
                if self.settings.fail_on_reject && !account.rejected.is_empty() {
                    return Err(ConvertError::Rejected(Box::new(account.rejected.swap_remove(0))));
                }
                self.converted.outcomes.merge(&account.outcomes);
                self.rejects.add(&account.rejected).map_err(output_error(self.rejects.path()))?;
            }
            Item::Failed(Failure::Open(error)) => return Err(error.into()),
            Item::Failed(Failure::Encode(error)) => return Err(encode_error(self.out)(error)),
            Item::Failed(Failure::Panicked(error)) => return Err(error.into()),
        }
        self.watch()
    }

    fn watch(&mut self) -> Result<(), ConvertError> {
        if (self.watch)(&self.meter.progress()) { Ok(()) } else { Err(ConvertError::Interrupted) }
    }

    /// Finishes the quarantine first: rows must not appear without the account of what is missing among them.
    fn finish(mut self) -> Result<Converted, ConvertError> {
        self.watch()?;
        let rejects_path = self.rejects.path().to_owned();
        let rejects_file = self.rejects.replace().map_err(output_error(&rejects_path))?;
        let file = self.writer.into_inner().map_err(encode_error(self.out))?;
        file.finish().map_err(output_error(self.out))?;
        self.converted.rejects_file = rejects_file;
        self.converted.bytes_written = self.out.metadata().map_or(0, |meta| meta.len());
        self.converted.files = vec![self.out.to_owned()];
        Ok(self.converted)
    }
}
