use super::{Origin, Record, Reject, Sink, Skip, Unwrapper, Verdict};
use crate::lines::{LineOptions, LineReader};
use crate::repair::{Repair, Repairs};

mod accounting;
mod cloud;
mod documents;
mod lines;
mod partials;

/// What stands for one event, as kube-apiserver writes it.
const EVENT: &str = concat!(
    r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","#,
    r#""stage":"ResponseComplete","requestURI":"/api/v1/pods?limit=500\u0026watch=true","verb":"list","user":{"username":"jane"}}"#
);

/// The same as an item of a list.
const ITEM: &str = concat!(
    r#"{"level":"Request","auditID":"a-2","stage":"ResponseComplete","requestURI":"/api","verb":"get","#,
    r#""requestObject":{"kind":"Pod","items":[{"auditID":"x"}]}}"#
);

/// Longest document of the tests.
const LIMIT: usize = 4 << 10;

/// A record with the candidates that were handed out for it.
#[derive(Debug)]
struct Got {
    offset: u64,
    len: u64,
    verdict: Verdict,
    bytes: Vec<u8>,
    events: Vec<Candidate>,
}

#[derive(Debug, PartialEq)]
struct Candidate {
    text: String,
    node: Option<String>,
    wrapped: bool,
    repairs: Repairs,
}

#[derive(Default)]
struct Collector {
    events: Vec<Candidate>,
    records: Vec<Got>,
}

impl Sink for Collector {
    fn event(&mut self, text: &[u8], origin: Origin<'_>) {
        assert!(!text.trim_ascii().is_empty(), "a blank candidate");
        let Origin { node, wrapped, repairs, .. } = origin;
        let text = String::from_utf8_lossy(text).into_owned();
        self.events.push(Candidate { text, node: node.map(str::to_owned), wrapped, repairs });
    }

    fn close(&mut self, record: Record<'_>) {
        let Record { offset, len, verdict, bytes } = record;
        let events = std::mem::take(&mut self.events);
        if let Verdict::Skipped(_) = verdict {
            assert!(events.is_empty(), "events of a skipped record");
        }
        if verdict == Verdict::Events {
            assert!(!events.is_empty(), "no events of a record of events");
        }
        self.records.push(Got { offset, len, verdict, bytes: bytes.to_vec(), events });
    }
}

/// Reads all of the input and checks that it is accounted for.
fn read(input: &[u8]) -> Vec<Got> {
    read_with(input, LineOptions { buffer: 64, max_line: 1 << 20, keep_tail: 16 }, LIMIT)
}

fn read_with(input: &[u8], options: LineOptions, limit: usize) -> Vec<Got> {
    let mut sink = Collector::default();
    let mut unwrapper = Unwrapper::new(limit);
    let mut lines = LineReader::new(input, options);
    while let Some(line) = lines.next_line().expect("a slice does not fail") {
        unwrapper.feed(&line, &mut sink);
    }
    unwrapper.finish(&mut sink);
    assert!(!unwrapper.pending(), "pending behind the end");
    assert!(sink.events.is_empty(), "events without a record");
    let total: u64 = sink.records.iter().map(|record| record.len).sum();
    assert_eq!(total, input.len() as u64, "bytes of {:?}", String::from_utf8_lossy(input));
    let has = |text: &str| memchr::memmem::find(input, text.as_bytes()).is_some();
    let interleaved = has(" P") || has("{\"log\"");
    if !interleaved {
        let mut end = 0;
        for record in &sink.records {
            assert_eq!(record.offset, end, "where a record begins");
            end += record.len;
        }
    }
    sink.records
}

/// Texts of all candidates.
fn texts(records: &[Got]) -> Vec<&str> {
    records.iter().flat_map(|record| &record.events).map(|event| event.text.as_str()).collect()
}

fn verdicts(records: &[Got]) -> Vec<Verdict> {
    records.iter().map(|record| record.verdict).collect()
}

/// The only record of a line.
fn one(line: &str) -> Got {
    let mut records = read(format!("{line}\n").as_bytes());
    assert_eq!(records.len(), 1, "records of {line}");
    records.remove(0)
}

/// The only event of a line, which must be unwrapped to `text`.
#[track_caller]
fn gives(line: &str, text: &str) -> Candidate {
    let mut got = one(line);
    assert_eq!(got.verdict, Verdict::Events, "{line}");
    assert_eq!(got.events.len(), 1, "{line}");
    let event = got.events.remove(0);
    assert_eq!(event.text, text);
    event
}

#[track_caller]
fn is_skipped(line: &str, skip: Skip) {
    assert_eq!(one(line).verdict, Verdict::Skipped(skip), "{line}");
}

#[track_caller]
fn is_rejected(line: &str, reject: Reject) {
    let got = one(line);
    assert_eq!((got.verdict, got.events.len()), (Verdict::Rejected(reject), 0), "{line}");
}

/// A JSON string with its quotes.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}
