//! The same table whatever the sizes of batches and buffers and the number of threads.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};
use auditwake_core::batch::Limits;
use auditwake_core::lines::LineOptions;
use auditwake_core::parquet::{Compression, ConvertError, Converted, Settings, convert};
use auditwake_core::reader::Options;
use auditwake_core::reader::batches::Batches;
use auditwake_core::reader::ordered::Next;
use auditwake_core::reader::plan::plan;
use auditwake_core::reader::source::Source;
use auditwake_core::schema::Selection;
use auditwake_core::stats::{Outcome, Outcomes, Rejected};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::cells::{Row, rows};
use super::logs::text_of;

/// Bytes of input in a batch, and so in a range that a thread reads: small, or nothing would be cut.
const BATCH_BYTES: usize = 1 << 16;

/// Lines that are no plain events, as they are met between those that are.
const ODD_LINES: &[&[u8]] = &[
    b"",
    b"I1124 00:10:19.262000       1 httplog.go:132] \"HTTP\" verb=\"GET\"",
    b"{",
    b"\"]}",
    b"not JSON",
    br#"{"kind":"Pod","apiVersion":"v1"}"#,
    b"\xef\xbb\xbf{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"auditID\":\"bom\",\"stage\":\"Panic\"}",
    br#"master-0 {"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"node","stage":"Panic"}"#,
    b"\0\0\0\0",
    br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"torn","us{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"whole"}"#,
    br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"cut","requestObject":{"a":[1,"#,
    b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"auditID\":\"\xff\xfe\",\"stage\":\"Panic\"}\0\0",
    b"{\n  \"kind\": \"Event\",\n  \"apiVersion\": \"audit.k8s.io/v1\",\n  \"auditID\": \"pretty\"\n}",
    br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"auditID":"a","stage":"Panic"},{"auditID":"b","stage":"Panic"}]}"#,
    br#"{"stage":"Panic","auditID":"sorted","kind":"Event","apiVersion":"audit.k8s.io/v1"}"#,
];

const FEW: [&str; 8] =
    ["audit_id", "ts_stage", "user", "apiserver", "src_offset", "repairs", "resp_bytes", "outcome"];

struct Log {
    dir: PathBuf,
    plain: PathBuf,
    packed: PathBuf,
    bytes: u64,
}

