//! The pages of a finished column chunk, in file order, and what the file says of them.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType};
use parquet::column::page::{CompressedPage, Page as FormatPage, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::{BuiltColumn, Finished};

/// The pages of a chunk on their way into its bytes.
pub(super) struct Layout {
    out: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    dictionary_at: Option<i64>,
    data_at: Option<i64>,
    /// Bytes with page headers, before compression.
    uncompressed: i64,
    encodings: Vec<PageEncodingStats>,
}

impl Layout {
    /// A chunk of pages of so many bytes, and so many data pages.
    pub(super) fn new(bytes: usize, pages: usize) -> Self {
        // The header of a page takes some thirty bytes.
        let room = bytes + 64 * (pages + 1);
        Self {
            out: TrackedWrite::new(Vec::with_capacity(room)),
            offsets: OffsetIndexBuilder::new(),
            dictionary_at: None,
            data_at: None,
            uncompressed: 0,
            encodings: Vec::new(),
        }
    }

    pub(super) fn dictionary(&mut self, page: CompressedPage) -> Result<(), ParquetError> {
        let written = SerializedPageWriter::new(&mut self.out).write_page(page)?;
        self.dictionary_at = Some(written.offset as i64);
        self.uncompressed += written.uncompressed_size as i64;
        self.count(PageType::DICTIONARY_PAGE, Encoding::PLAIN);
        Ok(())
    }

    /// Adds a page, and lets its bytes go.
    pub(super) fn data(&mut self, page: &mut Finished) -> Result<(), ParquetError> {
        let encoding = page.encoding.unwrap_or(Encoding::PLAIN);
        let data = FormatPage::DataPage {
            buf: std::mem::take(&mut page.bytes),
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

    pub(super) fn close(
        self,
        descriptor: ColumnDescPtr,
        compression: Compression,
        statistics: Option<Statistics>,
        column_index: Option<ColumnIndexMetaData>,
        pages: &[Finished],
    ) -> Result<BuiltColumn, ParquetError> {
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
        Ok(BuiltColumn { bytes, close })
    }
}
