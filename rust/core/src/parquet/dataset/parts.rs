//! The part files of one task: one open writer a partition.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::{Fields, Schema, SchemaRef};
use arrow_select::take::take_record_batch;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::super::group::{GroupEncoder, append_group, begin};
use super::super::{Meter, Settings};
use super::partition;
use crate::output::atomic::AtomicFile;

/// How part files begin.
pub(super) const PREFIX: &str = "part-";

/// Open writers, over which all are closed: partitions by a column of many values must not hold a buffer each.
const MOST_OPEN: usize = 64;

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
    /// Schema of the files: the selected columns without those of the partitions.
    schema: SchemaRef,
    /// Files begun so far; it numbers them.
    begun: usize,
    finished: Vec<Part>,
}

struct Open {
    path: PathBuf,
    writer: SerializedFileWriter<AtomicFile>,
    group: GroupEncoder,
    rows: u64,
}

impl Open {
    fn close_group(&mut self) -> Result<(), ParquetError> {
        if self.group.rows() > 0 {
            append_group(&mut self.writer, self.group.close()?)?;
        }
        Ok(())
    }

    /// Makes the file appear.
    fn finish(mut self) -> Result<Part, ParquetError> {
        self.close_group()?;
        self.writer.into_inner()?.finish()?;
        let bytes = self.path.metadata()?.len();
        Ok(Part { path: self.path, rows: self.rows, bytes })
    }
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        out: &'a Path,
        stem: String,
        settings: &'a Settings,
        input: &'a str,
        meter: &'a Meter,
    ) -> Self {
        let schema = without_partitions(&settings.reader.selection.schema(), &settings.partition_by);
        let (open, finished) = (BTreeMap::new(), Vec::new());
        Self { out, stem, settings, input, meter, open, schema, begun: 0, finished }
    }

    /// Writes the rows of a batch to their partitions.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let directories = partition::directories(batch, &self.settings.partition_by)?;
        let mut rows: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (row, directory) in directories.iter().enumerate() {
            rows.entry(directory).or_default().push(row as u32);
        }
        let kept: Vec<usize> = (0..batch.num_columns())
            .filter(|&i| self.schema.column_with_name(batch.schema_ref().field(i).name()).is_some())
            .collect();
        let batch = batch.project(&kept)?;
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
            let open = self.begin(directory)?;
            self.open.insert(directory.to_owned(), open);
        }
        let Some(open) = self.open.get_mut(directory) else { return Ok(()) };
        open.group.write(batch)?;
        open.rows += batch.num_rows() as u64;
        self.meter.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        if open.group.rows() >= self.settings.row_group_rows || open.group.is_full() {
            open.close_group()?;
        }
        Ok(())
    }

    fn begin(&mut self, directory: &str) -> Result<Open, ParquetError> {
        let path = self.out.join(directory).join(format!("{}-{:04}.parquet", self.stem, self.begun));
        self.begun += 1;
        let file = AtomicFile::create(&path)?;
        let (writer, plan) = begin(file, &self.schema, self.settings.compression, &[self.input.to_owned()])?;
        Ok(Open { path, writer, group: GroupEncoder::new(plan)?, rows: 0 })
    }

    fn close_all(&mut self) -> Result<(), ParquetError> {
        for (_, open) in std::mem::take(&mut self.open) {
            self.finished.push(open.finish()?);
        }
        Ok(())
    }
}

/// A partition's column is in the path and not in the file, as Hive wants it.
fn without_partitions(schema: &Schema, partitions: &[String]) -> SchemaRef {
    let kept = schema.fields().iter().filter(|field| !partitions.contains(field.name()));
    Arc::new(Schema::new_with_metadata(kept.cloned().collect::<Fields>(), schema.metadata().clone()))
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
