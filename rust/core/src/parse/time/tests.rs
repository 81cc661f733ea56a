use super::*;
use proptest::prelude::*;

fn written(micros: i64) -> String {
    let mut out = Vec::new();
    format_micro_time(&mut out, micros);
    String::from_utf8(out).unwrap()
}

#[test]
fn known_instants() {
    for (text, micros) in [
        ("1970-01-01T00:00:00.000000Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-05-08T08:12:59.665900Z", 1_778_227_979_665_900),
        ("2000-02-29T00:00:00.000000Z", 951_782_400_000_000),
        ("0000-01-01T00:00:00.000000Z", -62_167_219_200_000_000),
        ("0000-02-29T00:00:00.000000Z", -62_162_121_600_000_000),
        ("0001-01-01T00:00:00.000000Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ] {
        assert_eq!(parse_micro_time(text.as_bytes()), Some(micros), "{text}");
        assert_eq!(parse_rfc3339(text.as_bytes()), Some(micros), "{text}");
        assert_eq!(written(micros), text);
    }
}

#[test]
fn what_the_calendar_lacks_is_refused() {
    for text in [
        "2026-00-08T08:12:59.665900Z",
        "2026-13-08T08:12:59.665900Z",
        "2026-05-00T08:12:59.665900Z",
        "2026-04-31T08:12:59.665900Z",
        "2026-02-29T08:12:59.665900Z",
        "1900-02-29T08:12:59.665900Z",
        "2026-05-08T24:12:59.665900Z",
        "2026-05-08T08:60:59.665900Z",
        "2016-12-31T23:59:60.000000Z",
        "2026-05-08T08:12:59.66590:Z",
        "2026/05/08T08:12:59.665900Z",
        "2O26-05-08T08:12:59.665900Z",
        "\u{fffd}6-05-08T08:12:59.66590Z",
    ] {
        assert_eq!(parse_micro_time(text.as_bytes()), None, "{text}");
        assert_eq!(parse_rfc3339(text.as_bytes()), None, "{text}");
    }
    assert!(parse_micro_time(b"2000-02-29T08:12:59.665900Z").is_some());
    assert!(parse_micro_time(b"2024-02-29T08:12:59.665900Z").is_some());
}

#[test]
fn only_the_canonical_form_is_fast() {
    for text in
        ["", "2026-05-08T08:12:59Z", "2026-05-08t08:12:59.665900Z", "2026-05-08T08:12:59.665900z", "null"]
    {
        assert_eq!(parse_micro_time(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn other_forms_of_rfc3339() {
    for text in [
        "2026-05-08T08:12:59.6659Z",
        "2026-05-08t08:12:59.665900z",
        "2026-05-08 08:12:59.665900123456789012345678901234567890Z",
        "2026-05-08T10:12:59.665900999+02:00",
        "2026-05-07T22:42:59.6659-09:30",
        "2026-05-08T08:12:59.6659-00:00",
    ] {
        assert_eq!(parse_rfc3339(text.as_bytes()), Some(1_778_227_979_665_900), "{text}");
    }
    assert_eq!(parse_rfc3339(b"2026-05-08T08:12:59Z"), Some(1_778_227_979_000_000));
    assert_eq!(parse_rfc3339(b"1969-12-31T23:59:59.9999999Z"), Some(-1));
}

#[test]
fn what_is_no_rfc3339_is_refused() {
    for text in [
        "",
        "null",
        "2026-05-08",
        "2026-05-08T08:12:59",
        "2026-05-08T08:12:59.Z",
        "2026-05-08T08:12:59,5Z",
        "2026-05-08_08:12:59Z",
        "2026-05-08T08:12:59ZZ",
        "2026-05-08T08:12:59+0200",
        "2026-05-08T08:12:59+24:00",
        "2026-05-08T08:12:59+01:60",
        "2026-05-08T08:12:59+1a:00",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ] {
        assert_eq!(parse_rfc3339(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn instants_without_four_digits_of_year_are_clamped() {
    assert_eq!(written(i64::MIN), "0000-01-01T00:00:00.000000Z");
    assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.999999Z");
}

/// Expected values were printed by Go 1.26: `d, _ := time.ParseDuration(s); int64(d) / 1000`.
#[test]
fn durations_are_those_of_go() {
    for (text, micros) in [
        ("0", 0),
        ("-0", 0),
        ("0s", 0),
        ("1.2345s", 1_234_500),
        ("612.3ms", 612_300),
        ("92.928µs", 92),
        ("4\u{3bc}s", 4),
        ("4us", 4),
        ("351ns", 0),
        ("-1999ns", -1),
        ("707.65801ms", 707_658),
        ("1.509499347s", 1_509_499),
        ("1m2.5s", 62_500_000),
        ("1h2m", 3_720_000_000),
        ("-1s", -1_000_000),
        ("+1.s", 1_000_000),
        (".5s", 500_000),
        ("1s1s", 2_000_000),
        ("0.3333333333333333333h", 1_200_000_000),
        ("0.830103483285477580700h", 2_988_372_539),
        ("9223372036854775807ns", 9_223_372_036_854_775),
        ("-9223372036854775808ns", -9_223_372_036_854_775),
        ("2562047h47m16.854775807s", 9_223_372_036_854_775),
        ("0.100000000000000000000h", 360_000_000),
        ("0.9223372036854775807h", 3_320_413_933),
    ] {
        assert_eq!(parse_go_duration(text), Some(micros), "{text}");
    }
}

#[test]
fn what_go_refuses_is_refused() {
    for text in [
        "",
        "-",
        "+",
        "3",
        "s",
        ".",
        "-.",
        ".s",
        "+.s",
        "1",
        "1d",
        "1 s",
        " 1s",
        "--1s",
        "1s ",
        "1e3s",
        "1.2.3s",
        "9223372036854775808ns",
        "-9223372036854775809ns",
        "3000000h",
        "9223372036854775.808us",
        "99999999999999999999s",
        "1é",
        "<unknown>",
        // The one text where Go differs: its sum of 2^64 wraps to zero unseen.
        "9223372036854775808ns9223372036854775808ns",
    ] {
        assert_eq!(parse_go_duration(text), None, "{text}");
    }
}

/// What Go's `Duration.String` writes for the magnitudes that the annotations have.
fn go_duration_text(nanos: u64) -> String {
    let (value, unit) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => (format!("{}.{:03}", nanos / 1_000, nanos % 1_000), "µs"),
        1_000_000..1_000_000_000 => (format!("{}.{:06}", nanos / 1_000_000, nanos % 1_000_000), "ms"),
        _ => (format!("{}.{:09}", nanos / 1_000_000_000 % 60, nanos % 1_000_000_000), "s"),
    };
    let minutes = nanos / 60_000_000_000;
    let lead = match minutes {
        0 => String::new(),
        1..60 => format!("{minutes}m"),
        _ => format!("{}h{}m", minutes / 60, minutes % 60),
    };
    format!("{lead}{}{unit}", value.trim_end_matches('0').trim_end_matches('.'))
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(micros in FIRST..=LAST) {
        let text = written(micros);
        prop_assert_eq!(text.len(), 27);
        prop_assert_eq!(parse_micro_time(text.as_bytes()), Some(micros));
        prop_assert_eq!(parse_rfc3339(text.as_bytes()), Some(micros));
    }

    #[test]
    fn the_fast_reader_agrees_with_the_general_one(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{6}Z"
    ) {
        let fast = parse_micro_time(text.as_bytes());
        prop_assert_eq!(fast, parse_rfc3339(text.as_bytes()));
        if let Some(micros) = fast {
            prop_assert_eq!(written(micros), text);
        }
    }

    #[test]
    fn a_row_of_times_reads_as_each_of_them(
        times in prop::collection::vec((0i64..400_000_000, 0usize..54, any::<u8>()), 1..8),
    ) {
        let mut neighbours = MicroTimes::default();
        for (micros, at, byte) in times {
            let mut text = written(micros).into_bytes();
            if let Some(wrong) = text.get_mut(at) {
                *wrong = byte;
            }
            prop_assert_eq!(neighbours.parse(&text), parse_micro_time(&text));
        }
        prop_assert_eq!(neighbours.parse(&[0; 27]), None);
    }

    #[test]
    fn one_wrong_byte_is_never_misread(micros in FIRST..=LAST, at in 0usize..27, byte in any::<u8>()) {
        let mut text = written(micros).into_bytes();
        text[at] = byte;
        if let Some(fast) = parse_micro_time(&text) {
            prop_assert_eq!(parse_rfc3339(&text), Some(fast));
            prop_assert_eq!(written(fast).into_bytes(), text);
        }
    }

    #[test]
    fn durations_are_exact(nanos in 0u64..100_000_000_000_000, shift in 0u32..40) {
        let nanos = nanos >> shift;
        prop_assert_eq!(parse_go_duration(&go_duration_text(nanos)), Some((nanos / 1000) as i64));
    }

    #[test]
    fn no_input_panics(bytes in any::<Vec<u8>>(), text in any::<String>(), near in "[-+]?([0-9]{0,22}\\.?[0-9]{0,25}(ns|µs|ms|s|m|h)?){0,4}") {
        let _ = (parse_micro_time(&bytes), parse_rfc3339(&bytes));
        let _ = (parse_go_duration(&text), parse_go_duration(&near));
    }

    #[test]
    fn any_number_is_written(micros in any::<i64>()) {
        prop_assert_eq!(written(micros).len(), 27);
    }
}
