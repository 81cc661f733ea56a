//! The reader and its oracle twin agree on every column and every outcome.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::logs::text_of;
use super::odd::odd_line;
use super::strategy::{canonical, compact};
use super::{check, exact};

#[test]
fn real_logs_agree() {
    for name in ["metadata", "integration-example", "rotated"] {
        let text = text_of(name);
        let lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect();
        if let Err(difference) = exact::lines(&lines) {
            panic!("{name}: {difference}");
        }
    }
}

#[test]
fn items_of_real_lists_agree() {
    for name in ["00003.json.gz", "00005.json.gz", "00008.json.gz"] {
        let text = text_of(&format!("eventlist/{name}"));
        if let Err(difference) = exact::list(std::str::from_utf8(&text).unwrap()) {
            panic!("{name}: {difference}");
        }
    }
}

/// What becomes of a line on its way.
#[derive(Clone, Debug)]
enum Damage {
    Change(Index, u8),
    Insert(Index, &'static [u8]),
    Remove(Index),
    Cut(Index),
    Glue,
    Fragment(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    let pieces: Vec<&'static [u8]> = vec![
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b" ",
        b"\t",
        b"null",
        b"1",
        b"\x01",
    ];
    prop_oneof![
        (index(), any::<u8>().prop_filter("a line has no newline", |byte| *byte != b'\n'))
            .prop_map(|(at, byte)| Damage::Change(at, byte)),
        (index(), select(pieces)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        index().prop_map(Damage::Remove),
        index().prop_map(Damage::Cut),
        Just(Damage::Glue),
        index().prop_map(Damage::Fragment),
    ]
}

fn damaged(line: &str, other: &str, damage: &Damage) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    match damage {
        Damage::Change(at, byte) => bytes[at.index(line.len())] = *byte,
        Damage::Insert(at, piece) => {
            let at = at.index(line.len() + 1);
            bytes.splice(at..at, piece.iter().copied());
        }
        Damage::Remove(at) => {
            bytes.remove(at.index(line.len()));
        }
        Damage::Cut(at) => bytes.truncate(at.index(line.len())),
        Damage::Glue => bytes.extend_from_slice(other.as_bytes()),
        Damage::Fragment(at) => {
            bytes.truncate(at.index(line.len()));
            bytes.extend_from_slice(other.as_bytes());
        }
    }
    bytes
}

fn canonical_line() -> impl Strategy<Value = String> {
    canonical().prop_map(|event| compact(&event))
}

fn damaged_line() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![canonical_line(), odd_line()];
    (line, canonical_line(), damage()).prop_map(|(line, other, damage)| damaged(&line, &other, &damage))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(3000), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_lines_agree(lines in prop::collection::vec(canonical_line(), 1..5)) {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        exact::lines(&lines).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn odd_lines_agree(lines in prop::collection::vec(odd_line(), 1..5)) {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        exact::lines(&lines).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn damaged_lines_are_accounted_for(line in damaged_line()) {
        check::damaged(&line).map_err(TestCaseError::fail)?;
    }
}
