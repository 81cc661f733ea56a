//! Documents and lists over several lines.

use super::*;

const TORN: Verdict = Verdict::Rejected(Reject::TornDocument);
const PUNCTUATION: Verdict = Verdict::Skipped(Skip::ArrayPunctuation);

/// As `jq .` and `kubectl -o json` print it.
fn pretty(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

fn list(items: &str) -> String {
    format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{items}]}}"#)
}

#[test]
fn a_pretty_event_is_one_record() {
    let event = pretty(EVENT);
    for input in
        [event.clone(), format!("{event}\n"), format!("\u{feff}\n{event}\n\n"), event.replace('\n', "\r\n")]
    {
        let records = read(input.as_bytes());
        let found: Vec<_> = records.iter().filter(|record| record.verdict == Verdict::Events).collect();
        assert_eq!(found.len(), 1, "{input}");
        let text: serde_json::Value = serde_json::from_str(&found[0].events[0].text).expect("JSON");
        assert_eq!(text, serde_json::from_str::<serde_json::Value>(EVENT).expect("JSON"));
        assert!(!found[0].events[0].wrapped);
    }
}

#[test]
fn a_pretty_list_gives_its_items() {
    let records = read(pretty(&list(&[ITEM, ITEM, ITEM].join(","))).as_bytes());
    assert_eq!((records.len(), texts(&records).len()), (1, 3));
    let records = read(format!("{}\n{EVENT}\n", pretty(&list(ITEM))).as_bytes());
    assert_eq!((records.len(), texts(&records)[1]), (2, EVENT));
}

#[test]
fn arrays_stream() {
    let on_one_line = format!("[{EVENT},{ITEM}]\n");
    let one_a_line = format!("[\n{EVENT},\n{ITEM}\n]\n");
    let tight = format!("[{EVENT},\n{ITEM}]\n");
    let commas_first = format!("[{EVENT}\n,{ITEM}\n]");
    for input in [on_one_line, one_a_line, tight, commas_first] {
        let records = read(input.as_bytes());
        assert_eq!(texts(&records), [EVENT, ITEM], "{input}");
        assert!(records.iter().all(|record| !matches!(record.verdict, Verdict::Rejected(_))));
    }
    assert_eq!(verdicts(&read(b"[\n  ,\n]\n")), [PUNCTUATION; 3]);
}

#[test]
fn elements_over_several_lines_are_records_of_their_own() {
    let event = pretty(EVENT);
    let python = format!("[\n{event},\n{event}\n]\n");
    let javascript = format!("[{event}, {event}]");
    for (input, count) in [(python, 4), (javascript, 2)] {
        let records = read(input.as_bytes());
        assert_eq!(records.len(), count, "{input}");
        assert_eq!(texts(&records).len(), 2);
    }
}

#[test]
fn a_list_with_an_element_a_line_streams() {
    let input = list(&format!("\n{EVENT},\n{EVENT}\n"));
    let records = read(input.as_bytes());
    assert_eq!(verdicts(&records), [PUNCTUATION, Verdict::Events, Verdict::Events, PUNCTUATION]);
    let records = read(list(&format!("\n{ITEM},\n{ITEM}\n")).as_bytes());
    assert_eq!((verdicts(&records), texts(&records).len()), (vec![Verdict::Events], 2));
    let records = read(list(&format!("\n{ITEM},\n{EVENT}\n")).as_bytes());
    assert_eq!(verdicts(&records), [Verdict::Events, Verdict::Events, PUNCTUATION]);
}

#[test]
fn an_event_ends_a_torn_document() {
    let event = pretty(EVENT);
    for cut in ["{", &event[..event.len() - 2], &event[..event.find("verb").expect("verb")]] {
        let records = read(format!("{cut}\n{EVENT}\n{EVENT}\n").as_bytes());
        assert_eq!(verdicts(&records), [TORN, Verdict::Events, Verdict::Events], "{cut}");
    }
}

#[test]
fn lines_of_other_kinds_end_a_torn_document() {
    let node = format!("master-0 {EVENT}");
    let cri = format!("2026-11-24T00:10:16.026Z stdout F {EVENT}");
    for line in [ITEM, &node, &cri] {
        let records = read(format!("{{\n{line}\n").as_bytes());
        assert_eq!((verdicts(&records), texts(&records).len()), (vec![TORN, Verdict::Events], 1), "{line}");
    }
    let records = read(b"{\n\0\0\0\n");
    assert_eq!(verdicts(&records), [TORN, Verdict::Skipped(Skip::NulRun)]);
    let records = read(format!("{{\n  \"a\": \"b\n{EVENT}\n").as_bytes());
    assert_eq!(verdicts(&records), [TORN, Verdict::Events]);
    assert_eq!(verdicts(&read(b"{\n{\n{\n")), [TORN; 3]);
}

#[test]
fn a_torn_list_gives_its_whole_items() {
    let text = pretty(&list(&[ITEM, ITEM, ITEM].join(",")));
    let cut = text.rfind("requestURI").expect("the last item");
    let records = read(&text.as_bytes()[..cut]);
    assert_eq!((verdicts(&records), texts(&records).len()), (vec![TORN], 2));
}

#[test]
fn a_compact_event_never_opens_a_document() {
    let records = read(format!("{},\n{EVENT}\n", &EVENT[..47]).as_bytes());
    assert_eq!(verdicts(&records), [Verdict::Events, Verdict::Events]);
    let mid = r#"{"auditID":"x","level":"Meta"#;
    let records = read(format!("{mid}\n{ITEM}\n").as_bytes());
    assert_eq!(texts(&records), [mid, ITEM]);
}

