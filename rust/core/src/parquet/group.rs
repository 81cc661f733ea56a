//! Batches to the column chunks of a row group: text columns from their codes, all others by the `parquet` crate.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::properties::EnabledStatistics;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::SchemaDescPtr;

use crate::batch::{Texts, is_looked_up};
use crate::schema::{COLUMNS, Kind};

use super::coded::{Codec, CodedChunk, CodedColumn, Shape};
use super::properties::properties;
use super::{Compression, encode_error, output_error};
use crate::output::atomic::AtomicFile;

/// Bytes of bodies after which a row group closes: a reader may want to hold a column of it.
const BODY_BYTES: usize = 256 << 20;

/// Encoded bytes after which a row group closes: they are held until then.
const ENCODED_BYTES: usize = 64 << 20;

/// How texts have to come for a codec: as codes where pages are written here.
pub(super) fn texts_for(compression: Compression) -> Texts {
    match Codec::new(compression.coded()) {
        Ok(Some(_)) => Texts::Coded,
        _ => Texts::AsDeclared,
    }
}

/// What the row groups of a file have in common.
#[derive(Clone)]
pub(super) struct Plan {
    schema: SchemaRef,
    columns: SchemaDescPtr,
    /// Whether bounds are kept of each leaf column.
    bounded: Arc<[bool]>,
    factory: Arc<ArrowRowGroupWriterFactory>,
    compression: Compression,
}

/// Creates a file under its unfinished name, and the plan of its row groups.
pub(super) fn begin_file(
    path: &Path,
    schema: &SchemaRef,
    compression: Compression,
    inputs: &[String],
) -> Result<(SerializedFileWriter<AtomicFile>, Plan), super::ConvertError> {
    let file = AtomicFile::create(path).map_err(output_error(path))?;
    begin(file, schema, compression, inputs).map_err(encode_error(path))
}

/// As [`begin_file`], into any writer.
pub(super) fn begin<W: Write + Send>(
    file: W,
    schema: &SchemaRef,
    compression: Compression,
    inputs: &[String],
) -> Result<(SerializedFileWriter<W>, Plan), ParquetError> {
    let mut properties = properties(schema, compression, inputs);
    add_encoded_arrow_schema_to_metadata(schema, &mut properties);
    let columns = Arc::new(ArrowSchemaConverter::new().convert(schema)?);
    let statistics = columns.columns().iter().map(|column| properties.statistics_enabled(column.path()));
    let bounded = statistics.map(|kept| kept == EnabledStatistics::Page).collect();
    let writer = SerializedFileWriter::new(file, columns.root_schema_ptr(), Arc::new(properties))?;
    let factory = Arc::new(ArrowRowGroupWriterFactory::new(&writer, Arc::clone(schema)));
    Ok((writer, Plan { schema: Arc::clone(schema), columns, bounded, factory, compression }))
}

/// A finished column chunk.
pub(super) enum Chunk {
    Arrow(Box<ArrowColumnChunk>),
    Coded(Box<CodedChunk>),
}

impl Chunk {
    /// Appends the chunk to the row group that is being written.
    pub(super) fn append<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Arrow(chunk) => chunk.append_to_row_group(group),
            Self::Coded(chunk) => group.append_column(&chunk.bytes, chunk.close),
        }
    }
}

/// Appends finished chunks as one row group.
pub(super) fn append_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    chunks: Vec<Chunk>,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for chunk in chunks {
        chunk.append(&mut group)?;
    }
    group.close().map(|_| ())
}

/// The leaf columns of one column.
enum Leaves {
    Arrow(Vec<ArrowColumnWriter>),
    Coded(Vec<CodedColumn>),
}

/// Encodes row groups, one after the other.
pub(super) struct GroupEncoder {
    plan: Plan,
    /// `None` where texts come as declared.
    codec: Option<Codec>,
    /// One entry a column of the schema; empty between row groups.
    columns: Vec<Leaves>,
    rows: usize,
    /// Bytes of bodies in the row group.
    bodies: usize,
}

impl GroupEncoder {
    pub(super) fn new(plan: Plan) -> io::Result<Self> {
        let codec = Codec::new(plan.compression.coded())?;
        Ok(Self { plan, codec, columns: Vec::new(), rows: 0, bodies: 0 })
    }

    /// Rows in the row group so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the row group should be closed for the bytes in it.
    pub(super) fn is_full(&self) -> bool {
        self.bodies >= BODY_BYTES || self.size() >= ENCODED_BYTES
    }

