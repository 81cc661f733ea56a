//! The part files of one task: one open writer a partition.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use arrow_select::take::take_record_batch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::super::atomic::AtomicFile;
use super::super::properties::properties;
use super::super::{Meter, Settings};
use super::partition;

/// How part files begin.
pub(super) const PREFIX: &str = "part-";

/// Open writers, over which all are closed: partitions by a column of many values must not hold a buffer each.
const MOST_OPEN: usize = 64;

/// Bytes after which a writer closes its row group.
const GROUP_BYTES: usize = 128 << 20;

/// A finished part file.
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// Part files on their way.
pub(super) struct Parts<'a> {
    out: &'a Path,
    /// `part-<identity>-<part>`.
    stem: String,
    settings: &'a Settings,
    /// Name of the input, for the metadata.
    input: &'a str,
    meter: &'a Meter,
    /// Open writers by partition directory.
    open: BTreeMap<String, Open>,
    /// Files begun so far; it numbers them.
    begun: usize,
    finished: Vec<Part>,
}

struct Open {
    path: PathBuf,
    writer: ArrowWriter<AtomicFile>,
    rows: u64,
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        out: &'a Path,
        stem: String,
        settings: &'a Settings,
        input: &'a str,
        meter: &'a Meter,
    ) -> Self {
        Self { out, stem, settings, input, meter, open: BTreeMap::new(), begun: 0, finished: Vec::new() }
    }

    /// Writes the rows of a batch to their partitions.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let directories = partition::directories(batch, &self.settings.partition_by)?;
        let mut rows: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (row, directory) in directories.iter().enumerate() {
            rows.entry(directory).or_default().push(row as u32);
        }
        let batch = without_partitions(batch, &self.settings.partition_by)?;
        for (directory, rows) in rows {
            if rows.len() == batch.num_rows() {
                self.write_to(directory, &batch)?;
            } else {
                self.write_to(directory, &take_record_batch(&batch, &UInt32Array::from(rows))?)?;
            }
        }
        Ok(())
    }

    /// Closes every file; they have their names then.
    pub(super) fn finish(mut self) -> Result<Vec<Part>, ParquetError> {
        self.close_all()?;
        Ok(self.finished)
    }

    fn write_to(&mut self, directory: &str, batch: &RecordBatch) -> Result<(), ParquetError> {
        if !self.open.contains_key(directory) {
            if self.open.len() >= MOST_OPEN {
                self.close_all()?;
            }
            let open = self.begin(directory, batch.schema())?;
            self.open.insert(directory.to_owned(), open);
        }
        let Some(open) = self.open.get_mut(directory) else { return Ok(()) };
        open.writer.write(batch)?;
        open.rows += batch.num_rows() as u64;
        self.meter.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        let full = open.writer.in_progress_rows() >= self.settings.row_group_rows;
        if full || open.writer.in_progress_size() >= GROUP_BYTES {
            open.writer.flush()?;
        }
        Ok(())
    }

    fn begin(&mut self, directory: &str, schema: SchemaRef) -> Result<Open, ParquetError> {
        let path = self.out.join(directory).join(format!("{}-{:04}.parquet", self.stem, self.begun));
        self.begun += 1;
        let file = AtomicFile::create(&path)?;
        let properties = properties(&schema, self.settings.compression, &[self.input.to_owned()]);
        let writer = ArrowWriter::try_new(file, schema, Some(properties))?;
        Ok(Open { path, writer, rows: 0 })
    }

    fn close_all(&mut self) -> Result<(), ParquetError> {
        for (_, open) in std::mem::take(&mut self.open) {
            open.writer.into_inner()?.finish()?;
            let bytes = open.path.metadata()?.len();
            self.finished.push(Part { path: open.path, rows: open.rows, bytes });
        }
        Ok(())
    }
}

/// A partition's column is in the path and not in the file, as Hive wants it.
fn without_partitions(batch: &RecordBatch, partitions: &[String]) -> Result<RecordBatch, ParquetError> {
    let schema = batch.schema();
    let kept: Vec<usize> =
        (0..batch.num_columns()).filter(|&i| !partitions.contains(schema.field(i).name())).collect();
    Ok(batch.project(&kept)?)
}

/// All files below a directory.
pub(super) fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}
