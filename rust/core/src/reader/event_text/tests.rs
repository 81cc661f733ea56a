use super::*;

/// Takes every event, and keeps where its raw bytes stand.
#[derive(Default)]
struct Taken(Vec<Vec<u8>>);

impl RowSink for Taken {
    fn push(&mut self, _: &Event<'_>, place: &Place<'_>) -> Result<Repairs, BadValue> {
        self.0.push(place.raw.to_vec());
        Ok(Repairs::default())
    }
}

fn read_all(raw: &[u8]) -> (Found, Vec<Vec<u8>>) {
    let mut sink = Taken::default();
    let found = read(raw, 0, Repairs::default(), &mut Spans::default(), &mut sink);
    assert_eq!(found.rows, sink.0.len());
    (found, sink.0)
}

const GOOD: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1"}"#;

/// What may stand around many events on a line, and then not be looked at anew for each.
const AROUND: [(&str, &str); 4] = [("", ""), ("\u{feff}", "]]]]"), ("", "\0\0\0\0"), ("", "}}}}")];

#[test]
fn many_events_on_a_line_are_read_a_few_times_each() {
    for between in ["", ",", "]", "x", "\0", " \t,\r", "{}"] {
        for (before, after) in AROUND {
            for (invalid, most) in [(false, 3), (true, 9)] {
                let count = 1_000_000 / GOOD.len();
                let mut line = before.as_bytes().to_vec();
                // A byte that is no UTF-8 is longer in the text, so that places in it must be translated.
                line.extend_from_slice(if invalid { b"\xff" } else { b"" });
                line.extend_from_slice(format!("{GOOD}{between}").repeat(count).as_bytes());
                line.extend_from_slice(after.repeat(250_000).as_bytes());
                let (found, rows) = read_all(&line);
                let what = format!("{between:?} {before:?} {after:?} {invalid}");
                assert_eq!(found.rows, count, "{what}");
                assert!(rows.iter().all(|raw| raw == GOOD.as_bytes()), "{what}");
                let looked_at = found.looked_at;
                assert!(looked_at <= most * line.len(), "{what}: {looked_at} of {}", line.len());
            }
        }
    }
}

#[test]
fn many_torn_events_on_a_line_are_read_within_the_budget() {
    let torn = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","user":{"#;
    let in_body = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","requestObject":{"#;
    let in_string = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"ge"#;
    let no_json = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":x}"#;
    for unit in [torn, in_body, in_string, no_json] {
        for unit in [unit.to_owned(), format!("{unit}{GOOD}"), format!("{GOOD}{unit}")] {
            for tail in ["", "]", "\0"] {
                let line = unit.repeat(1_000_000 / unit.len()) + &tail.repeat(1_000_000);
                let (found, _) = read_all(line.as_bytes());
                let most = (RESUME_BUDGET + 4) * line.len() + (1 << 20);
                assert!(found.looked_at <= most, "{unit} {tail:?}: {} of {}", found.looked_at, line.len());
            }
        }
    }
}

#[test]
fn small_objects_side_by_side_are_one_fragment() {
    let small = "{} , {\"kind\":\"Pod\"}".repeat(10_000);
    let (found, rows) = read_all(format!("{GOOD}{small}{GOOD}{small}").as_bytes());
    let spans: Vec<_> = found.fragments.iter().map(|fragment| fragment.span.clone()).collect();
    let first = GOOD.len()..GOOD.len() + small.len();
    let second = first.end + GOOD.len();
    assert_eq!((rows.len(), spans), (2, vec![first, second..second + small.len()]));
}

#[test]
fn places_in_text_and_raw_bytes_are_translated() {
    let raw = b"a\xffb\xe2\x82c\xc3\xa9\xf0\x9f\x98\x80\xf0\x9f\x98d\xe2";
    let (text, _) = decode(raw);
    let places: Vec<(usize, usize)> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .map(|at| (at, Mark::default().ahead(raw, at).raw))
        .collect();
    assert_eq!(
        places,
        [(0, 0), (1, 1), (4, 2), (5, 3), (8, 5), (9, 6), (11, 8), (15, 12), (18, 15), (19, 16), (22, 17)]
    );
    for (at, (text, raw_at)) in places.iter().enumerate() {
        let mark = Mark { text: *text, raw: *raw_at };
        for place in &places[at..] {
            assert_eq!(mark.ahead(raw, place.0), Mark { text: place.0, raw: place.1 });
        }
    }
}

#[test]
fn a_gap_says_what_stands_behind_an_event() {
    for (rest, len, repair) in [
        ("", 0, None),
        (" \t\r\n", 4, None),
        ("{", 0, None),
        (" , {", 3, None),
        (",,{", 2, Some(Repair::Resynchronised)),
        (",x", 1, Some(Repair::Resynchronised)),
        (" ]}]\0 ", 6, None),
        ("},", 2, Some(Repair::Resynchronised)),
        ("]{", 1, Some(Repair::Resynchronised)),
        ("\0\0", 2, Some(Repair::NulRun)),
        (" \0 ", 3, Some(Repair::NulRun)),
        ("\0\0{", 2, Some(Repair::Resynchronised)),
        ("\0]", 2, Some(Repair::Resynchronised)),
        ("x", 0, Some(Repair::Resynchronised)),
    ] {
        let gap = Gap::of(rest);
        assert_eq!((gap.len, gap.repair), (len, repair), "{rest:?}");
        assert_eq!(gap.is_blank_end(), rest.trim().is_empty(), "{rest:?}");
    }
}
