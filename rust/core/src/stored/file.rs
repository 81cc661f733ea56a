//! One Parquet file: its row groups, read by columns of the schema, whoever wrote it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::{CastOptions, cast, cast_with_options};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};

use super::StoredError;
use super::folder::{self, Named};
use crate::schema::{COLUMNS, Column};

/// Rows of a batch: as many as stay in a core's cache with some twenty columns.
const BATCH_ROWS: usize = 16_384;

/// A file and what its footer says.
pub(super) struct StoredFile {
    path: PathBuf,
    footer: ArrowReaderMetadata,
    /// The number of the first row of each row group, and that of all rows at the end.
    starts: Vec<u64>,
}

impl StoredFile {
    /// Reads the footer, and the index of pages where some of them may be passed over.
    pub(super) fn open(path: &Path, by_pages: bool) -> Result<Self, StoredError> {
        let policy = if by_pages { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
        let options = ArrowReaderOptions::new().with_offset_index_policy(policy);
        let footer = File::open(path)
            .map_err(ParquetError::from)
            .and_then(|file| ArrowReaderMetadata::load(&file, options))
            .map_err(|cause| cannot(path, &cause))?;
        let mut starts = vec![0];
        for group in footer.metadata().row_groups() {
            starts.push(starts[starts.len() - 1] + group.num_rows() as u64);
        }
        Ok(Self { path: path.to_owned(), footer, starts })
    }

    /// An error of it.
    pub(super) fn refused(&self, cause: &ArrowError) -> StoredError {
        failed(&self.path, cause)
    }

    /// How many row groups it has.
    pub(super) fn groups(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of the first row of a group; that of the group after the last is the number of all rows.
    pub(super) fn start(&self, group: usize) -> u64 {
        self.starts[group]
    }

    /// The group that a row is in.
    pub(super) fn group_of(&self, row: u64) -> usize {
        self.starts.partition_point(|start| *start <= row) - 1
    }

    /// What the footer says of a group.
    pub(super) fn group(&self, group: usize) -> &RowGroupMetaData {
        self.footer.metadata().row_group(group)
    }

    /// How many values of a column are null in a group; `None` where the footer does not say so.
    pub(super) fn nulls(&self, group: usize, column: &str) -> Option<u64> {
        let own = self.own_name(column).unwrap_or(column);
        let place =
            self.footer.parquet_schema().columns().iter().position(|leaf| leaf.path().string() == own);
        let Some(place) = place else {
            let is_named = matches!(folder::named(&self.path, column), Named::Value(_));
            return Some(if is_named { 0 } else { self.group(group).num_rows() as u64 });
        };
        self.group(group).column(place).statistics()?.null_count_opt()
    }

    /// Reads columns of a group, all rows or those of a selection. What the file lacks is null.
    pub(super) fn read(
        &self,
        group: usize,
        columns: &[&'static Column],
        selection: Option<RowSelection>,
    ) -> Result<Batches<'_>, StoredError> {
        let schema = self.footer.schema();
        let own: Vec<_> = columns.iter().map(|column| self.own_name(column.name)).collect();
        let roots = own.iter().flatten().filter_map(|name| schema.index_of(name).ok());
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), roots);
        let file = File::open(&self.path).map_err(|cause| cannot(&self.path, &cause.into()))?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS)
            .with_projection(mask);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        let reader = builder.build().map_err(|cause| cannot(&self.path, &cause))?;
        Ok(Batches { path: &self.path, columns: columns.iter().copied().zip(own).collect(), reader })
    }

    /// What the file calls a column: engines whose names have no case write them in upper case.
    fn own_name(&self, column: &str) -> Option<&str> {
        let names = || self.footer.schema().fields().iter().map(|field| field.name().as_str());
        names()
            .find(|name| *name == column)
            .or_else(|| names().find(|name| name.eq_ignore_ascii_case(column)))
    }
}

/// Batches of some columns, in the order and of the types that were asked for.
pub(super) struct Batches<'a> {
    path: &'a Path,
    /// Each with its name in the file, which may have none.
    columns: Vec<(&'static Column, Option<&'a str>)>,
    reader: ParquetRecordBatchReader,
}

impl Iterator for Batches<'_> {
    /// The columns, and the number of rows: a file may have none of the columns.
    type Item = Result<(Vec<ArrayRef>, usize), StoredError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|cause| failed(self.path, &cause)).and_then(|batch| {
            let of = |(column, own): &(&'static Column, Option<&str>)| {
                typed(&batch, column, *own, self.path).map_err(|cause| StoredError::Column {
                    file: self.path.to_owned(),
                    column: column.name,
                    cause: cause.to_string(),
                })
            };
            Ok((self.columns.iter().map(of).collect::<Result<_, _>>()?, batch.num_rows()))
        }))
    }
}

/// A column as the schema has it; what the file lacks is what its folders say, or null.
fn typed(
    batch: &RecordBatch,
    column: &Column,
    own: Option<&str>,
    path: &Path,
) -> Result<ArrayRef, ArrowError> {
    let wanted = column.kind.data_type();
    let Some(array) = own.and_then(|name| batch.column_by_name(name)) else {
        return folder::rows(&folder::named(path, column.name), column, batch.num_rows());
    };
    if array.data_type() == &wanted {
        return Ok(Arc::clone(array));
    }
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&zoned(array)?, &wanted, &exact)
}

/// Takes times without a zone for those of UTC, as every audit log has them; other arrays are left as they are.
fn zoned(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !matches!(array.data_type(), DataType::Timestamp(_, None)) {
        return Ok(Arc::clone(array));
    }
    let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>().clone();
    Ok(Arc::new(micros.with_timezone("UTC")))
}

fn cannot(path: &Path, cause: &ParquetError) -> StoredError {
    StoredError::File { file: path.to_owned(), cause: cause.to_string() }
}

fn failed(path: &Path, cause: &ArrowError) -> StoredError {
    StoredError::File { file: path.to_owned(), cause: cause.to_string() }
}

/// Columns of the schema by their names.
pub(super) fn columns(names: &[&str]) -> Vec<&'static Column> {
    let of = |name: &&str| COLUMNS.iter().find(|column| column.name == *name);
    names.iter().filter_map(of).collect()
}