#[test]
fn a_line_that_is_cut_behind_a_comma_is_a_cut_line() {
    let cut = r#"{"annotations":{},"apiVersion":"audit.k8s.io/v1","auditID":"x","kind":"Event","#;
    for next in [ITEM, EVENT, "text", ""] {
        let records = read(format!("{cut}\n{next}").as_bytes());
        assert_eq!((records[0].verdict, texts(&records)[0]), (Verdict::Events, cut));
    }
}

#[test]
fn a_document_that_is_too_long_is_skipped_to_its_end() {
    let items = vec![ITEM; 40].join(",");
    let input = format!("{}\n{EVENT}\n", pretty(&list(&items)));
    let records = read(input.as_bytes());
    assert_eq!(verdicts(&records), [Verdict::Rejected(Reject::DocumentTooLong), Verdict::Events]);
    assert!(records[0].bytes.len() <= LIMIT);
    assert!((2..40).contains(&records[0].events.len()));
    let cut = &input[..input.len() - EVENT.len() - 10];
    let records = read(format!("{cut}\n{EVENT}\n").as_bytes());
    assert_eq!(verdicts(&records), [Verdict::Rejected(Reject::DocumentTooLong), Verdict::Events]);
}

#[test]
fn a_line_longer_than_allowed_ends_a_document() {
    let options = LineOptions { buffer: 64, max_line: 300, keep_tail: 16 };
    let long = format!("{{\"a\":1,\n\"b\": \"{}\"}}\n", "x".repeat(400));
    assert_eq!(
        verdicts(&read_with(long.as_bytes(), options, LIMIT)),
        [Verdict::Rejected(Reject::DocumentTooLong)]
    );
    let input = format!("{{\n\"a\": \"{}\"\n}}\n{EVENT}\n", "x".repeat(400));
    let records = read_with(input.as_bytes(), options, LIMIT);
    assert_eq!(records[0].verdict, Verdict::Rejected(Reject::DocumentTooLong));
    assert_eq!(texts(&records), [EVENT]);
}

#[test]
fn brackets_deeper_than_remembered_are_followed() {
    let deep = format!("{{\n\"a\":\n{}1,\n2{}\n,\"b\":[\n1,\n2\n]}}\n", "[\n".repeat(200), "\n]".repeat(200));
    assert_eq!(verdicts(&read(deep.as_bytes())), [Verdict::Skipped(Skip::NotAudit)]);
}

#[test]
fn a_cloud_export_of_another_kind_is_skipped_entry_by_entry() {
    let entry = r#"{"insertId":"x","protoPayload":{"methodName":"io.k8s.core.v1.pods.create"}}"#;
    let records = read(pretty(&format!("[{entry},{entry}]")).as_bytes());
    let gke = Verdict::Skipped(Skip::GkeLogEntry);
    assert_eq!(verdicts(&records), [PUNCTUATION, gke, gke, PUNCTUATION]);
}

/// The first line of a list may have all of its items, whatever stands on the lines behind it.
#[test]
fn a_list_may_be_closed_on_lines_of_its_own() {
    let whole = list(&[ITEM, ITEM].join(","));
    let (items, object) = (&whole[..whole.len() - 2], &whole[..whole.len() - 1]);
    for input in [
        format!("{items}\n]}}\n{EVENT}\n"),
        format!("{items}\n]\n}}\n{EVENT}\n"),
        format!("{items}\n\n  ]\n\n}}\n{EVENT}\n"),
        format!("{object}\n}}\n{EVENT}\n"),
        format!("{object}\n\n }}\n{EVENT}\n"),
        format!("{object},\"more\":{{}}\n}}\n{EVENT}\n"),
        format!("{items}\n,{ITEM}\n]}}\n{EVENT}\n"),
    ] {
        let records = read(input.as_bytes());
        assert_eq!(verdicts(&records), [Verdict::Events, Verdict::Events], "{input}");
        let expected = if input.contains("\n,") { 4 } else { 3 };
        assert_eq!((texts(&records).len(), texts(&records)[expected - 1]), (expected, EVENT), "{input}");
    }
    for cut in [items, object] {
        let records = read(format!("{cut}\n{EVENT}\n{EVENT}\n").as_bytes());
        assert_eq!(verdicts(&records), [TORN, Verdict::Events, Verdict::Events], "{cut}");
        assert_eq!(texts(&records), [ITEM, ITEM, EVENT, EVENT]);
    }
}

/// Whoever sends a body chooses its bytes. An event on a line of its own is never hidden, wherever it stands; where it may
/// be a part of a body, it says so, and what it stood in is not taken for the punctuation of a list.
#[test]
fn an_event_that_may_be_of_a_body_says_so() {
    let head = concat!(
        "{\n\"kind\":\"Event\",\n\"apiVersion\":\"audit.k8s.io/v1\",\n\"auditID\":\"real\",\n",
        "\"requestObject\":"
    );
    let item = concat!(
        "{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"items\":[\n",
        "{\"auditID\":\"real\",\"requestObject\":"
    );
    for front in [head, item] {
        for body in ["[\n", "[1,\n", "\n", "[[\n", "{\"items\": [\n"] {
            let records = read(format!("{front}{body}{EVENT}\n{EVENT}\n").as_bytes());
            assert_eq!(verdicts(&records), [TORN, Verdict::Events, Verdict::Events], "{front}{body}");
            let repairs: Vec<_> = records[1..].iter().map(|record| record.events[0].repairs).collect();
            assert_eq!(repairs, [Repairs::one(Repair::Resynchronised), Repairs::default()], "{front}{body}");
        }
    }
}
