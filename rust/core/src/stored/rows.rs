//! A few rows among many: those of some positions, as a stream.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::RowSelection;

use super::file::StoredFile;
use super::position::Position;
use super::{PATIENCE, StoredError};
use crate::reader::ordered::{Emit, Next, Ordered};
use crate::schema::Column;

/// The column that says where a row stands.
pub const POSITION: &str = "position";

/// Rows of some positions, in their order.
pub struct Rows {
    schema: SchemaRef,
    /// Of each row group that has some of them, one result a batch.
    results: Ordered<Result<RecordBatch, StoredError>>,
    has_ended: bool,
}

/// The rows of one row group.
struct Task {
    file: Arc<StoredFile>,
    group: usize,
    /// Ascending, each once.
    positions: Vec<Position>,
}

/// What a worker needs to know beside its task.
#[derive(Clone)]
struct Shape {
    schema: SchemaRef,
    columns: Vec<&'static Column>,
}

impl Rows {
    /// Fetches columns of the rows at `positions`, which are ascending and each of them once. Beside the columns there
    /// is [`POSITION`].
    ///
    /// # Errors
    /// [`StoredError`] for a file that cannot be opened.
    pub fn fetch(
        files: &[PathBuf],
        columns: Vec<&'static Column>,
        positions: &[Position],
        threads: usize,
    ) -> Result<Self, StoredError> {
        let mut tasks = Vec::new();
        for of_file in positions.chunk_by(|one, next| one.file() == next.file()) {
            let file = Arc::new(StoredFile::open(&files[of_file[0].file()], true)?);
            let of_groups =
                of_file.chunk_by(|one, next| file.group_of(one.row()) == file.group_of(next.row()));
            tasks.extend(of_groups.map(|positions| Task {
                file: Arc::clone(&file),
                group: file.group_of(positions[0].row()),
                positions: positions.to_vec(),
            }));
        }
        let fields = columns.iter().map(|column| Field::new(column.name, column.kind.data_type(), true));
        let fields = fields.chain([Field::new(POSITION, DataType::UInt64, false)]);
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let shape = Shape { schema: Arc::clone(&schema), columns };
        let results = Ordered::start(tasks, threads, || (), move |(), task, emit| shape.read(&task, emit));
        Ok(Self { schema, results, has_ended: false })
    }
}

impl Shape {
    fn read(&self, task: &Task, emit: Emit<'_, Result<RecordBatch, StoredError>>) {
        if let Err(error) = self.read_group(task, emit) {
            emit(Err(error));
        }
    }

    fn read_group(
        &self,
        task: &Task,
        emit: Emit<'_, Result<RecordBatch, StoredError>>,
    ) -> Result<(), StoredError> {
        let start = task.file.start(task.group);
        let rows = task.file.start(task.group + 1) - start;
        let runs = task.positions.chunk_by(|one, next| one.row() + 1 == next.row());
        let runs =
            runs.map(|run| (run[0].row() - start) as usize..(run[run.len() - 1].row() - start + 1) as usize);
        let selection = RowSelection::from_consecutive_ranges(runs, rows as usize);
        let mut left = task.positions.as_slice();
        for batch in task.file.read(task.group, &self.columns, Some(selection))? {
            let (mut columns, rows) = batch?;
            let (here, rest) = left.split_at(rows);
            left = rest;
            columns
                .push(Arc::new(UInt64Array::from_iter_values(here.iter().map(|position| position.0)))
                    as ArrayRef);
            let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
                .map_err(|cause| task.file.refused(&cause))?;
            if !emit(Ok(batch)) {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_ended {
            let error = match self.results.next(PATIENCE) {
                Ok(Next::Item(Ok(batch))) => return Some(Ok(batch)),
                Ok(Next::Pending) => continue,
                Ok(Next::End) => {
                    self.has_ended = true;
                    return None;
                }
                Ok(Next::Item(Err(error))) => error,
                Err(panicked) => panicked.into(),
            };
            self.has_ended = true;
            return Some(Err(ArrowError::ExternalError(Box::new(error))));
        }
        None
    }
}

impl RecordBatchReader for Rows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
