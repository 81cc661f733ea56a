//! A log under a policy: every event is written, dropped or told, and what is written is what single events become.

use std::convert::Infallible;
use std::io::{self, Cursor, Write};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use auditwake_core::batch::Limits;
use auditwake_core::policy::apply::{Applied, ApplyError, Judge, Verdict, apply};
use auditwake_core::policy::level::Level;
use auditwake_core::policy::reduce::Reducer;
use auditwake_core::reader::Options;
use auditwake_core::reader::progress::Progress;
use auditwake_core::reader::source::Source;
use auditwake_core::schema::Selection;
use auditwake_core::stats::{Outcome, Rejected};

use super::logs::text_of;

const KEEP: Verdict = Verdict { level: Level::RequestResponse, emitted: true, omit_managed_fields: false };

/// Judges by the stage alone.
struct ByStage<F> {
    verdict: F,
    rejected: Vec<Rejected>,
    watched: usize,
    seen: Progress,
}

impl<F: Fn(&str) -> Verdict> Judge for ByStage<F> {
    type Error = Infallible;

    fn verdicts(&mut self, batch: &RecordBatch) -> Result<Vec<Verdict>, Infallible> {
        let stages = batch.column_by_name("stage").unwrap();
        let stages = arrow_cast::cast(stages, &arrow_schema::DataType::Utf8).unwrap();
        Ok(stages.as_string::<i32>().iter().map(|stage| (self.verdict)(stage.unwrap_or_default())).collect())
    }

    fn rejected(&mut self, rejected: Vec<Rejected>) -> Result<(), Infallible> {
        self.rejected.extend(rejected);
        Ok(())
    }

    fn watch(&mut self, progress: &Progress) -> Result<(), Infallible> {
        assert!(progress.rows >= self.seen.rows && progress.bytes_done >= self.seen.bytes_done);
        self.seen = *progress;
        self.watched += 1;
        Ok(())
    }
}

struct Pass {
    applied: Applied,
    out: Vec<u8>,
    rejected: Vec<Rejected>,
}

fn options() -> Options {
    let selection = Selection::new(Some(&["stage".to_owned()]), false).unwrap();
    Options {
        selection,
        limits: Limits { rows: 100, bytes: 1 << 20, ..Limits::default() },
        ..Options::default()
    }
}

fn pass(text: &[u8], threads: usize, verdict: impl Fn(&str) -> Verdict) -> Pass {
    let source =
        Source::Stream { name: "audit.log".to_owned(), reader: Box::new(Cursor::new(text.to_vec())) };
    let mut judge = ByStage { verdict, rejected: Vec::new(), watched: 0, seen: Progress::default() };
    let mut out = Vec::new();
    let applied = apply(vec![source], options(), threads, &mut judge, &mut out).unwrap();
    let counts = [applied.written, applied.dropped_by_level, applied.dropped_by_stage, applied.unreduced];
    assert_eq!(counts.iter().sum::<u64>(), applied.events);
    assert_eq!((applied.outcomes.events, applied.outcomes.bytes()), (applied.events, text.len() as u64));
    assert_eq!(applied.bytes_written, out.len() as u64);
    assert_eq!(memchr::memchr_iter(b'\n', &out).count() as u64, applied.written);
    assert!(judge.watched > 0);
    Pass { applied, out, rejected: judge.rejected }
}

/// Each line by itself.
fn line_by_line(text: &[u8], verdict: impl Fn(&str) -> Verdict) -> (Vec<u8>, u64) {
    let (mut out, mut bodies, mut by_hand) = (Vec::new(), 0, Reducer::default());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let event = &line[..line.len() - 1];
        let lossy = String::from_utf8_lossy(event);
        let stage = lossy.split("\"stage\":\"").nth(1).unwrap().split('"').next().unwrap();
        let Verdict { level, emitted, omit_managed_fields } = verdict(stage);
        if emitted && level > Level::None {
            let reduced = by_hand.reduce(event, level, omit_managed_fields).unwrap();
            bodies += reduced.bodies as u64;
            out.extend_from_slice(reduced.text);
            out.push(b'\n');
        }
    }
    (out, bodies)
}

#[test]
fn a_log_under_the_policy_of_its_own_is_the_same() {
    for name in ["metadata", "integration-example", "rotated"] {
        let text = text_of(name);
        for threads in [1, 3] {
            let pass = pass(&text, threads, |_| KEEP);
            assert!(pass.out == text, "{name}");
            assert_eq!((pass.applied.bodies, pass.rejected.len()), (0, 0));
            assert_eq!(pass.applied.event_bytes + pass.applied.events, text.len() as u64);
        }
    }
}

#[test]
fn a_log_under_a_policy_is_its_events_under_the_policy() {
    let verdict = |stage: &str| match stage {
        "RequestReceived" => Verdict { emitted: false, ..KEEP },
        "ResponseStarted" => Verdict { level: Level::None, ..KEEP },
        "Panic" => KEEP,
        _ => Verdict { level: Level::Request, emitted: true, omit_managed_fields: true },
    };
    let mut all = [0; 4];
    for name in ["metadata", "integration-example", "rotated"] {
        let text = text_of(name);
        let (wanted, bodies) = line_by_line(&text, verdict);
        for threads in [1, 2] {
            let Pass { applied, out, rejected } = pass(&text, threads, verdict);
            assert!(out == wanted, "{name}");
            assert_eq!((applied.bodies, rejected.len()), (bodies, 0));
            let counts =
                [applied.written, applied.dropped_by_level, applied.dropped_by_stage, applied.bodies];
            all = std::array::from_fn(|i| all[i] + counts[i]);
        }
    }
    assert!(all.iter().all(|count| *count > 500), "{all:?}");
}

