//! Shapes of one line each.

use super::*;

#[test]
fn blank_lines_and_holes_are_skipped() {
    is_skipped("", Skip::Blank);
    is_skipped(" \t\r", Skip::Blank);
    is_skipped("\u{feff}", Skip::Blank);
    is_skipped(" \0\0", Skip::NulRun);
    let records = read(&[&[0; 1000], EVENT.as_bytes(), b"\n"].concat());
    assert_eq!(verdicts(&records), [Verdict::Skipped(Skip::NulRun), Verdict::Events]);
    assert_eq!((records[0].len, records[1].offset), (1000, 1000));
}

#[test]
fn a_plain_event_is_handed_out_as_it_stands() {
    assert!(!gives(EVENT, EVENT).wrapped);
    assert!(!gives(&format!("{EVENT}\r"), EVENT).wrapped);
    let spaced =
        r#"{ "_x":1 , "stage" : "Panic" , "apiVersion" : "audit.k8s.io/v1beta1" , "kind" : "Event" }"#;
    gives(spaced, spaced);
    gives(ITEM, ITEM);
    let escaped = r#"{"kind":"Event","apiVersion":"audit.k8s.io\/v1","level":"None"}"#;
    gives(escaped, escaped);
}

#[test]
fn what_stands_around_an_event_is_removed_and_noted() {
    let mut both = Repairs::one(Repair::Bom);
    both.add(Repair::NulRun);
    assert_eq!(gives(&format!("\u{feff}{EVENT}"), EVENT).repairs, Repairs::one(Repair::Bom));
    assert_eq!(gives(&format!(" \0\0 {EVENT}\0"), EVENT).repairs, Repairs::one(Repair::NulRun));
    assert_eq!(gives(&format!("\u{feff}\0{EVENT} \r"), EVENT).repairs, both);
    assert!(gives(&format!("  {EVENT}\t"), EVENT).repairs.is_empty());
}

#[test]
fn what_is_wrong_with_an_event_is_for_the_parser() {
    for line in [
        &EVENT[..80],
        r#"{"kind":"Event","#,
        r#"{"a":1"#,
        "{",
        "{}}",
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1",}"#,
    ] {
        let records = read(line.as_bytes());
        assert_eq!(texts(&records), if line == "{}}" { vec![] } else { vec![line] }, "{line}");
    }
    is_rejected("{}}", Reject::NotJson);
    gives(&format!("{EVENT}]oops"), &format!("{EVENT}]oops"));
    let torn = format!(r#"ame":"x"}}}}{EVENT}"#);
    gives(&torn, &torn);
    let torn = format!(r#"]}}}},"stage":"x"}}{EVENT}"#);
    assert_eq!(texts(&read(torn.as_bytes())).len(), 1);
}

#[test]
fn events_behind_each_other_are_handed_out_one_by_one() {
    let got = one(&format!("{EVENT}{ITEM} {EVENT}"));
    assert_eq!(got.events.iter().map(|event| event.text.as_str()).collect::<Vec<_>>(), [EVENT, ITEM, EVENT]);
}

#[test]
fn other_objects_are_skipped() {
    for line in [
        r#"{"kind":"Policy","apiVersion":"audit.k8s.io/v1","rules":[]}"#,
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}"#,
        r#"{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","apiVersion":"v1"}]}"#,
        r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":null}"#,
        r#"{"kind":"Event","apiVersion":"events.k8s.io/v1","note":"x"}"#,
        r#"{"auditID":"x"}"#,
        r#"{"kind":"pipeline","event":{}}"#,
        r#"["a", 1]"#,
        "{}",
        r#""text""#,
    ] {
        is_skipped(line, Skip::NotAudit);
    }
    is_rejected(r#"{"kind":"Pod","apiVersion":"v1","x":tru}"#, Reject::NotJson);
}

#[test]
fn nobody_forges_an_event_in_an_api_object() {
    let message = quoted(EVENT);
    for kind in ["Event", "EventList", "Status"] {
        let line = format!(
            r#"{{"kind":"{kind}","apiVersion":"v1","message":{message},"items":[{{"message":{message}}}]}}"#
        );
        is_skipped(&line, Skip::NotAudit);
    }
}

#[test]
fn a_list_gives_its_items() {
    let list = format!(
        r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{ITEM},{ITEM}]}}"#
    );
    let got = one(&list);
    assert_eq!(got.verdict, Verdict::Events);
    let item = || Candidate { text: ITEM.to_owned(), node: None, wrapped: true, repairs: Repairs::default() };
    assert_eq!(got.events, [item(), item()]);
    let list = format!(r#"{{"items":[{EVENT},{{"kind":"Pod"}},7],"kind":"List","apiVersion":"v1"}}"#);
    assert!(gives(&list, EVENT).wrapped);
}

#[test]
fn a_cut_list_gives_its_whole_items() {
    let list = format!(
        r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{ITEM},{ITEM}, {{"level":"Meta"#
    );
    let got = one(&list);
    assert_eq!((got.verdict, got.events.len()), (Verdict::Rejected(Reject::TornDocument), 2));
    let options = LineOptions { buffer: 64, max_line: list.len() - 30, keep_tail: 16 };
    let records = read_with(list.as_bytes(), options, LIMIT);
    assert_eq!(records[0].verdict, Verdict::Rejected(Reject::DocumentTooLong));
    assert_eq!(texts(&records).len(), 1);
    let list = format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{ITEM} {ITEM}]}}"#);
    let got = one(&list);
    assert_eq!((got.verdict, got.events.len()), (Verdict::Rejected(Reject::TornDocument), 1));
}

