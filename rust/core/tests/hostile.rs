//! Nothing that stands on a line can hide an event, forge one, or cost more than its length.

use auditwake_core::lines::LineOptions;
use auditwake_core::reader::Options;
use auditwake_core::restore::Restorer;
use auditwake_core::stats::Outcome;

use super::cells::{Cell, Row, rows};
use super::pass::{self, Pass};

const HEAD: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"#;

/// Ends an event.
const TAIL: &str = r#""requestReceivedTimestamp":null,"stageTimestamp":null}"#;

/// An event with that ID and these members in front of its times.
fn event(id: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    let user = r#""user":{"username":"eve"}"#;
    format!(
        r#"{HEAD}"{id}","stage":"ResponseComplete","requestURI":"/api","verb":"patch",{user},{more}{comma}{TAIL}"#
    )
}

struct Read {
    pass: Pass,
    rows: Vec<Row>,
}

impl Read {
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self::with(bytes, Options::default())
    }

    fn with(bytes: impl AsRef<[u8]>, options: Options) -> Self {
        let pass = pass::read(bytes.as_ref(), options);
        let length = bytes.as_ref().len() as u64;
        let tallies = Outcome::ALL.map(|outcome| pass.outcomes.total(outcome).bytes);
        assert!(tallies.iter().all(|bytes| *bytes <= length), "{:?}", pass.outcomes);
        assert_eq!(tallies.iter().sum::<u64>(), length, "{:?} {:?}", pass.outcomes, pass.rejected);
        let rows = pass.batches.iter().flat_map(rows).collect();
        Self { pass, rows }
    }

    fn ids(&self) -> Vec<&str> {
        self.rows.iter().map(|row| text(row, "audit_id")).collect()
    }

    fn repairs(&self, row: usize) -> Vec<&str> {
        match &self.rows[row]["repairs"] {
            Cell::List(names) => {
                names.iter().map(|name| if let Cell::Text(name) = name { name } else { "" }).collect()
            }
            _ => Vec::new(),
        }
    }

    fn lines(&self, outcome: Outcome) -> u64 {
        self.pass.outcomes.total(outcome).lines
    }

    fn restored(&self) -> Vec<u8> {
        let restorer = Restorer::new(&self.pass.batches[0]).unwrap();
        let mut line = Vec::new();
        restorer.write(0, &mut line);
        line
    }
}

fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    match &row[name] {
        Cell::Text(text) => text,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn bodies_cannot_hurt_the_event() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep_objects = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    for (body, repairs) in [
        (&*deep, &["deep_nesting"][..]),
        (&deep_objects, &["deep_nesting"]),
        ("1e400", &[]),
        (r#"{"n":-1e-9999999,"m":123456789012345678901234567890}"#, &[]),
        (r#"{"a":1,"a":2,"kind":"Event","auditID":"forged"}"#, &[]),
        (r#"{"a":"\ud800"}"#, &[]),
        (r#"[{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"forged","stage":"Panic"}]"#, &[]),
    ] {
        let line = event("1", &format!(r#""requestObject":{body}"#));
        let read = Read::of(&line);
        assert_eq!((read.ids(), read.repairs(0)), (vec!["1"], repairs.to_vec()));
        assert_eq!(text(&read.rows[0], "request_object"), body);
        assert_eq!(read.restored(), line.as_bytes());
    }
}

#[test]
fn raw_bytes_in_a_body_are_kept_and_named() {
    let mut line = event("1", r#""requestObject":{"a":"XY"}"#).into_bytes();
    let at = line.iter().position(|byte| *byte == b'X').unwrap();
    line[at..at + 2].copy_from_slice(b"\xff\xc3");
    let read = Read::of(&line);
    assert_eq!((read.ids(), read.repairs(0)), (vec!["1"], vec!["invalid_utf8"]));
    assert_eq!(text(&read.rows[0], "request_object"), "{\"a\":\"\u{fffd}\u{fffd}\"}");
    assert_eq!(read.rows[0]["raw"], Cell::Bytes(line.clone()));
    assert_eq!(read.restored(), line);
}

#[test]
fn holes_and_marks_around_an_event_are_named() {
    for (before, after, repair) in [
        ("\u{feff}", "", Some("bom")),
        ("  ", " \t\r", None),
        ("", "\0\0\0", Some("nul_run")),
        (" \0\0", "", Some("nul_run")),
        (" ", "\0", Some("nul_run")),
    ] {
        let line = format!("{before}{}{after}", event("1", ""));
        let read = Read::of(&line);
        assert_eq!(read.ids(), ["1"]);
        assert_eq!(read.repairs(0), Vec::from_iter(repair), "{line:?}");
        assert_eq!(read.lines(Outcome::Repaired), u64::from(repair.is_some()), "{line:?}");
    }
    let hole = "\0".repeat(3_000_000) + &event("1", "") + "\n" + &"\0".repeat(100) + "\n" + &event("2", "");
    let read = Read::of(&hole);
    assert_eq!(read.ids(), ["1", "2"]);
    assert_eq!((read.lines(Outcome::Skipped), read.lines(Outcome::Ok)), (2, 2));
}

#[test]
fn the_longest_line_keeps_the_metadata() {
    let body = "x".repeat(100_000);
    let line = event("1", &format!(r#""requestObject":{{"a":"{body}"}}"#));
    let lines = LineOptions { max_line: 4096, ..LineOptions::default() };
    let read = Read::with(format!("{line}\n{}\n", event("2", "")), Options { lines, ..Options::default() });
    assert_eq!((read.ids(), read.repairs(0), read.repairs(1)), (vec!["1", "2"], vec!["truncated"], vec![]));
    assert_eq!((text(&read.rows[0], "user"), &read.rows[0]["truncated"]), ("eve", &Cell::Bool(true)));
    assert_eq!(read.pass.outcomes.total(Outcome::Repaired).bytes, line.len() as u64 + 1);
}

#[test]
fn a_torn_fragment_is_rejected_and_the_event_behind_it_kept() {
    let whole = event("whole", "");
    for fragment in [&event("torn", "")[..90], r#"er":{"username":"bob"}}"#, "garbage", r#"{"kind":"Eve"#] {
        let read = Read::of(format!("{fragment}{whole}\n{whole}"));
        assert_eq!(read.ids(), ["whole", "whole"], "{fragment}");
        assert!(read.repairs(0).contains(&"resynchronised"), "{fragment}: {:?}", read.repairs(0));
        assert_eq!(read.repairs(1), Vec::<&str>::new());
        let rejected: Vec<_> =
            read.pass.rejected.iter().map(|rejected| (rejected.offset, &rejected.bytes[..])).collect();
        assert_eq!(rejected, [(0, fragment.as_bytes())]);
    }
}

/// Text and raw bytes differ in length then, and so do positions in them.
#[test]
fn a_torn_fragment_with_invalid_bytes_is_rejected_as_it_stood() {
    let (whole, fragment) = (event("whole", ""), event("torn", "")[..90].to_owned());
    let mut line = [fragment.as_bytes(), &[0xff; 700], whole.as_bytes()].concat();
    let read = Read::of(&line);
    assert_eq!((read.ids(), read.repairs(0)), (vec!["whole"], vec!["invalid_utf8", "resynchronised"]));
    let [rejected] = &read.pass.rejected[..] else { panic!("{:?}", read.pass.rejected) };
    assert_eq!((rejected.offset, rejected.length), (0, line.len() as u64 - whole.len() as u64));
    assert_eq!(rejected.bytes, line[..line.len() - whole.len()]);
    // The raw bytes of a row are those of its event, wherever the line has others.
    assert_eq!(read.rows[0]["raw"], Cell::Bytes(whole.clone().into_bytes()));
    line.extend_from_slice(whole.as_bytes());
    assert_eq!(Read::of(&line).rows[1]["raw"], Cell::Bytes(whole.into_bytes()));
}

#[test]
fn several_events_on_a_line_are_all_kept() {
    let [a, b] = [event("a", ""), event("b", "")];
    for between in [
        "",
        " ",
        ",",
        " , ",
        "}",
        "er\":\"x\"}}",
        "\0\0",
        "2026-11-26T00:10:19.262Z stdout F ",
        r#"{"kind":"Pod"}"#,
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","x"#,
    ] {
        let line = format!("{a}{between}{b}");
        let read = Read::of(&line);
        assert_eq!(read.ids(), ["a", "b"], "{between:?}");
        let clean = between.trim_matches([' ', ',']).is_empty();
        assert_eq!(read.repairs(1).contains(&"resynchronised"), !clean, "{between:?}");
        assert_eq!(read.lines(Outcome::Ok), u64::from(clean), "{between:?}: {:?}", read.pass.outcomes);
        let kept = read.pass.rejected.iter().any(|rejected| rejected.bytes == between.as_bytes());
        assert!(clean || kept || between.starts_with('\0'), "{between:?}: {:?}", read.pass.rejected);
    }
}

/// What is wrong with a line must show in its row too, not only in the counts.
#[test]
fn the_row_names_what_stood_behind_its_event() {
    for (behind, repair) in [("\0\0", "nul_run"), ("}", "resynchronised"), ("garbage", "resynchronised")] {
        let read = Read::of(event("1", "") + behind);
        assert_eq!(read.repairs(0), [repair], "{behind:?}");
    }
}

#[test]
fn a_line_cut_in_a_body_keeps_its_metadata() {
    let line = event("1", r#""requestObject":{"metadata":{"name":"n"},"a":"b"},"responseObject":[1,2]"#);
    let body = line.find("\"requestObject\":").unwrap() + "\"requestObject\":".len();
    for at in body..line.len() {
        let read = Read::of(format!("{}\n{}", &line[..at], event("2", "")));
        assert_eq!((read.ids(), read.repairs(0)), (vec!["1", "2"], vec!["truncated"]), "{at}");
        assert_eq!(read.restored(), &line.as_bytes()[..at]);
    }
}

/// Whoever sends a patch chooses its bytes, and logs cut at 16 KiB or 256 KiB exist: such a body must not turn the line
/// into events of the sender's making.
#[test]
fn an_event_inside_a_cut_body_is_no_event() {
    let forged = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"forged","stage":"Panic"}"#;
    let line =
        event("real", &format!(r#""requestObject":[{forged},{{"op":"add","value":"{}"}}]"#, "x".repeat(100)));
    let read = Read::of(&line[..line.len() - TAIL.len() - 20]);
    assert_eq!((read.ids(), read.repairs(0)), (vec!["real"], vec!["truncated"]));
    // Nor where the line is damaged behind the body.
    let read = Read::of(line.replace("\"requestReceivedTimestamp\":", "\"requestReceivedTimestamp\","));
    assert_eq!((read.ids(), read.lines(Outcome::Rejected)), (vec![], 1));
    // Where the cut falls right behind it, it reads like the event of another writer: the real one must not be hidden.
    let read = Read::of(&line[..line.find(forged).unwrap() + forged.len()]);
    assert_eq!((read.ids()[0], read.repairs(0)), ("real", vec!["truncated"]));
    assert!(read.repairs(1).contains(&"resynchronised"));
}

#[test]
fn a_list_with_a_broken_item_keeps_the_others() {
    let item = |id: &str| format!(r#"{{"level":"Metadata","auditID":"{id}","stage":"Panic","verb":"get"}}"#);
    let list = |broken: &str| {
        let (a, c) = (item("a"), item("c"));
        format!(
            r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{a},{broken},{c}]}}"#
        )
    };
    let whole = Read::of(list(&item("b")));
    assert_eq!((whole.ids(), whole.lines(Outcome::Ok)), (vec!["a", "b", "c"], 1));
    for broken in [
        r#"{"auditID":"b","stage":"Panic","user":{"username":"\x"}}"#,
        r#"{"auditID":"b","stage":nonsense}"#,
        r#"{"auditID":"b"}"#,
    ] {
        let read = Read::of(list(broken));
        assert_eq!(read.ids(), ["a", "c"], "{broken}");
        assert_eq!(read.lines(Outcome::Repaired), 1, "{broken}: {:?}", read.pass.outcomes);
        let kept = read.pass.rejected.iter().any(|rejected| rejected.bytes == broken.as_bytes());
        assert!(kept, "{broken}: {:?}", read.pass.rejected);
    }
}

#[test]
fn keys_and_types_with_escapes_are_what_they_say() {
    let line = event("1", r#""\u0073ourceIPs":["::1"],"userAgen\u0074":"curl/8""#);
    let read = Read::of(&line);
    assert_eq!((text(&read.rows[0], "source_ip"), text(&read.rows[0], "agent_name")), ("::1", "curl"));
    // Encoders of other languages write a slash as they like.
    let line = event("2", "").replace("audit.k8s.io/v1", r"audit.k8s.io\/v1");
    let read = Read::of(&line);
    assert_eq!(read.ids(), ["2"], "{:?}", read.pass.outcomes);
    assert_eq!(read.restored(), line.as_bytes());
    let line = r#"{"kind":"Event","level":"Metadata","auditID":"3","stage":"Panic"}"#;
    assert_eq!(Read::of(line).ids(), ["3"]);
}

#[test]
fn what_is_no_json_is_no_event_wherever_it_stands() {
    for more in [
        r#""unknown":nonsense"#,
        r#""unknown":{"a":}"#,
        r#""unkn\own":1"#,
        "\"unkn\u{1}own\":1",
        r#""verb":nonsense"#,
        r#""annotations":{"a":01}"#,
        r#""userAgent":"\x""#,
        r#""userAgent":"\x","userAgent":"curl/8""#,
        r#""responseStatus":{"code":1.}"#,
        r#""requestObject":nonsense"#,
        r#""apiVersion":"audit.k8s.io/\x""#,
    ] {
        let read = Read::of(event("1", more));
        assert_eq!((read.ids(), read.lines(Outcome::Rejected)), (vec![], 1), "{more}");
    }
    for version in ["v\u{1}", r"v\x"] {
        let read = Read::of(event("1", "").replace("k8s.io/v1", &format!("k8s.io/{version}")));
        assert_eq!((read.ids(), read.lines(Outcome::Rejected)), (vec![], 1), "{version:?}");
    }
}

#[test]
fn a_node_prefix_names_its_own_line_only() {
    let (a, b) = (event("a", ""), event("b", ""));
    let read = Read::of(format!("{a}\nmaster-0 {b}\n{a}\n"));
    let servers: Vec<&Cell> = read.rows.iter().map(|row| &row["apiserver"]).collect();
    assert_eq!(servers, [&Cell::Null, &Cell::Text("master-0".to_owned()), &Cell::Null]);
}

#[test]
fn rows_have_the_offset_of_their_own_line() {
    let a = event("a", "");
    let partial = "2026-11-24T00:10:19.262Z stdout P {\"kind\":";
    for before in ["{", "[", "{\n  \"kind\": \"Pod\",", partial, "\0\0"] {
        let read = Read::of(format!("{before}\n{a}\n"));
        assert_eq!(read.ids(), ["a"], "{before}");
        assert_eq!(read.rows[0]["src_offset"], Cell::Int(before.len() as i64 + 1), "{before}");
    }
}

#[test]
fn a_missing_user_is_not_hidden_behind_an_impersonated_one() {
    let line =
        format!(r#"{HEAD}"1","stage":"Panic","impersonatedUser":{{"username":"root"}},"verb":"get"}}"#);
    assert_eq!(text(&Read::of(line).rows[0], "eff_user"), "root");
}

#[test]
fn a_reference_that_is_no_object_refers_to_nothing() {
    for (reference, long) in [("null", true), ("[]", true), (r#""pods""#, true), ("{}", false)] {
        let line = event("1", &format!(r#""objectRef":{reference}"#)).replace("/api", "/debug/pprof/heap");
        assert_eq!(Read::of(line).rows[0]["is_long_running"], Cell::Bool(long), "{reference}");
    }
}

#[test]
fn an_annotation_bomb_is_just_many_annotations() {
    let bomb: Vec<String> = (0..100_000).map(|i| format!(r#""k{i}":"v""#)).collect();
    let same: Vec<String> = (0..100_000).map(|i| format!(r#""k":"{i}""#)).collect();
    let read = Read::of(event("1", &format!(r#""annotations":{{{}}}"#, bomb.join(","))));
    assert!(matches!(&read.rows[0]["annotations"], Cell::Map(entries) if entries.len() == 100_000));
    let read = Read::of(event("1", &format!(r#""annotations":{{{}}}"#, same.join(","))));
    assert_eq!(read.repairs(0), ["duplicate_key"]);
    let user = format!(r#""user":{{"extra":{{{}}}}}"#, bomb.join(",").replace("\"v\"", "[\"v\"]"));
    assert_eq!(Read::of(event("1", &user)).repairs(0), ["duplicate_key"]);
}

/// How much work such lines are is counted in `reader/event_text/tests.rs`; if it were the square of their length, this
/// would take the better part of an hour.
#[test]
fn many_event_starts_are_read_or_accounted_for() {
    let start = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","user":{"#;
    let good = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1"}"#;
    let units = ["", ",", "]", "x", "\0"].map(|between| format!("{good}{between}"));
    for unit in &units {
        let count = 4_000_000 / unit.len();
        let line = unit.repeat(count);
        // With a tail of brackets, which might be looked at anew behind each event.
        for tail in ["", "]", "}"] {
            let read = Read::with(line.clone() + &tail.repeat(2_000_000), few());
            assert_eq!(read.rows.len(), count, "{unit} {tail}");
        }
    }
    // The tail closes the brackets of the first torn event, and what stands inside them is no event.
    for (unit, tail, rows) in [(start, "", 0), (start, "]", 0), (&*format!("{start}{good}"), "", 16)] {
        let read = Read::with(unit.repeat(4_000_000 / unit.len()) + &tail.repeat(2_000_000), few());
        assert_eq!(read.rows.len(), rows, "{unit} {tail}");
        assert!(read.lines(Outcome::Rejected) > 0, "{unit} {tail}: {:?}", read.pass.outcomes);
    }
}

/// Objects that are no JSON, and whose last member seems to go on behind their brackets, to the end of the line.
#[test]
fn many_broken_elements_are_accounted_for() {
    let [broken, array] =
        [r#"{"k":x","a":["},"#, r#"[x","a["],"#].map(|unit| unit.repeat(4_000_000 / unit.len()));
    for line in [
        format!(r#"{{"events":[{broken}1]}}"#),
        format!(r#"{{"records":[{broken}1]}}"#),
        format!(r#"{{"streams":[{broken}1]}}"#),
        format!(r#"{{"streams":[{{"values":[{array}1]}}]}}"#),
        format!(r#"{{"kind":"EventList","items":[{broken}1]}}"#),
    ] {
        let read = Read::with(&line, few());
        assert_eq!((read.rows.len(), read.lines(Outcome::Rejected)), (0, 1), "{}", &line[..40]);
    }
}

/// A pass that builds one column.
fn few() -> Options {
    let selection = auditwake_core::schema::Selection::new(Some(&["verb".to_owned()]), false).unwrap();
    Options { selection, ..Options::default() }
}
