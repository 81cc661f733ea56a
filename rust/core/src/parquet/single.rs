//! All inputs to one file, rows in the order of the input. Workers read and encode whole row groups; one thread appends
//! them in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::reader::ordered::{Emit, Next, Ordered};
use crate::reader::plan::plan;
use crate::reader::source::{OpenError, Source, Task};
use crate::reader::{Account, Reader};

use super::atomic::AtomicFile;
use super::rejects::Rejects;
use super::{ConvertError, Converted, Meter, Settings, Watch, encode_error, output_error, properties};

/// Bytes of a plain file that one worker makes row groups of.
const RANGE: u64 = 128 << 20;

/// Arrow bytes after which a row group closes: bodies make rows large.
const GROUP_BYTES: usize = 256 << 20;

/// What a worker hands on.
enum Item {
    Group { chunks: Vec<ArrowColumnChunk>, rows: u64 },
    Account(Account),
    Failed(Failure),
}

enum Failure {
    Open(OpenError),
    Encode(ParquetError),
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
    let mut props = properties::properties(&schema, settings.compression, &inputs);
    add_encoded_arrow_schema_to_metadata(&schema, &mut props);
    let parquet_schema = ArrowSchemaConverter::new().convert(&schema).map_err(encode_error(out))?;
    let file = AtomicFile::create(out).map_err(output_error(out))?;
    let root = parquet_schema.root_schema_ptr();
    let writer = SerializedFileWriter::new(file, root, Arc::new(props)).map_err(encode_error(out))?;
    let factory = Arc::new(ArrowRowGroupWriterFactory::new(&writer, schema));
    let range = (settings.threads > 1).then_some(RANGE);
    let mut sink = Sink {
        writer,
        out,
        rejects: Rejects::beside(out),
        converted: Converted::default(),
        settings,
        meter,
        watch,
    };
    run(plan(sources, range), settings, &factory, meter, &mut sink)?;
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
    factory: &Arc<ArrowRowGroupWriterFactory>,
    meter: &Meter,
    sink: &mut Sink<'_>,
) -> Result<(), ConvertError> {
    let new_encoder = {
        let (settings, factory, meter) = (settings.clone(), Arc::clone(factory), meter.clone());
        move || Encoder::new(&settings, &factory, &meter)
    };
    if settings.threads <= 1 {
        return run_here(tasks, new_encoder(), sink);
    }
    let encode = |encoder: &mut Encoder, task, emit: Emit<'_, Item>| {
        encoder.encode(task, emit);
        encoder.close(emit);
    };
    let mut items = Ordered::start(tasks, settings.threads, new_encoder, encode);
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
    schema: SchemaRef,
    factory: Arc<ArrowRowGroupWriterFactory>,
    meter: Meter,
    row_group_rows: u64,
    /// Writers of the row group in progress, one a leaf column; empty between row groups.
    writers: Vec<ArrowColumnWriter>,
    rows: u64,
    /// Arrow bytes in the row group in progress.
    bytes: usize,
}

impl Encoder {
    fn new(settings: &Settings, factory: &Arc<ArrowRowGroupWriterFactory>, meter: &Meter) -> Self {
        Self {
            reader: Reader::new(settings.reader.clone()),
            schema: settings.reader.selection.schema(),
            factory: Arc::clone(factory),
            meter: meter.clone(),
            row_group_rows: settings.row_group_rows as u64,
            writers: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Encodes a task; answers whether to go on. The last row group stays open.
    fn encode(&mut self, task: Task, emit: Emit<'_, Item>) -> bool {
        self.try_encode(task, emit).unwrap_or_else(|failure| {
            self.writers.clear();
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
        let name = task.name.clone();
        let (input, base) = task.open(&self.meter.read).map_err(Failure::Open)?;
        self.reader.start(input, &name, base);
        while let Some(step) = self.reader.next_step() {
            if let Some(batch) = step.batch {
                self.write(&batch, emit)?;
            }
            if !emit(Item::Account(step.account)) {
                self.writers.clear();
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write(&mut self, batch: &RecordBatch, emit: Emit<'_, Item>) -> Result<(), Failure> {
        let mut done = 0;
        while done < batch.num_rows() {
            let room = (self.row_group_rows - self.rows) as usize;
            let part = batch.slice(done, room.min(batch.num_rows() - done));
            self.write_part(&part).map_err(Failure::Encode)?;
            done += part.num_rows();
            if self.rows >= self.row_group_rows || self.bytes >= GROUP_BYTES {
                self.close_group(emit)?;
            }
        }
        Ok(())
    }

    fn write_part(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if self.writers.is_empty() {
            self.writers = self.factory.create_column_writers(0)?;
        }
        let mut writers = self.writers.iter_mut();
        for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, column)? {
                let writer = writers.next().ok_or_else(|| ParquetError::General("leaf count".to_owned()))?;
                writer.write(&leaf)?;
            }
        }
        self.rows += batch.num_rows() as u64;
        self.bytes += batch.get_array_memory_size();
        self.meter.rows.fetch_add(batch.num_rows() as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    fn close_group(&mut self, emit: Emit<'_, Item>) -> Result<(), Failure> {
        if self.writers.is_empty() {
            return Ok(());
        }
        let chunks = self.writers.drain(..).map(ArrowColumnWriter::close).collect::<Result<_, _>>();
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        emit(Item::Group { chunks: chunks.map_err(Failure::Encode)?, rows });
        Ok(())
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
                self.append(chunks).map_err(encode_error(self.out))?;
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
        }
        self.watch()
    }

    fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close().map(|_| ())
    }

    fn watch(&mut self) -> Result<(), ConvertError> {
        if (self.watch)(&self.meter.progress()) { Ok(()) } else { Err(ConvertError::Interrupted) }
    }

    /// Finishes the quarantine first: rows must not appear without the account of what is missing among them.
    fn finish(mut self) -> Result<Converted, ConvertError> {
        self.watch()?;
        let rejects_path = self.rejects.path().to_owned();
        let rejects_file = self.rejects.finish().map_err(output_error(&rejects_path))?;
        if rejects_file.is_none() {
            // One of an earlier run does not belong to this output.
            let _ = std::fs::remove_file(&rejects_path);
        }
        let file = self.writer.into_inner().map_err(encode_error(self.out))?;
        file.finish().map_err(output_error(self.out))?;
        self.converted.rejects_file = rejects_file;
        self.converted.bytes_written = self.out.metadata().map_or(0, |meta| meta.len());
        self.converted.files = vec![self.out.to_owned()];
        Ok(self.converted)
    }
}
