//! Parquet read back gives the rows that the reader gives, whoever wrote the pages: the pages made from codes (zstd, none)
//! and those of the general encoder (snappy) are twins.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Cursor;
use std::path::PathBuf;

use auditwake_core::parquet::{Codec, Compression, Settings, convert};
use auditwake_core::reader::Options;
use auditwake_core::reader::source::Source;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

use super::cells::{Cell, Row, rows};
use super::logs::text_of;
use super::pass;
use super::strategy::{canonical, compact};

const CODED: [Codec; 2] = [Codec::Zstd, Codec::None];

/// A file that is removed with the value.
struct Output(PathBuf);

impl Output {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("auditwake-{name}-{}.parquet", std::process::id())))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn written(text: &[u8], codec: Codec, row_group_rows: usize, out: &Output) {
    let settings = Settings {
        reader: Options::default(),
        partition_by: Vec::new(),
        compression: Compression { codec, level: None },
        row_group_rows,
        threads: 1,
        fail_on_reject: false,
    };
    let source = Source::Stream { name: String::new(), reader: Box::new(Cursor::new(text.to_vec())) };
    convert(vec![source], &out.0, &settings, &mut |_| true).unwrap();
}

fn read_back(out: &Output) -> Vec<Row> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&out.0).unwrap()).unwrap();
    reader.build().unwrap().flat_map(|batch| rows(&batch.unwrap())).collect()
}

fn given(text: &[u8]) -> Vec<Row> {
    pass::read(text, Options::default()).batches.iter().flat_map(rows).collect()
}

fn compare(rows: &[Row], expected: &[Row], what: &str) -> Result<(), String> {
    if rows.len() != expected.len() {
        return Err(format!("{what}: {} rows and not {}", rows.len(), expected.len()));
    }
    for (place, (row, expected)) in rows.iter().zip(expected).enumerate() {
        for (name, cell) in expected {
            if row.get(name) != Some(cell) {
                return Err(format!("{what}, row {place}, {name}: {:?} and not {cell:?}", row.get(name)));
            }
        }
    }
    Ok(())
}

fn check(text: &[u8], codecs: &[Codec], groups: &[usize], name: &str) -> Result<usize, String> {
    let expected = given(text);
    let out = Output::new(name);
    for codec in codecs {
        for group in groups {
            written(text, *codec, *group, &out);
            compare(&read_back(&out), &expected, &format!("{codec:?}, row groups of {group}"))?;
        }
    }
    Ok(expected.len())
}

#[test]
fn real_logs_come_back() {
    for (name, count) in [("metadata", 5292), ("rotated", 4716)] {
        let text = text_of(name);
        let codecs = [Codec::Zstd, Codec::None, Codec::Snappy];
        assert_eq!(check(&text, &codecs, &[131_072], name), Ok(count));
        assert_eq!(check(&text, &CODED, &[1000], name), Ok(count));
    }
}

#[test]
fn row_groups_of_any_size_come_back() {
    let text = text_of("metadata");
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').take(60).collect();
    assert_eq!(check(&lines.concat(), &CODED, &[1, 3, 7, 59, 60, 61], "groups"), Ok(60));
}

#[test]
fn many_pages_come_back() {
    // Seven times the log is more rows than a page has, and both sides of a page see every shape.
    let text = text_of("metadata").repeat(7);
    assert_eq!(check(&text, &[Codec::Zstd], &[131_072, 36_001], "pages"), Ok(7 * 5292));
}

/// Events whose URIs, names and annotations are all different, long enough to outgrow a dictionary.
fn distinct(count: usize, length: usize) -> String {
    let mut text = String::new();
    for i in 0..count {
        let long = "x".repeat(length + i % 7);
        let _ = writeln!(
            text,
            concat!(
                r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"{0}","stage":"ResponseComplete","#,
                r#""requestURI":"/{1}/{0}","verb":"get","user":{{"username":"{1}{0}","extra":{{"k":["{1}{0}",""],"e":[]}}}},"#,
                r#""objectRef":{{"name":"{1}{0}"}},"annotations":{{"a":"{1}{0}","b":""}}}}"#
            ),
            i, long
        );
    }
    text
}

#[test]
fn a_dictionary_that_grows_too_large_gives_way_to_plain_pages() {
    let text = distinct(30_000, 200);
    let out = Output::new("overflow");
    written(text.as_bytes(), Codec::Zstd, 131_072, &out);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&out.0).unwrap()).unwrap();
    for name in ["uri", "name"] {
        let columns = reader.metadata().row_group(0).columns();
        let column = columns.iter().find(|column| column.column_path().string() == name);
        let encodings: Vec<_> = column.unwrap().encodings().map(|encoding| encoding.to_string()).collect();
        assert!(encodings.contains(&"PLAIN".to_owned()) && encodings.contains(&"RLE_DICTIONARY".to_owned()));
    }
    compare(&read_back(&out), &given(text.as_bytes()), "overflow").unwrap();
}

