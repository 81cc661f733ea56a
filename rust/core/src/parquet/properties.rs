//! Writer settings. `docs/design/parquet.md` has the measurements behind them.

use std::str::FromStr;

use arrow_schema::Schema;
use parquet::basic::{Compression as Coded, Encoding, GzipLevel, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::column::{PAGE_ROWS, TEXT_PAGE_BYTES};
use crate::schema::{COLUMNS, Kind, SCHEMA_VERSION, SCHEMA_VERSION_KEY};

/// A codec by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Zstandard, levels 1 to 22, 1 by default.
    Zstd,
    /// Snappy.
    Snappy,
    /// LZ4, raw blocks.
    Lz4,
    /// Nothing.
    None,
}

/// A codec and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Which codec.
    pub codec: Codec,
    /// Its level, where it has levels.
    pub level: Option<i32>,
}

impl Default for Compression {
    fn default() -> Self {
        Self { codec: Codec::Zstd, level: None }
    }
}

impl FromStr for Codec {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "zstd" => Ok(Self::Zstd),
            "snappy" => Ok(Self::Snappy),
            "lz4" => Ok(Self::Lz4),
            "none" | "uncompressed" => Ok(Self::None),
            _ => Err(format!("unknown compression '{name}': use zstd, snappy, lz4 or none")),
        }
    }
}

impl Compression {
    /// As the format has it.
    pub(super) fn coded(self) -> Coded {
        match self.codec {
            Codec::Zstd => Coded::ZSTD(ZstdLevel::try_new(self.level.unwrap_or(1)).unwrap_or_default()),
            Codec::Snappy => Coded::SNAPPY,
            Codec::Lz4 => Coded::LZ4_RAW,
            Codec::None => Coded::UNCOMPRESSED,
        }
    }

    /// Whether the codec takes the level.
    #[must_use]
    pub fn is_valid(self) -> bool {
        match (self.codec, self.level) {
            (_, None) => true,
            (Codec::Zstd, Some(level)) => ZstdLevel::try_new(level).is_ok(),
            (_, Some(level)) => GzipLevel::try_new(level.unsigned_abs()).is_ok() && self.codec == Codec::Zstd,
        }
    }
}

/// Whether rows have exactly the same time, often side by side, as the stages of a request have: compression finds that,
/// deltas hide it.
pub(super) fn is_repeated_exactly(time: &str) -> bool {
    time == "ts_received"
}

/// Whether a text is better side by side with its neighbours than in a dictionary: it is so seldom that of another row that
/// a dictionary would be as long as the column, or, as versions do, begins as its neighbours do.
pub(super) fn is_unique(text: &str) -> bool {
    matches!(text, "audit_id" | "extra_fields" | "object_rv" | "response_rv")
}

/// Properties for a file of that schema. `inputs` names what it was made from.
pub(super) fn properties(schema: &Schema, compression: Compression, inputs: &[String]) -> WriterProperties {
    let pair = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let metadata = vec![
        pair(SCHEMA_VERSION_KEY, SCHEMA_VERSION.to_owned()),
        pair("auditwake.inputs", inputs.join("\n")),
    ];
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("auditwake {}", env!("CARGO_PKG_VERSION")))
        .set_compression(compression.coded())
        .set_key_value_metadata(Some(metadata))
        .set_max_row_group_row_count(None)
        .set_max_row_group_bytes(None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_statistics_truncate_length(Some(64))
        .set_column_index_truncate_length(Some(64))
        .set_dictionary_enabled(true);
    for field in schema.fields() {
        let Some(column) = COLUMNS.iter().find(|column| column.name == field.name()) else { continue };
        let path = ColumnPath::from(column.name);
        // Statistics cost a comparison a value. They are kept where somebody filters by a range or an equal value:
        // numbers and times, and the hot columns of few values.
        let ordered = matches!(column.kind, Kind::Time | Kind::Int64 | Kind::Int32 | Kind::Int16);
        if ordered || (column.core && column.kind == Kind::Dict) || column.name == "name" {
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::Page);
        }
        match column.kind {
            Kind::Time if is_repeated_exactly(column.name) => {
                builder = builder.set_column_dictionary_enabled(path, false);
            }
            // Close to sorted: deltas are small. A dictionary would be as long as the column.
            Kind::Time | Kind::Int64 | Kind::Int32 => {
                builder = builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
            // Bodies seldom repeat as a whole, but for long parts.
            Kind::Json | Kind::Bytes => {
                builder = builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
                    .set_column_data_page_size_limit(path, TEXT_PAGE_BYTES);
            }
            Kind::Text if is_unique(column.name) => {
                builder = builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY);
            }
            _ => {}
        }
    }
    builder.build()
}