    fn size(&self) -> usize {
        let size = |leaves: &Leaves| match leaves {
            Leaves::Arrow(writers) => writers.iter().map(ArrowColumnWriter::memory_size).sum::<usize>(),
            Leaves::Coded(columns) => columns.iter().map(CodedColumn::size).sum(),
        };
        self.columns.iter().map(size).sum()
    }

    /// Adds the rows of a batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if self.columns.is_empty() {
            self.columns = self.begin_columns()?;
        }
        let fields = self.plan.schema.fields().iter();
        for ((field, leaves), array) in fields.zip(&mut self.columns).zip(batch.columns()) {
            match (leaves, &mut self.codec) {
                (Leaves::Coded(columns), Some(codec)) => {
                    for column in columns {
                        column.write(array, codec)?;
                    }
                }
                (Leaves::Arrow(writers), _) => {
                    for (writer, leaf) in writers.iter_mut().zip(compute_leaves(field, array)?) {
                        writer.write(&leaf)?;
                    }
                    self.bodies += text_bytes(array);
                }
                (Leaves::Coded(_), None) => unreachable!("columns of codes are begun with a codec only"),
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// The chunks of the row group in file order; none when it has no rows.
    pub(super) fn close(&mut self) -> Result<Vec<Chunk>, ParquetError> {
        (self.rows, self.bodies) = (0, 0);
        let mut chunks = Vec::new();
        for leaves in self.columns.drain(..) {
            match (leaves, &mut self.codec) {
                (Leaves::Coded(columns), Some(codec)) => {
                    for column in columns {
                        chunks.push(Chunk::Coded(Box::new(column.close(codec)?)));
                    }
                }
                (Leaves::Arrow(writers), _) => {
                    for writer in writers {
                        chunks.push(Chunk::Arrow(Box::new(writer.close()?)));
                    }
                }
                (Leaves::Coded(_), None) => unreachable!("columns of codes are begun with a codec only"),
            }
        }
        Ok(chunks)
    }

    /// Forgets the row group.
    pub(super) fn abandon(&mut self) {
        self.columns.clear();
        (self.rows, self.bodies) = (0, 0);
    }

    fn begin_columns(&self) -> Result<Vec<Leaves>, ParquetError> {
        let mut writers = self.plan.factory.create_column_writers(0)?.into_iter();
        let mut leaf = 0;
        let mut columns = Vec::with_capacity(self.plan.schema.fields().len());
        for field in self.plan.schema.fields() {
            let shapes = if self.codec.is_some() { shapes(field.name()) } else { &[] };
            if shapes.is_empty() {
                columns.push(Leaves::Arrow(writers.by_ref().take(leaves_of(field.data_type())).collect()));
                leaf += leaves_of(field.data_type());
                continue;
            }
            let coded = |(place, shape): (usize, &Shape)| {
                let descriptor = self.plan.columns.column(leaf + place);
                CodedColumn::new(descriptor, *shape, self.plan.bounded[leaf + place])
            };
            columns.push(Leaves::Coded(shapes.iter().enumerate().map(coded).collect()));
            writers.by_ref().take(shapes.len()).for_each(drop);
            leaf += shapes.len();
        }
        Ok(columns)
    }
}

/// The leaves of a column that comes as codes; none for any other.
fn shapes(name: &str) -> &'static [Shape] {
    let Some(column) = COLUMNS.iter().find(|column| column.name == name) else { return &[] };
    match column.kind {
        Kind::Dict => &[Shape::Flat],
        Kind::Text if is_looked_up(name) => &[Shape::Flat],
        Kind::List => &[Shape::Items],
        Kind::Map => &[Shape::Keys, Shape::Values],
        Kind::MapOfLists => &[Shape::Keys, Shape::ValueItems],
        _ => &[],
    }
}

fn leaves_of(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(item) => leaves_of(item.data_type()),
        DataType::Map(entries, _) => leaves_of(entries.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| leaves_of(field.data_type())).sum(),
        _ => 1,
    }
}

/// Bytes of the texts of a plain column, its slice alone.
fn text_bytes(array: &ArrayRef) -> usize {
    let span = |ends: &[i32]| (ends[ends.len() - 1] - ends[0]) as usize;
    match array.data_type() {
        DataType::Utf8 => span(array.as_string::<i32>().value_offsets()),
        DataType::Binary => span(array.as_binary::<i32>().value_offsets()),
        _ => 0,
    }
}
