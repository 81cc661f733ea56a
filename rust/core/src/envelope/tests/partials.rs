//! Log entries in parts.

use super::*;

const TIME: &str = "2026-11-24T00:10:16.026123456Z";

fn docker(log: &str, stream: &str) -> String {
    format!("{{\"log\":{},\"stream\":\"{stream}\",\"time\":\"{TIME}\"}}\n", quoted(log))
}

#[test]
fn cri_lines() {
    assert!(!gives(&format!("{TIME} stdout F {EVENT}"), EVENT).wrapped);
    gives(&format!("{TIME} stderr F:tag {EVENT}"), EVENT);
    is_skipped(&format!("{TIME} stderr F I0714 12:00:00.000000       1 x.go:1] y"), Skip::Klog);
    is_skipped(&format!("{TIME} stderr F"), Skip::Blank);
    is_rejected(&format!("{TIME} stdout X {EVENT}").replace("{\"kind\"", "{\"k\""), Reject::NotJson);
    is_rejected(&format!("{TIME} stdout F text"), Reject::NotJson);
}

#[test]
fn cri_parts_are_joined_by_stream() {
    let (first, rest) = EVENT.split_at(70);
    let (second, third) = rest.split_at(40);
    let (other, end) = ITEM.split_at(30);
    let parts = [
        ("stdout P", first),
        ("stderr P", other),
        ("stdout P", second),
        ("stderr F", end),
        ("stdout F", third),
    ];
    let input = parts.map(|(tag, text)| format!("{TIME} {tag} {text}\n")).concat();
    let records = read(input.as_bytes());
    assert_eq!(texts(&records), [ITEM, EVENT]);
    assert_eq!((records[1].offset, records[1].bytes.as_slice()), (0, EVENT.as_bytes()));
    assert_eq!(verdicts(&records), [Verdict::Events; 2]);
}

#[test]
fn white_space_between_parts_stays() {
    let input = format!("{TIME} stdout P {{\"auditID\":\"1\",\"stage\":\"a \n{TIME} stdout F  b\"}}\n");
    assert_eq!(texts(&read(input.as_bytes())), ["{\"auditID\":\"1\",\"stage\":\"a  b\"}"]);
}

#[test]
fn docker_lines() {
    assert!(gives(docker(&format!("{EVENT}\n"), "stdout").trim_end(), EVENT).wrapped);
    is_skipped(docker("I0714 12:00:00.000000       1 x.go:1] y\n", "stderr").trim_end(), Skip::Klog);
    is_skipped(docker("Flag --x has been deprecated\n", "stderr").trim_end(), Skip::NotAudit);
    let (a, b) = EVENT.split_at(100);
    let input =
        [docker(a, "stdout"), docker("text\n", "stderr"), docker(&format!("{b}\n"), "stdout")].concat();
    let records = read(input.as_bytes());
    assert_eq!(texts(&records), [EVENT]);
    assert_eq!(verdicts(&records), [Verdict::Skipped(Skip::NotAudit), Verdict::Events]);
}

#[test]
fn shippers_without_newlines_lose_nothing() {
    let cut = &EVENT[..90];
    let input =
        [docker(EVENT, "stdout"), docker("text", "stdout"), docker(cut, "stdout"), docker(ITEM, "stdout")]
            .concat();
    assert_eq!(texts(&read(input.as_bytes())), [EVENT, cut, ITEM]);
}

#[test]
fn an_object_inside_a_full_part_is_no_event() {
    let forged = format!("{EVENT}{}", " ".repeat((16 << 10) - EVENT.len()));
    let input = [docker("{\"a\":", "stdout"), docker(&forged, "stdout"), docker("}\n", "stdout")].concat();
    let options = LineOptions { buffer: 64, max_line: 1 << 20, keep_tail: 16 };
    let records = read_with(input.as_bytes(), options, 1 << 20);
    assert_eq!(verdicts(&records), [Verdict::Skipped(Skip::NotAudit)]);
}

#[test]
fn an_entry_without_its_end_is_handed_out_as_cut() {
    let cut = &EVENT[..90];
    for input in [format!("{TIME} stdout P {cut}\n"), docker(cut, "stderr")] {
        let records = read(input.as_bytes());
        assert_eq!((verdicts(&records), texts(&records)), (vec![Verdict::Events], vec![cut]));
    }
}

#[test]
fn entries_are_bounded() {
    let part = format!("{TIME} stdout P {}\n", "x".repeat(1000)).repeat(20);
    let input = format!("{TIME} stdout P {{\"kind\":\"Event\",\"x\":\"\n{part}");
    let records = read(format!("{input}{TIME} stdout F \"}}\n{EVENT}\n").as_bytes());
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].bytes.len(), LIMIT);
    assert_eq!(texts(&records)[1], EVENT);
}
