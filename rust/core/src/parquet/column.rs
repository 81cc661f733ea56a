//! A column chunk, written by ourselves: texts from the codes that the batches already have, numbers, and texts that
//! seldom repeat.
//!
//! The general encoder of the `parquet` crate looks every value of a column up in a hash table, also where the column is a
//! dictionary, and knows one setting of a codec for all pages. Here a value costs one step from the batch's code to the
//! chunk's, and its bits. Pages, statistics and indexes are those of the format (parquet-format `README.md`,
//! `Encodings.md`, `PageIndex.md`), so any reader takes them.

mod codec;
mod delta;
mod dictionary;
mod hybrid;
mod layout;
mod page;
mod shape;
mod statistics;
mod texts;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page as FormatPage};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use dictionary::Dictionary;
use layout::Layout;
use page::{Page, Values};
use shape::{Leaf, Writing};
use statistics::{Bounds, TextBounds};

pub(super) use codec::Codec;
pub(super) use page::Spelling;
pub(super) use shape::Shape;

/// Rows of a page, which is what a reader with a page index skips by; four pages are a row group.
pub(super) const PAGE_ROWS: usize = 32_768;

/// Bytes after which a page of codes closes early: texts of a full dictionary are long.
const PAGE_BYTES: usize = 1 << 20;

/// Bytes of a page of texts that are no codes: what repeats is found within a page.
pub(super) const TEXT_PAGE_BYTES: usize = 4 << 20;

/// Bytes of a dictionary after which the rest of its column chunk is plain.
const DICTIONARY_BYTES: usize = 4 << 20;

/// Rows between two looks at the sizes above.
const STEP: usize = 1024;

/// Builds one column chunk.
pub(super) struct ColumnBuilder {
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
    /// How the values are encoded; `None` for a page that has none.
    encoding: Option<Encoding>,
    bounds: Option<Bounds>,
}

/// A finished column chunk: its pages in file order and what the file says of them.
pub(super) struct BuiltColumn {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

impl ColumnBuilder {
    pub(super) fn new(descriptor: ColumnDescPtr, shape: Shape, bounded: bool) -> Self {
        Self {
            shape,
            // Bounds are asked for where a row has one value.
            bounded: bounded && shape.is_flat(),
            dictionary: Dictionary::default(),
            page: Page::new(shape, descriptor.physical_type()),
            descriptor,
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
            let message = format!("{} has another type: {}", self.descriptor.path(), array.data_type());
            return Err(ParquetError::ArrowError(message));
        };
        if let Some(texts) = leaf.dictionary() {
            self.dictionary.begin_batch(texts);
        }
        let mut done = 0;
        while done < array.len() {
            let fitting = leaf.rows_of(done, TEXT_PAGE_BYTES.saturating_sub(self.page.size()));
            let until = array.len().min(done + STEP.min(PAGE_ROWS - self.page.rows).min(fitting));
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
        let bytes = if self.shape == Shape::Texts { TEXT_PAGE_BYTES } else { PAGE_BYTES };
        if self.page.rows >= PAGE_ROWS || self.page.size() >= bytes || overflow {
            self.close_page(codec)?;
        }
        if overflow {
            self.page.values = Values::Plain(Vec::new());
        }
        Ok(())
    }

    fn close_page(&mut self, codec: &mut Codec) -> Result<(), ParquetError> {
        let levels = (self.descriptor.max_def_level(), self.descriptor.max_rep_level());
        let mut room = codec.room();
        let (page, encoding) = self.page.encode(levels, &mut room);
        let (bytes, uncompressed) = (codec.compress(page)?, page.len());
        codec.take_back(room);
        self.finished_bytes += bytes.len();
        let (bounds, nulls) = if self.bounded { self.page_bounds() } else { (None, 0) };
        self.finished.push(Finished {
            bytes,
            uncompressed,
            levels: self.page.len(),
            rows: self.page.rows,
            nulls,
            encoding,
            bounds,
        });
        self.page.clear();
        Ok(())
    }

    fn page_bounds(&self) -> (Option<Bounds>, u64) {
        let (bounds, values) = match &self.page.values {
            Values::Codes(codes) if self.shape == Shape::Shorts => {
                (Bounds::of_shorts(codes, &self.dictionary), codes.len())
            }
            Values::Codes(codes) => {
                (TextBounds::of_codes(codes, &self.dictionary).map(Bounds::Texts), codes.len())
            }
            Values::Plain(bytes) => {
                let (bounds, values) = TextBounds::of_plain(bytes);
                (bounds.map(Bounds::Texts), values)
            }
            Values::Texts(texts) => {
                let (lengths, texts) = (texts.lengths(), texts.texts());
                (TextBounds::of_texts(lengths, texts).map(Bounds::Texts), lengths.len())
            }
            Values::Flags(_) => unreachable!("nobody asks for the bounds of flags"),
            Values::Ints(values) => (Bounds::of_numbers(values, Bounds::Ints), values.len()),
            Values::Longs(values, _) => (Bounds::of_numbers(values, Bounds::Longs), values.len()),
        };
        (bounds, (self.page.len() - values) as u64)
    }

    /// The chunk of all rows so far; the next rows begin another.
    pub(super) fn close(&mut self, codec: &mut Codec) -> Result<BuiltColumn, ParquetError> {
        if self.page.rows > 0 {
            self.close_page(codec)?;
        }
        let mut pages = std::mem::take(&mut self.finished);
        let is_coded = pages.iter().any(|page| page.encoding == Some(Encoding::RLE_DICTIONARY));
        let dictionary = is_coded.then(|| self.dictionary_page(codec)).transpose()?;
        let bytes = self.finished_bytes + dictionary.as_ref().map_or(0, CompressedPage::compressed_size);
        let mut chunk = Layout::new(bytes, pages.len());
        if let Some(page) = dictionary {
            chunk.dictionary(page)?;
        }
        for page in &mut pages {
            chunk.data(page)?;
        }
        let kind = self.descriptor.physical_type();
        let statistics = self.bounded.then(|| statistics::of_chunk(kind, &pages));
        let column_index = self.bounded.then(|| statistics::index_of(kind, &pages)).transpose()?;
        self.finished_bytes = 0;
        self.dictionary.clear();
        if matches!(self.page.values, Values::Plain(_)) {
            self.page.values = Values::Codes(Vec::new());
        }
        chunk.close(Arc::clone(&self.descriptor), codec.compression(), statistics, column_index, &pages)
    }

    fn dictionary_page(&self, codec: &mut Codec) -> Result<CompressedPage, ParquetError> {
        let num_values = self.dictionary.len() as u32;
        let mut room = codec.room();
        self.dictionary.encode(&mut room);
        let (buf, uncompressed) = (codec.compress(&room)?, room.len());
        codec.take_back(room);
        let page =
            FormatPage::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        Ok(CompressedPage::new(page, uncompressed))
    }
}
