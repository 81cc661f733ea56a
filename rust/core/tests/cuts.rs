//! A log that breaks off anywhere: no whole line is lost, every byte has an outcome, and damage has a location.

use std::io::{Cursor, Read, Write};

use auditwake_core::input::open::decode;
use auditwake_core::lines::LineOptions;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::stats::{Outcome, Outcomes, Rejected};
use base64::Engine as _;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::cells::{Cell, Row, rows};

/// Five events, the second and the fourth with bodies.
fn lines() -> [String; 5] {
    let event = |number: u32, bodies: &str| {
        format!(
            concat!(
                r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"{0}","#,
                r#""stage":"ResponseComplete","requestURI":"/api/v1/pods?limit={0}\u0026é","verb":"list","#,
                r#""user":{{"username":"u{0}","groups":["g"]}},"sourceIPs":["::1"],"objectRef":{{"resource":"pods"}},"#,
                r#""responseStatus":{{"metadata":{{}},"code":200}},{1}"#,
                r#""requestReceivedTimestamp":"2026-11-24T00:10:19.00000{0}Z","#,
                r#""stageTimestamp":"2026-11-24T00:10:20.000000Z","annotations":{{"authorization.k8s.io/decision":"allow"}}}}"#
            ),
            number, bodies
        )
    };
    [
        event(1, ""),
        event(
            2,
            r#""requestObject":{"a":[1,{"b":"\"}é"}]},"responseObject":{"metadata":{"name":"n","uid":"u"}},"#,
        ),
        event(3, ""),
        event(4, r#""requestObject":[{"op":"add","path":"/x","value":{"kind":"Event"}}],"#),
        event(5, ""),
    ]
}

#[derive(Default)]
struct Pass {
    rows: Vec<Row>,
    outcomes: Outcomes,
    rejected: Vec<Rejected>,
}

impl Pass {
    fn of(bytes: &[u8]) -> Self {
        let lines = LineOptions { buffer: 4096, ..LineOptions::default() };
        let mut reader = Reader::new(Options { lines, ..Options::default() });
        let input = decode(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
        reader.start(Box::new(input), "audit.log", 0);
        let mut pass = Self::default();
        while let Some(step) = reader.next_step() {
            pass.outcomes.merge(&step.account.outcomes);
            pass.rejected.extend(step.account.rejected);
            pass.rows.extend(step.batch.iter().flat_map(rows));
        }
        pass
    }
}

/// What holds for the decoded text of a cut log, wherever the cut is.
fn check(pass: &Pass, text: &[u8], whole: &[Row], lines: &[String]) {
    let at = text.len();
    assert_eq!(pass.outcomes.bytes(), at as u64, "{:?}", pass.outcomes);
    let ended = memchr::memchr_iter(b'\n', text).count();
    let rest = text.rsplit(|byte| *byte == b'\n').next().unwrap();
    let complete = ended + usize::from(ended < lines.len() && rest == lines[ended].as_bytes());
    assert!(pass.rows.len() >= complete, "{} of {complete} rows at {at}", pass.rows.len());
    for (row, wanted) in pass.rows[..complete].iter().zip(whole) {
        assert!(row == wanted, "at {at}: {row:?}\n{wanted:?}");
    }
    let in_body = complete == ended && String::from_utf8_lossy(rest).contains("Object\":");
    assert_eq!(pass.rows.len(), complete + usize::from(in_body), "at {at}");
    if let Some(row) = pass.rows.get(complete) {
        let Cell::List(repairs) = &row["repairs"] else { panic!("a cut row without repairs at {at}") };
        assert!(repairs.contains(&Cell::Text("truncated".to_owned())), "{repairs:?} at {at}");
        let metadata = ["ts_received", "ts_stage", "duration_us"];
        for name in ["audit_id", "user", "uri", "resource", "code", "source_ip", "verb", "level"] {
            assert!(!metadata.contains(&name) && row[name] == whole[complete][name], "{name} at {at}");
        }
    }
    let torn = u64::from(!rest.is_empty() && complete == ended && !in_body);
    assert_eq!(pass.outcomes.total(Outcome::Rejected).lines, torn + input_errors(pass), "at {at}");
}

fn input_errors(pass: &Pass) -> u64 {
    pass.rejected.iter().filter(|rejected| rejected.reason == "input_error").count() as u64
}

#[test]
fn a_plain_log_cut_at_every_byte() {
    let lines = lines();
    let text = lines.join("\n") + "\n";
    let whole = Pass::of(text.as_bytes());
    assert_eq!((whole.rows.len(), whole.outcomes.total(Outcome::Ok).lines), (5, 5));
    for at in 0..=text.len() {
        let text = &text.as_bytes()[..at];
        let pass = Pass::of(text);
        check(&pass, text, &whole.rows, &lines);
        assert_eq!(input_errors(&pass), 0);
    }
}

/// Each text a gzip member of its own; answers where they end too.
fn gzip(members: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), vec![0]);
    for text in members {
        let mut encoder = GzEncoder::new(&mut bytes, flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap();
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn a_gzip_log_cut_at_every_byte() {
    let lines = lines();
    let text = lines.join("\n") + "\n";
    let whole = Pass::of(text.as_bytes());
    let parts: Vec<&[u8]> = text.as_bytes().chunks(700).collect();
    for members in [vec![text.as_bytes()], parts] {
        let (bytes, ends) = gzip(&members);
        for at in 0..=bytes.len() {
            let mut decoded = Vec::new();
            let result =
                decode(Box::new(Cursor::new(bytes[..at].to_vec()))).unwrap().read_to_end(&mut decoded);
            let mut other = Vec::new();
            let _ = MultiGzDecoder::new(&bytes[..at]).read_to_end(&mut other);
            assert!(text.as_bytes().starts_with(&decoded) && decoded.len() >= other.len(), "{at}");
            let pass = Pass::of(&bytes[..at]);
            check(&pass, &decoded, &whole.rows, &lines);
            let broken = !ends.contains(&at);
            assert_eq!((input_errors(&pass), result.is_err()), (u64::from(broken), broken), "{at}");
            for error in pass.rejected.iter().filter(|rejected| rejected.reason == "input_error") {
                assert_eq!((&*error.file, error.offset), ("audit.log", decoded.len() as u64));
                assert!(error.detail.contains(&format!("compressed offset {at};")), "{}", error.detail);
            }
        }
    }
}

/// Nothing closes a literal, so the second one may be cut, and what it is cut from is not known.
#[test]
fn a_cut_literal_does_not_replace_the_value_in_front_of_it() {
    let line = lines()[1].replace(r#"{"a":[1,{"b":"\"}é"}]},"#, "{},");
    let head = &line[..line.find(r#""responseObject""#).unwrap()];
    let whole = Pass::of(head.as_bytes());
    for again in [r#""objectRef":n"#, r#""verb":nul"#, r#""responseStatus":2"#, r#""objectRef":{"na"#] {
        let pass = Pass::of(format!("{head}{again}").as_bytes());
        let [row] = &pass.rows[..] else { panic!("{again}: {:?}", pass.rejected) };
        for name in ["resource", "verb", "code", "extra_fields", "repairs"] {
            assert_eq!(row[name], whole.rows[0][name], "{name} of {again}");
        }
    }
}

/// The text of such a piece has no place of its own: it was put together, taken out of a string or inflated.
#[test]
fn a_piece_of_a_record_is_found_where_the_record_stands() {
    let event =
        r#"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"auditID\":\"1\",\"stage\":\"Panic\"}"#;
    let torn = format!("{{\"records\":\n[{{\"properties\":{{\"log\":\"{event}\"}}}}]");
    let (packed, _) = gzip(&[format!("{}{}", event.replace('\\', ""), "x".repeat(10_000)).as_bytes()]);
    let packed = base64::engine::general_purpose::STANDARD.encode(packed);
    let wrapped = format!("{{\"awslogs\":{{\"data\":\"{packed}\"}}}}");
    for (log, reason) in [(torn, "torn_document"), (wrapped, "trailing_text")] {
        let pass = Pass::of(log.as_bytes());
        assert_eq!((pass.rows.len(), pass.outcomes.total(Outcome::Repaired).lines), (1, 1), "{log}");
        let [rejected] = &pass.rejected[..] else { panic!("{log}: {:?}", pass.rejected) };
        let place = (rejected.offset, rejected.length);
        assert_eq!((place, rejected.reason), ((0, log.len() as u64), reason), "{log}");
    }
}