#[test]
fn a_policy_of_metadata_leaves_no_body() {
    let text = text_of("rotated");
    let pass = pass(&text, 1, |_| Verdict { level: Level::Metadata, ..KEEP });
    assert!(pass.applied.bodies > 1000);
    assert_eq!(pass.applied.written, 4716);
    for line in pass.out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: serde_json::Value = serde_json::from_slice(line).unwrap();
        assert_eq!(event["level"], "Metadata");
        assert!(event.get("requestObject").is_none() && event.get("responseObject").is_none());
    }
}

fn event(id: u32, bodies: &str) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"{id}","stage":"Panic"{bodies}}}"#
    )
}

#[test]
fn what_is_no_event_is_left_out_and_told() {
    let secret = r#","requestObject":{"secret":"hunter2"}"#;
    let text = [
        event(1, secret),
        r#"{"kind":"Pod"}"#.to_owned(),
        "torn".to_owned() + &event(2, secret),
        event(3, r#","requestObject":{"secret":"hunter2""#),
        "no event".to_owned(),
        // Brackets that close, and no JSON: the reader keeps the event, and nobody knows where the body ends.
        event(4, r#","requestObject":{"a":]},"secret":{"#),
        event(5, r#","requestObject":{"a":nul},"x":1"#),
        event(6, secret),
    ]
    .join("\n");
    let pass = pass(text.as_bytes(), 1, |_| Verdict { level: Level::Metadata, ..KEEP });
    let out = String::from_utf8(pass.out).unwrap();
    let metadata = |id| event(id, "").replace("RequestResponse", "Metadata") + "\n";
    assert_eq!(out, [metadata(1), metadata(2), metadata(6)].concat());
    assert_eq!((pass.applied.bodies, pass.applied.unreduced), (3, pass.applied.events - 3));
    assert_eq!(pass.applied.outcomes.total(Outcome::Skipped).lines, 1);
    let told: Vec<_> = pass.rejected.iter().map(|one| (&*one.file, one.reason)).collect();
    assert!(told.iter().all(|(file, _)| *file == "audit.log"), "{told:?}");
    let offset = |id: u32| text.find(&event(id, "")[..100]).unwrap() as u64;
    for (id, reason) in [(3, "torn"), (4, "invalid_json"), (5, "invalid_json")] {
        let found = pass
            .rejected
            .iter()
            .find(|one| one.offset == offset(id))
            .unwrap_or_else(|| panic!("{id} {told:?}"));
        assert_eq!(found.reason, reason, "{}", found.detail);
    }
}

#[test]
fn wrapped_and_indented_events_come_out_one_a_line() {
    let indented = "{\n  \"kind\": \"Event\",\r\n  \"apiVersion\": \"audit.k8s.io/v1\",\n  \"level\": \"Request\",\n  \"auditID\": \"a\\n b\",\n\t\"stage\": \"Panic\",\n  \"requestObject\": {\n    \"a\": 1\n  }\n}\n";
    let kept = pass(indented.as_bytes(), 1, |_| KEEP);
    let joined = r#"{"kind": "Event","apiVersion": "audit.k8s.io/v1","level": "Request","auditID": "a\n b","stage": "Panic","requestObject": {"a": 1}}"#;
    assert_eq!(String::from_utf8(kept.out).unwrap(), format!("{joined}\n"));
    let list = text_of("eventlist/00003.json.gz");
    let Pass { applied, out, .. } = pass(&list, 1, |_| Verdict { level: Level::Metadata, ..KEEP });
    assert!(applied.written > 10 && out.starts_with(b"{\"level\":\"Metadata\""), "{applied:?}");
    let cri = format!("2026-11-24T00:10:19.000000000Z stdout F {}\n", event(1, ""));
    let Pass { out, .. } = pass(cri.as_bytes(), 1, |_| KEEP);
    assert_eq!(String::from_utf8(out).unwrap(), event(1, "") + "\n");
}

/// Fails after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 =
            self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers with one verdict too few, or not at all.
struct Bad(bool);

impl Judge for Bad {
    type Error = &'static str;

    fn verdicts(&mut self, batch: &RecordBatch) -> Result<Vec<Verdict>, &'static str> {
        if self.0 { Ok(vec![KEEP; batch.num_rows() - 1]) } else { Err("no policy") }
    }

    fn rejected(&mut self, _: Vec<Rejected>) -> Result<(), &'static str> {
        Ok(())
    }
}

#[test]
fn what_fails_is_told() {
    let source =
        || vec![Source::Stream { name: String::new(), reader: Box::new(Cursor::new(text_of("metadata"))) }];
    let mut judge =
        ByStage { verdict: |_: &str| KEEP, rejected: Vec::new(), watched: 0, seen: Progress::default() };
    let full = apply(source(), options(), 1, &mut judge, Full(2 << 20)).unwrap_err();
    assert!(matches!(full, ApplyError::Output(error) if error.kind() == io::ErrorKind::StorageFull));
    let short = apply(source(), options(), 2, &mut Bad(true), io::sink()).unwrap_err();
    assert!(matches!(short, ApplyError::Verdicts { rows: 100, verdicts: 99 }), "{short}");
    let stopped = apply(source(), options(), 1, &mut Bad(false), io::sink()).unwrap_err();
    assert_eq!(stopped.to_string(), "no policy");
    let missing = vec![Source::Path("/no/such/audit.log".into())];
    let missing = apply(missing, options(), 1, &mut Bad(false), io::sink()).unwrap_err();
    assert!(matches!(missing, ApplyError::Read(_)) && missing.to_string().contains("/no/such/audit.log"));
}