#[test]
fn long_bodies_close_their_page_early() {
    let mut text = String::new();
    // Megabytes of each body; none is between them, and one is longer than a page.
    for (i, megabytes) in [1, 0, 2, 0, 0, 1, 9, 0, 3, 3].into_iter().enumerate() {
        let body = format!(r#","requestObject":{{"a":"{}"}}"#, format!("{i}bcdefg ").repeat(megabytes << 17));
        let _ = writeln!(
            text,
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"{i}","stage":"Panic"{}}}"#,
            if megabytes > 0 { &body } else { "" }
        );
    }
    let expected = given(text.as_bytes());
    let out = Output::new("bodies");
    for codec in CODED {
        written(text.as_bytes(), codec, 131_072, &out);
        compare(&read_back(&out), &expected, "bodies").unwrap();
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let file = File::open(&out.0).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
        let columns = reader.metadata().row_group(0).columns();
        let bodies =
            columns.iter().position(|chunk| chunk.column_path().string() == "request_object").unwrap();
        let pages = reader.metadata().page_index().unwrap().offset_index(0, bodies).unwrap().page_locations();
        // 1 + 2 + 1 megabytes and what is around them are 4 MiB; 9; 3 + 3.
        assert_eq!(pages.iter().map(|page| page.first_row_index).collect::<Vec<_>>(), [0, 6, 7]);
    }
}

#[test]
fn bounds_hold_for_every_page() {
    let text = text_of("metadata").repeat(7);
    let expected = given(text.as_slice());
    let out = Output::new("bounds");
    written(&text, Codec::Zstd, 131_072, &out);
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let reader =
        ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(&out.0).unwrap(), options).unwrap();
    let metadata = reader.metadata();
    let page_index = metadata.page_index().unwrap();
    let mut looked_at = 0;
    for (column, chunk) in metadata.row_group(0).columns().iter().enumerate() {
        let name = chunk.column_path().string();
        let Some(Statistics::ByteArray(bounds)) = chunk.statistics() else { continue };
        let texts: Vec<Option<&str>> = expected.iter().map(|row| shown(&row[&*name])).collect();
        let present = || texts.iter().flatten().map(|text| text.as_bytes());
        assert_eq!(bounds.null_count_opt(), Some(texts.iter().filter(|text| text.is_none()).count() as u64));
        let (smallest, largest) = (bounds.min_bytes_opt(), bounds.max_bytes_opt());
        assert_eq!(
            (smallest.is_some(), largest.is_some()),
            (present().max().is_some(), present().max().is_some())
        );
        assert!(
            smallest <= present().min() && (smallest == present().min() || !bounds.min_is_exact()),
            "{name}"
        );
        assert!(
            largest >= present().max() && (largest == present().max() || !bounds.max_is_exact()),
            "{name}"
        );
        let offsets = page_index.offset_index(0, column).unwrap();
        let index = page_index.column_index(0, column).unwrap();
        assert_eq!((offsets.page_locations().len() as u64, index.num_pages()), (2, 2));
        let firsts = offsets.page_locations().iter().map(|page| page.first_row_index as usize);
        let ends = firsts.clone().skip(1).chain([texts.len()]);
        for (page, (first, end)) in firsts.zip(ends).enumerate() {
            let nulls = texts[first..end].iter().filter(|text| text.is_none()).count();
            assert_eq!(index.null_count(page), Some(nulls as i64), "{name}");
            assert_eq!(index.is_null_page(page), nulls == end - first, "{name}");
        }
        looked_at += 1;
    }
    assert!(looked_at >= 15, "{looked_at} columns with bounds");
}

#[test]
fn bounds_of_numbers_are_those_of_the_general_encoder() {
    let text = text_of("metadata").repeat(7);
    let [ours, general] = [Codec::Zstd, Codec::Snappy].map(|codec| {
        let out = Output::new(&format!("numbers-{codec:?}"));
        written(&text, codec, 131_072, &out);
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let file = File::open(&out.0).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
        std::sync::Arc::clone(reader.metadata())
    });
    let mut looked_at = 0;
    for (column, chunk) in ours.row_group(0).columns().iter().enumerate() {
        if !matches!(chunk.statistics(), Some(Statistics::Int32(_) | Statistics::Int64(_))) {
            continue;
        }
        let name = chunk.column_path().string();
        assert_eq!(chunk.statistics(), general.row_group(0).column(column).statistics(), "{name}");
        let [ours, general] = [&ours, &general].map(|file| file.page_index().unwrap());
        let rows = |page: &parquet::file::page_index::offset_index::PageLocation| page.first_row_index;
        let [first_rows, of_general] =
            [ours, general].map(|index| index.offset_index(0, column).unwrap().page_locations());
        assert!(first_rows.iter().map(rows).eq(of_general.iter().map(rows)), "{name}");
        let [index, of_general] = [ours, general].map(|index| index.column_index(0, column).unwrap());
        assert_eq!(index.get_boundary_order(), of_general.get_boundary_order(), "{name}");
        assert_eq!(pages_of(index), pages_of(of_general), "{name}");
        looked_at += 1;
    }
    assert!(looked_at >= 15, "{looked_at} columns of numbers");
}

/// Of each page: nulls, the smallest number and the largest.
fn pages_of(index: &ColumnIndexMetaData) -> Vec<(Option<i64>, Option<i64>, Option<i64>)> {
    let bounds = |page| match index {
        ColumnIndexMetaData::INT32(index) => {
            (index.min_value(page).map(|&low| low.into()), index.max_value(page).map(|&high| high.into()))
        }
        ColumnIndexMetaData::INT64(index) => (index.min_value(page).copied(), index.max_value(page).copied()),
        _ => panic!("no index of numbers: {index:?}"),
    };
    (0..index.num_pages() as usize)
        .map(|page| (index.null_count(page), bounds(page).0, bounds(page).1))
        .collect()
}

fn shown(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_events_come_back(events in prop::collection::vec(canonical(), 1..40), group in 1..50usize) {
        let mut text = String::new();
        for event in &events {
            text.push_str(&compact(event));
            text.push('\n');
        }
        check(text.as_bytes(), &[Codec::Zstd, Codec::Snappy], &[group], "any").map_err(TestCaseError::fail)?;
    }
}
