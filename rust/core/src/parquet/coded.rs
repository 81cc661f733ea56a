//! A column chunk of texts, written from the codes that the batches already have.
//!
//! The general encoder of the `parquet` crate looks every value of a column up in a hash table, also where the column is a
//! dictionary. Here a value costs one step from the batch's code to the chunk's, and its bits. Pages, statistics and
//! indexes are those of the format (parquet-format `README.md`, `Encodings.md`, `PageIndex.md`), so any reader takes them.

mod dictionary;
mod hybrid;
mod page;
mod shape;
mod statistics;

use std::io;

use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, PageType, Type, ZstdLevel};
use parquet::column::page::{CompressedPage, Page as FormatPage, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use dictionary::Dictionary;
use page::{Page, Values};
use shape::{Leaf, Writing};
use statistics::Bounds;

pub(super) use shape::Shape;

/// Rows of a page, which is what a reader with a page index skips by.
const PAGE_ROWS: usize = 20_000;

/// Bytes after which a page closes early: texts of a full dictionary are long.
const PAGE_BYTES: usize = 1 << 20;

/// Bytes of a dictionary after which the rest of its column chunk is plain.
const DICTIONARY_BYTES: usize = 4 << 20;

/// Rows between two looks at the sizes above.
const STEP: usize = 1024;

/// Compresses pages.
pub(super) enum Codec {
    None,
    Zstd(Box<zstd::bulk::Compressor<'static>>, ZstdLevel),
}

impl Codec {
    /// The codec of that name, where pages can be written with it here.
    pub(super) fn new(compression: Compression) -> io::Result<Option<Self>> {
        Ok(match compression {
            Compression::UNCOMPRESSED => Some(Self::None),
            Compression::ZSTD(level) => {
                let compressor = zstd::bulk::Compressor::new(level.compression_level())?;
                Some(Self::Zstd(Box::new(compressor), level))
            }
            _ => None,
        })
    }

    fn compression(&self) -> Compression {
        match self {
            Self::None => Compression::UNCOMPRESSED,
            Self::Zstd(_, level) => Compression::ZSTD(*level),
        }
    }

    fn compress(&mut self, bytes: Vec<u8>) -> io::Result<Bytes> {
        Ok(match self {
            Self::None => bytes.into(),
            Self::Zstd(compressor, _) => compressor.compress(&bytes)?.into(),
        })
    }
}

/// Builds one column chunk.
pub(super) struct CodedColumn {
    descriptor: ColumnDescPtr,
    shape: Shape,
    /// Whether smallest and largest values are kept, of each page and of the chunk.
    bounded: bool,
    dictionary: Dictionary,
    page: Page,
    finished: Vec<Finished>,
    /// Compressed bytes of the finished pages.
    finished_bytes: usize,
}

/// A page that is ready to be written.
struct Finished {
    bytes: Bytes,
    uncompressed: usize,
    /// Levels: values, nulls and empty lists.
    levels: usize,
    rows: usize,
    nulls: u64,
    /// Whether the values are codes; else they are plain texts, or none.
    has_codes: bool,
    bounds: Option<Bounds>,
}

/// A finished column chunk: its pages in file order and what the file says of them.
pub(super) struct CodedChunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

impl CodedColumn {
    pub(super) fn new(descriptor: ColumnDescPtr, shape: Shape, bounded: bool) -> Self {
        Self {
            descriptor,
            shape,
            // Bounds are asked for where a row has one value.
            bounded: bounded && shape == Shape::Flat,
            dictionary: Dictionary::default(),
            page: Page::new(shape == Shape::Flat),
            finished: Vec::new(),
            finished_bytes: 0,
        }
    }

    /// Adds the rows of a batch. An array of nulls may have any type.
    pub(super) fn write(&mut self, array: &ArrayRef, codec: &mut Codec) -> Result<(), ParquetError> {
        if array.null_count() == array.len() {
            return self.write_nulls(array.len(), codec);
        }
        let Some(leaf) = Leaf::of(array, self.shape) else {
            let message = format!("{} is no column of codes: {}", self.descriptor.path(), array.data_type());
            return Err(ParquetError::ArrowError(message));
        };
        self.dictionary.begin_batch(leaf.texts());
        let mut done = 0;
        while done < array.len() {
            let until = array.len().min(done + STEP.min(PAGE_ROWS - self.page.rows));
            let value_level = self.descriptor.max_def_level() as u8;
            let Self { page, dictionary, .. } = self;
            leaf.append(done..until, &mut Writing { page, dictionary, value_level });
            done = until;
            self.close_full_page(codec)?;
        }
        Ok(())
    }

    fn write_nulls(&mut self, rows: usize, codec: &mut Codec) -> Result<(), ParquetError> {
        let mut left = rows;
        while left > 0 {
            let count = left.min(PAGE_ROWS - self.page.rows);
            self.page.definition.nulls(count);
            self.page.repetition.push(0, count);
            self.page.rows += count;
            left -= count;
            self.close_full_page(codec)?;
        }
        Ok(())
    }

    /// Bytes held: pages, dictionary and what is in progress.
    pub(super) fn size(&self) -> usize {
        self.finished_bytes + self.dictionary.size() + self.page.size()
    }

    fn close_full_page(&mut self, codec: &mut Codec) -> Result<(), ParquetError> {
        let overflow =
            matches!(self.page.values, Values::Codes(_)) && self.dictionary.size() > DICTIONARY_BYTES;
        if self.page.rows >= PAGE_ROWS || self.page.size() >= PAGE_BYTES || overflow {
            self.close_page(codec)?;
        }
        if overflow {
            self.page.values = Values::Plain(Vec::new());
        }
        Ok(())
    }

    fn close_page(&mut self, codec: &mut Codec) -> Result<(), ParquetError> {
        let descriptor = &self.descriptor;
        let (bytes, has_codes) = self.page.encode((descriptor.max_def_level(), descriptor.max_rep_level()));
        let uncompressed = bytes.len();
        let bytes = codec.compress(bytes)?;
        self.finished_bytes += bytes.len();
        let (bounds, nulls) = if self.bounded { self.page_bounds() } else { (None, 0) };
        self.finished.push(Finished {
            bytes,
            uncompressed,
            levels: self.page.len(),
            rows: self.page.rows,
            nulls,
            has_codes,
            bounds,
        });
        self.page.clear();
        Ok(())
    }

    fn page_bounds(&self) -> (Option<Bounds>, u64) {
        match &self.page.values {
            Values::Codes(codes) => {
                (Bounds::of_codes(codes, &self.dictionary), (self.page.len() - codes.len()) as u64)
            }
            Values::Plain(bytes) => {
                let (bounds, values) = Bounds::of_plain(bytes);
                (bounds, (self.page.len() - values) as u64)
            }
        }
    }

    /// The chunk of all rows so far.
    pub(super) fn close(mut self, codec: &mut Codec) -> Result<CodedChunk, ParquetError> {
        if self.page.rows > 0 {
            self.close_page(codec)?;
        }
        let pages = std::mem::take(&mut self.finished);
        let mut chunk = Layout::new();
        if pages.iter().any(|page| page.has_codes) {
            let bytes = self.dictionary.encode();
            let (uncompressed, num_values) = (bytes.len(), self.dictionary.len() as u32);
            let buf = codec.compress(bytes)?;
            let page =
                FormatPage::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
            chunk.dictionary(CompressedPage::new(page, uncompressed))?;
        }
        for page in &pages {
            chunk.data(page)?;
        }
        let statistics = self.bounded.then(|| statistics::of_chunk(&pages));
        let column_index = if self.bounded { Some(column_index(&pages)?) } else { None };
        chunk.close(self.descriptor, codec.compression(), statistics, column_index, &pages)
    }
}

/// The page index of the values' bounds.
fn column_index(
    pages: &[Finished],
) -> Result<parquet::file::page_index::column_index::ColumnIndexMetaData, ParquetError> {
    let mut index = ColumnIndexBuilder::new(Type::BYTE_ARRAY);
    for page in pages {
        let (smallest, largest) =
            page.bounds.as_ref().map_or_else(Default::default, |b| (b.smallest.clone(), b.largest.clone()));
        index.append(page.bounds.is_none(), smallest, largest, page.nulls as i64, None);
    }
    index.set_boundary_order(BoundaryOrder::UNORDERED);
    index.build()
}

/// The pages of a chunk on their way into its bytes.
struct Layout {
    out: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    dictionary_at: Option<i64>,
    data_at: Option<i64>,
    /// Bytes with page headers, before compression.
    uncompressed: i64,
    encodings: Vec<PageEncodingStats>,
}

impl Layout {
    fn new() -> Self {
        Self {
            out: TrackedWrite::new(Vec::new()),
            offsets: OffsetIndexBuilder::new(),
            dictionary_at: None,
            data_at: None,
            uncompressed: 0,
            encodings: Vec::new(),
        }
    }

    fn dictionary(&mut self, page: CompressedPage) -> Result<(), ParquetError> {
        let written = SerializedPageWriter::new(&mut self.out).write_page(page)?;
        self.dictionary_at = Some(written.offset as i64);
        self.uncompressed += written.uncompressed_size as i64;
        self.count(PageType::DICTIONARY_PAGE, Encoding::PLAIN);
        Ok(())
    }

    fn data(&mut self, page: &Finished) -> Result<(), ParquetError> {
        let encoding = if page.has_codes { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let data = FormatPage::DataPage {
            buf: page.bytes.clone(),
            num_values: page.levels as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let data = CompressedPage::new(data, page.uncompressed);
        let written = SerializedPageWriter::new(&mut self.out).write_page(data)?;
        self.data_at.get_or_insert(written.offset as i64);
        self.uncompressed += written.uncompressed_size as i64;
        self.offsets.append_row_count(page.rows as i64);
        self.offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
        self.count(PageType::DATA_PAGE, encoding);
        Ok(())
    }

    fn count(&mut self, page_type: PageType, encoding: Encoding) {
        match self.encodings.iter_mut().find(|seen| seen.page_type == page_type && seen.encoding == encoding)
        {
            Some(seen) => seen.count += 1,
            None => self.encodings.push(PageEncodingStats { page_type, encoding, count: 1 }),
        }
    }

    fn close(
        self,
        descriptor: ColumnDescPtr,
        compression: Compression,
        statistics: Option<parquet::file::statistics::Statistics>,
        column_index: Option<parquet::file::page_index::column_index::ColumnIndexMetaData>,
        pages: &[Finished],
    ) -> Result<CodedChunk, ParquetError> {
        let bytes = Bytes::from(self.out.into_inner()?);
        let mut encodings: Vec<Encoding> = self.encodings.iter().map(|seen| seen.encoding).collect();
        // Levels are encoded so.
        encodings.push(Encoding::RLE);
        let mut metadata = ColumnChunkMetaData::builder(descriptor)
            .set_compression(compression)
            .set_encodings(encodings)
            .set_page_encoding_stats(self.encodings)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.uncompressed)
            .set_num_values(pages.iter().map(|page| page.levels as i64).sum())
            .set_data_page_offset(self.data_at.unwrap_or(0))
            .set_dictionary_page_offset(self.dictionary_at);
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: pages.iter().map(|page| page.rows as u64).sum(),
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index,
            offset_index: Some(self.offsets.build()),
        };
        Ok(CodedChunk { bytes, close })
    }
}