impl Log {
    /// About 10,000 lines in a plain file, and some more in a compressed one.
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("auditwake-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut text = Vec::new();
        let mut odd = ODD_LINES.iter().cycle();
        let (metadata, rotated) = (text_of("metadata"), text_of("rotated"));
        let lines = metadata.split_inclusive(|byte| *byte == b'\n');
        for (number, line) in lines.chain(rotated.split_inclusive(|byte| *byte == b'\n')).enumerate() {
            text.extend_from_slice(line);
            if number % 61 == 60 {
                text.extend_from_slice(odd.next().unwrap());
                text.push(b'\n');
            }
        }
        let (plain, packed) = (dir.join("audit.log"), dir.join("audit-1.log"));
        fs::write(&plain, &text).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&text[..300_000]).unwrap();
        fs::write(&packed, encoder.finish().unwrap()).unwrap();
        Self { dir, plain, packed, bytes: text.len() as u64 + 300_000 }
    }

    fn sources(&self) -> Vec<Source> {
        [&self.packed, &self.plain].map(|path| Source::Path(path.clone())).into()
    }

    fn read(&self, columns: Option<&[&str]>, rows_limit: usize, buffer: usize, threads: usize) -> Table {
        let limits = Limits { rows: rows_limit, bytes: BATCH_BYTES, ..Limits::default() };
        self.read_limited(columns, limits, buffer, threads, |batch| {
            assert!((1..=rows_limit).contains(&batch.num_rows()));
        })
    }

    /// Reads it with a look at every batch.
    fn read_limited(
        &self,
        columns: Option<&[&str]>,
        limits: Limits,
        buffer: usize,
        threads: usize,
        mut look: impl FnMut(&RecordBatch),
    ) -> Table {
        let names = columns.map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let options = Options {
            selection: Selection::new(names.as_deref(), true).unwrap(),
            limits,
            lines: LineOptions { buffer, ..LineOptions::default() },
            ..Options::default()
        };
        let mut table = Table::default();
        let mut batches = Batches::new(self.sources(), options, threads);
        loop {
            match batches.next(Duration::from_secs(60)).unwrap() {
                Next::Item(step) => {
                    table.outcomes.merge(&step.account.outcomes);
                    table.rejected.extend(step.account.rejected);
                    if let Some(batch) = step.batch {
                        look(&batch);
                        table.rows.extend(rows(&batch));
                    }
                }
                Next::Pending => panic!("no batch within a minute"),
                Next::End => return table,
            }
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    outcomes: Outcomes,
    rejected: Vec<Rejected>,
}

#[track_caller]
fn assert_same(table: &Table, reference: &Table, what: &str) {
    for (number, (row, wanted)) in table.rows.iter().zip(&reference.rows).enumerate() {
        for ((name, cell), (_, wanted)) in row.iter().zip(wanted) {
            assert!(cell == wanted, "{what}: row {number}: {name} is {cell:?}, not {wanted:?}");
        }
        assert_eq!(row.len(), wanted.len(), "{what}");
    }
    assert_eq!(table.rows.len(), reference.rows.len(), "{what}");
    assert_eq!(table.outcomes, reference.outcomes, "{what}");
    let places = |table: &Table| -> Vec<_> {
        table.rejected.iter().map(|r| (r.file.clone(), r.offset, r.length, r.reason)).collect()
    };
    assert_eq!(places(table), places(reference), "{what}");
}

#[test]
fn sizes_and_threads_do_not_show() {
    let log = Log::new("sweeps");
    let ranges = plan(log.sources(), Some(BATCH_BYTES as u64)).len();
    assert!(ranges > 50, "only {ranges} tasks: threads would have nothing to share");

    let all = log.read(None, 65_536, 1 << 20, 1);
    assert_eq!(all.outcomes.bytes(), log.bytes);
    assert!(all.rows.len() > 10_000 && all.outcomes.events == all.rows.len() as u64);
    assert!(Outcome::ALL.iter().all(|outcome| all.outcomes.total(*outcome).lines > 0), "{:?}", all.outcomes);
    for (rows, buffer, threads) in [(1, 4096, 4), (3, 1, 2), (100, 3, 4), (65_536, 4096, 2)] {
        let table = log.read(None, rows, buffer, threads);
        assert_same(&table, &all, &format!("{rows} rows, {buffer} bytes, {threads} threads"));
    }

    let reference = log.read(Some(&FEW), 65_536, 1 << 20, 1);
    assert_eq!(reference.rows.len(), all.rows.len());
    for rows in [1, 3, 100, 65_536] {
        for buffer in [1, 3, 4096] {
            for threads in [1, 2, 4] {
                let table = log.read(Some(&FEW), rows, buffer, threads);
                assert_same(&table, &reference, &format!("{rows} rows, {buffer} bytes, {threads} threads"));
            }
        }
    }
}

#[test]
fn a_batch_closes_when_its_bodies_are_many() {
    let log = Log::new("bodies");
    let columns = ["audit_id", "req_bytes", "resp_bytes", "request_object", "response_object"];
    let reference = log.read(Some(&columns), 65_536, 1 << 20, 1);
    let of = |batch: &RecordBatch, name: &str, row: usize| {
        let sizes = batch.column_by_name(name).unwrap().as_primitive::<Int32Type>();
        if sizes.is_null(row) { 0 } else { sizes.value(row) as usize }
    };
    for bodies in [1, 3000, 200_000] {
        let (mut batches, mut closed) = (0, 0);
        let limits = Limits { rows: 65_536, bytes: usize::MAX, bodies };
        let table = log.read_limited(Some(&columns), limits, 4096, 1, |batch| {
            let last = batch.num_rows() - 1;
            let size = |row| of(batch, "req_bytes", row) + of(batch, "resp_bytes", row);
            let before: usize = (0..last).map(size).sum();
            assert!(before < bodies, "{before} bytes in front of the last row");
            batches += 1;
            closed += usize::from(before + size(last) >= bodies);
        });
        assert!(closed > 10 && batches <= closed + 2, "{closed} of {batches} batches closed at {bodies}");
        assert_same(&table, &reference, &format!("{bodies} bytes of bodies"));
    }
}

/// Converts the log; answers what was counted, the rows of the files, and the rejected lines as they stand in theirs.
fn converted(log: &Log, partition: bool, threads: usize) -> (Converted, Vec<Row>, String) {
    let columns = [&FEW[..], &["verb"]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let settings = Settings {
        reader: Options { selection: Selection::new(Some(&columns), true).unwrap(), ..Options::default() },
        partition_by: if partition { vec!["verb".to_owned()] } else { Vec::new() },
        compression: Compression::default(),
        row_group_rows: 1000,
        threads,
        fail_on_reject: false,
    };
    let out = log.dir.join(format!("{partition}-{threads}"));
    let converted = convert(log.sources(), &out, &settings, &mut |_| true).unwrap();
    let mut files = converted.files.clone();
    files.sort();
    let open =
        |file| ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap().build().unwrap();
    let rows = files.iter().flat_map(open).flat_map(|batch| rows(&batch.unwrap())).collect();
    let rejects =
        if partition { Vec::new() } else { fs::read(converted.rejects_file.as_ref().unwrap()).unwrap() };
    let none = out.with_extension("none");
    let stopped = convert(log.sources(), &none, &settings, &mut |_| false);
    assert!(matches!(stopped, Err(ConvertError::Interrupted)));
    assert!(partition || !none.exists());
    (converted, rows, String::from_utf8(rejects).unwrap())
}

/// It is decoded, parsed and encoded on three threads where there is more than one.
#[test]
fn a_long_gzip_that_breaks_off_is_the_same_for_any_threads() {
    let log = Log::new("long");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(&fs::read(&log.plain).unwrap()).unwrap();
    let mut packed = encoder.finish().unwrap();
    packed.truncate(packed.len() - 1000);
    assert!(packed.len() > 2 << 20, "too short to be worth threads");
    fs::write(&log.packed, packed).unwrap();
    fs::write(&log.plain, "").unwrap();

    let reference = log.read(Some(&FEW), 1000, 1 << 16, 1);
    assert!(reference.rejected.iter().any(|rejected| rejected.reason == "input_error"));
    assert_same(&log.read(Some(&FEW), 1000, 1 << 16, 2), &reference, "read by two");
    for partition in [false, true] {
        let (one, rows, rejects) = converted(&log, partition, 1);
        assert_eq!((one.rows, &one.outcomes), (reference.rows.len() as u64, &reference.outcomes));
        let (four, rows_of_four, rejects_of_four) = converted(&log, partition, 4);
        assert_eq!((four.rows, four.outcomes), (one.rows, one.outcomes));
        assert!(rows == rows_of_four && rejects == rejects_of_four);
    }
}