#[test]
fn a_line_longer_than_allowed_is_handed_out_as_far_as_it_is_there() {
    let options = LineOptions { buffer: 64, max_line: 100, keep_tail: 16 };
    let records = read_with(format!("{EVENT}\n{ITEM}\n").as_bytes(), options, LIMIT);
    assert_eq!(texts(&records), [&EVENT[..100], &ITEM[..100]]);
}

#[test]
fn node_names_are_kept() {
    let event = gives(&format!("ip-10-0-1-2.ec2.internal {EVENT}"), EVENT);
    assert_eq!((event.node.as_deref(), event.wrapped), (Some("ip-10-0-1-2.ec2.internal"), false));
    assert_eq!(gives(&format!("master-0  {}", &EVENT[..50]), &EVENT[..50]).node.as_deref(), Some("master-0"));
    for line in [
        "Master {}",
        "a..b {}",
        "-a {}",
        "a_b {}",
        "master-0 text",
        "master-0",
        &format!("{} {{}}", "a".repeat(254)),
    ] {
        is_rejected(line, Reject::NotJson);
    }
}

#[test]
fn times_of_an_s3_export_are_taken_off() {
    assert!(!gives(&format!("2026-11-24T00:10:16.026Z {EVENT}"), EVENT).wrapped);
    gives(&format!("2026-11-24T00:10:16+01:00 {EVENT}"), EVENT);
    is_skipped("2026-11-24T00:10:16.026Z I1124 00:10:16.026000      11 trace.go:236] x", Skip::Klog);
    is_rejected("2026-11-24T00:10:16.026Z text", Reject::NotJson);
    is_rejected("2026-11-24T00:10:16.026", Reject::NotJson);
}

#[test]
fn known_text_is_skipped() {
    is_skipped("I0714 12:00:00.000000       1 server.go:123] {\"kind\":\"Event\"}", Skip::Klog);
    is_skipped("E0714 12:00:00.000000   99999 x.go:1] \"x\" err=<", Skip::Klog);
    let legacy = r#"2026-11-24T00:14:24.559906012Z AUDIT: id="3b6" stage="RequestReceived" ip="127.0.0.1""#;
    is_skipped(legacy, Skip::LegacyText);
    is_skipped(&format!("2026-11-24T00:14:24.559906012Z stdout F {legacy}"), Skip::LegacyText);
    is_rejected("X0714 12:00:00.000000 1 x", Reject::NotJson);
    is_rejected("goroutine 1 [running]:", Reject::NotJson);
}

#[test]
fn shippers_put_the_line_into_a_field() {
    let text = quoted(EVENT);
    for key in ["log", "message", "MESSAGE", "log_s", "line", "@message", "short_message"] {
        let line =
            format!(r#"{{"date":1.5,"{key}":{text},"stream":"stdout","kubernetes":{{"pod_name":"x"}}}}"#);
        assert!(gives(&line, EVENT).wrapped);
        let line = format!(r#"{{"{key}":{EVENT}}}"#);
        assert!(gives(&line, EVENT).wrapped);
    }
    gives(&format!(r#"{{"log":{text},"message":{text}}}"#), EVENT);
    gives(&format!(r#"{{"log":"text","message":{text}}}"#), EVENT);
    is_skipped(r#"{"log":"I0714 12:00:00.000000       1 x.go:1] y","tag":"kube"}"#, Skip::Klog);
    is_skipped(r#"{"log":"text","tag":"kube"}"#, Skip::NotAudit);
    is_rejected(r#"{"log":"\x{\"kind\":1}","tag":"kube"}"#, Reject::BadString);
    gives(&quoted(&format!("{EVENT}\n")), EVENT);
}

#[test]
fn ovh_puts_the_application_in_front() {
    gives(&format!("kube-apiserver> {EVENT}"), EVENT);
    let gelf = format!(r#"{{"_appID":"kube","short_message":{}}}"#, quoted(EVENT));
    gives(&format!(r#"{{"message":{}}}"#, quoted(&gelf)), EVENT);
    gives(&format!(r#"{{"message":{}}}"#, quoted(&format!("kube> {EVENT}"))), EVENT);
}

#[test]
fn a_string_in_a_string_is_opened_three_times() {
    let nest = |levels: usize| {
        (0..levels).fold(EVENT.to_owned(), |text, _| format!(r#"{{"log":{}}}"#, quoted(&text)))
    };
    gives(&nest(3), EVENT);
    is_rejected(&nest(4), Reject::TooDeep);
    is_rejected(&nest(8), Reject::TooDeep);
}

#[test]
fn bytes_that_are_no_utf_8_stay() {
    let mut line = br#"{"log":"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"verb\":\""#.to_vec();
    line.extend_from_slice(b"\xff\xfe\\\"}\",\"x\":1}\n");
    let records = read(&line);
    assert_eq!(
        texts(&records),
        ["{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"verb\":\"\u{fffd}\u{fffd}\"}"]
    );
}

#[test]
fn every_reason_has_a_word_and_a_sentence() {
    let words = Skip::ALL.map(|skip| (skip.name(), skip.explain()));
    let all: Vec<_> =
        words.into_iter().chain(Reject::ALL.map(|reject| (reject.name(), reject.explain()))).collect();
    for (at, (name, sentence)) in all.iter().enumerate() {
        assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{name}");
        assert!(sentence.len() > 20 && !sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
        assert!(all[..at].iter().all(|other| other.0 != *name), "{name}");
    }
}
