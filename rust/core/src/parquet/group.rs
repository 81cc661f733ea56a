//! Batches to the column chunks of a row group: by our own encoder with the codecs that it has, else by the `parquet` crate.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::SchemaDescPtr;

use crate::batch::{Texts, is_looked_up};
use crate::schema::{COLUMNS, Kind};

use super::column::{BuiltColumn, Codec, ColumnBuilder, Shape, Spelling};
use super::properties::{is_repeated_exactly, is_unique, properties};
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
    /// Makes the crate's writers; none where our own encoder writes, since each of them has a compressor of its own.
    factory: Option<Arc<ArrowRowGroupWriterFactory>>,
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
    let properties = Arc::new(properties);
    let factory = match texts_for(compression) {
        Texts::Coded => None,
        Texts::AsDeclared => Some(Arc::new(general_writers(schema, Arc::clone(&properties))?)),
    };
    let writer = SerializedFileWriter::new(file, columns.root_schema_ptr(), properties)?;
    Ok((writer, Plan { schema: Arc::clone(schema), columns, bounded, factory, compression }))
}

/// What makes the crate's writers of all columns.
fn general_writers(
    schema: &SchemaRef,
    properties: WriterPropertiesPtr,
) -> Result<ArrowRowGroupWriterFactory, ParquetError> {
    let root = ArrowSchemaConverter::new().convert(schema)?.root_schema_ptr();
    let nowhere = SerializedFileWriter::new(io::sink(), root, properties)?;
    Ok(ArrowRowGroupWriterFactory::new(&nowhere, Arc::clone(schema)))
}

/// A finished column chunk.
pub(super) enum Chunk {
    Arrow(Box<ArrowColumnChunk>),
    Own(Box<BuiltColumn>),
}

impl Chunk {
    /// Appends the chunk to the row group that is being written.
    pub(super) fn append<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Arrow(chunk) => chunk.append_to_row_group(group),
            Self::Own(chunk) => group.append_column(&chunk.bytes, chunk.close),
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
    Own(Vec<ColumnBuilder>),
}

/// Encodes row groups, one after the other.
pub(super) struct GroupEncoder {
    plan: Plan,
    /// `None` where texts come as declared.
    codec: Option<Codec>,
    /// One entry a column of the schema; none before the first row group. Our own builders stay from one row group to the
    /// next, with the room that they took.
    columns: Vec<Leaves>,
    /// Whether the columns have begun a row group.
    begun: bool,
    rows: usize,
    /// Bytes of bodies in the row group.
    bodies: usize,
}

impl GroupEncoder {
    pub(super) fn new(plan: Plan) -> io::Result<Self> {
        let codec = Codec::new(plan.compression.coded())?;
        Ok(Self { plan, codec, columns: Vec::new(), begun: false, rows: 0, bodies: 0 })
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
            Leaves::Own(columns) => columns.iter().map(ColumnBuilder::size).sum(),
        };
        self.columns.iter().map(size).sum()
    }

    /// Adds the rows of a batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if !self.begun {
            self.begin_columns()?;
        }
        let fields = self.plan.schema.fields().iter();
        for ((field, leaves), array) in fields.zip(&mut self.columns).zip(batch.columns()) {
            match (leaves, &mut self.codec) {
                (Leaves::Own(columns), Some(codec)) => {
                    for column in columns {
                        column.write(array, codec)?;
                    }
                    self.bodies += text_bytes(array);
                }
                (Leaves::Arrow(writers), _) => {
                    for (writer, leaf) in writers.iter_mut().zip(compute_leaves(field, array)?) {
                        writer.write(&leaf)?;
                    }
                    self.bodies += text_bytes(array);
                }
                (Leaves::Own(_), None) => unreachable!("our own columns are begun with a codec only"),
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// The chunks of the row group in file order; none when it has no rows.
    pub(super) fn close(&mut self) -> Result<Vec<Chunk>, ParquetError> {
        (self.rows, self.bodies) = (0, 0);
        let mut chunks = Vec::new();
        if !std::mem::take(&mut self.begun) {
            return Ok(chunks);
        }
        for leaves in &mut self.columns {
            match (leaves, &mut self.codec) {
                (Leaves::Own(columns), Some(codec)) => {
                    for column in columns {
                        chunks.push(Chunk::Own(Box::new(column.close(codec)?)));
                    }
                }
                (Leaves::Arrow(writers), _) => {
                    for writer in writers.drain(..) {
                        chunks.push(Chunk::Arrow(Box::new(writer.close()?)));
                    }
                }
                (Leaves::Own(_), None) => unreachable!("our own columns are begun with a codec only"),
            }
        }
        Ok(chunks)
    }

    /// Forgets the row group.
    pub(super) fn abandon(&mut self) {
        self.columns.clear();
        self.begun = false;
        (self.rows, self.bodies) = (0, 0);
    }

    fn begin_columns(&mut self) -> Result<(), ParquetError> {
        let fields = self.plan.schema.fields().iter();
        if let Some(factory) = &self.plan.factory {
            let mut writers = factory.create_column_writers(0)?.into_iter();
            let general = |field: &FieldRef| {
                let count = leaves_of(field.data_type());
                Leaves::Arrow(writers.by_ref().take(count).collect())
            };
            self.columns = fields.map(general).collect();
        } else if self.columns.is_empty() {
            let mut leaves = self.plan.columns.columns().iter().zip(self.plan.bounded.iter());
            let mut of_shape = |shape: &Shape| {
                let (descriptor, bounded) = leaves.next()?;
                Some(ColumnBuilder::new(Arc::clone(descriptor), *shape, *bounded))
            };
            let own = |field: &FieldRef| {
                Leaves::Own(shapes(field.name()).iter().filter_map(&mut of_shape).collect())
            };
            self.columns = fields.map(own).collect();
        }
        self.begun = true;
        Ok(())
    }
}

/// The leaves of a column, in the order of the file.
fn shapes(name: &str) -> &'static [Shape] {
    let Some(column) = COLUMNS.iter().find(|column| column.name == name) else { return &[] };
    match column.kind {
        Kind::Time if is_repeated_exactly(name) => &[Shape::Numbers(Spelling::Plain)],
        Kind::Time | Kind::Int64 | Kind::Int32 => &[Shape::Numbers(Spelling::Delta)],
        Kind::Int16 => &[Shape::Shorts],
        Kind::Bool => &[Shape::Flags],
        Kind::Json | Kind::Bytes => &[Shape::Texts],
        Kind::Text if is_unique(name) => &[Shape::Texts],
        Kind::Dict => &[Shape::Flat],
        Kind::Text if is_looked_up(name) => &[Shape::Flat],
        Kind::Text => &[Shape::Words],
        Kind::List => &[Shape::Items],
        Kind::Map => &[Shape::Keys, Shape::Values],
        Kind::MapOfLists => &[Shape::Keys, Shape::ValueItems],
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
