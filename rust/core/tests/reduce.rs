//! A reduced event is what the policy's rules leave of it: compared with a slow twin, on real logs, on made events of any
//! form, and on lines that are cut or damaged.

mod by_hand;
mod check;
mod events;
mod tree;
mod twin;

use auditwake_core::policy::level::Level;
use auditwake_core::policy::reduce::Unreduced;
use auditwake_core::scan::checked_members;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::logs::text_of;
use super::oracle::json;
use super::strategy::{self, compact};
use check::{Seen, agree, has_body, reduce};
use events::{event, line};

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect()
}

#[test]
fn real_logs_agree_with_the_twin() {
    // The twin reads text, and two lines are none.
    for (name, unread) in [("metadata", 0), ("integration-example", 0), ("rotated", 2)] {
        let text = text_of(name);
        let lines = lines(&text);
        assert!(lines.len() > 2000);
        assert_eq!(lines.iter().filter(|line| agree(line) != Ok(Seen::Compared)).count(), unread, "{name}");
    }
}

#[test]
fn what_was_logged_at_its_level_stays_byte_for_byte() {
    for name in ["metadata", "integration-example", "rotated"] {
        let text = text_of(name);
        for line in lines(&text) {
            assert_eq!(reduce(line, Level::RequestResponse, false), Ok((line.to_vec(), 0)));
        }
    }
}

#[test]
fn no_line_of_a_real_log_keeps_a_body_at_metadata() {
    let text = text_of("rotated");
    let (mut odd, mut bodies) = (0, 0);
    for line in lines(&text) {
        let (reduced, gone) = reduce(line, Level::Metadata, true).unwrap();
        assert!(!has_body(&reduced));
        assert_eq!(checked_members(&reduced, |_| {}), Ok(()));
        bodies += gone;
        odd += usize::from(String::from_utf8_lossy(line).contains('\u{fffd}'));
        assert!(serde_json::from_slice::<serde_json::Value>(&reduced).is_ok(), "the odd bodies are gone");
    }
    assert!(odd >= 2 && bodies > 1000, "{odd} {bodies}");
}

#[test]
fn a_real_log_loses_its_managed_fields_but_for_patches() {
    let text = text_of("rotated");
    let (mut before, mut after) = (0, 0);
    for line in lines(&text) {
        let (reduced, _) = reduce(line, Level::RequestResponse, true).unwrap();
        let count = |text: &[u8]| String::from_utf8_lossy(text).matches("\"managedFields\":").count();
        before += count(line);
        after += count(&reduced);
        assert!(count(&reduced) == 0 || String::from_utf8_lossy(line).contains("\"verb\":\"patch\""));
    }
    assert!(before > 1000 && after < 10, "{before} {after}");
}

#[test]
fn a_line_that_is_cut_anywhere_is_refused() {
    let text = text_of("integration-example");
    let lines = lines(&text);
    let with_bodies = lines.iter().filter(|line| line.len() < 6000 && has_body(line));
    let lines: Vec<_> = with_bodies.take(5).chain(lines.iter().take(3)).collect();
    assert_eq!(lines.len(), 8);
    for line in lines {
        for at in 0..line.len() {
            let refused = reduce(&line[..at], Level::Metadata, true).unwrap_err();
            let wanted = if at == 0 { Unreduced::NotAnObject(0) } else { Unreduced::Cut(at) };
            assert_eq!(refused, wanted);
        }
    }
}

#[test]
fn depth_and_length_have_no_limit() {
    let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    let objects = [r#"{"items":[{"metadata":"#.repeat(50_000), "1".to_owned(), "}]}".repeat(50_000)].concat();
    let long = format!(r#"{{"metadata":{{"managedFields":[]}},"data":"{}"}}"#, "x\\n".repeat(33 << 20));
    for body in [&deep, &objects, &long] {
        let event = format!(r#"{{"level":"RequestResponse","verb":"create","responseObject":{body},"z":1}}"#);
        let (reduced, bodies) = reduce(event.as_bytes(), Level::Metadata, true).unwrap();
        assert_eq!((&*reduced, bodies), (&br#"{"level":"Metadata","verb":"create","z":1}"#[..], 1));
        let (reduced, _) = reduce(event.as_bytes(), Level::RequestResponse, true).unwrap();
        let wanted = event.replace(r#""managedFields":[]"#, "");
        assert!(reduced == wanted.as_bytes());
    }
}

fn level() -> impl Strategy<Value = Level> {
    select(Level::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_events_agree_with_the_twin(event in event()) {
        prop_assert_eq!(agree(compact(&event).as_bytes()), Ok(Seen::Compared));
    }

    #[test]
    fn lines_of_any_form_agree_with_the_twin(line in line()) {
        prop_assert_eq!(agree(line.as_bytes()), Ok(Seen::Compared));
    }

    #[test]
    fn a_lower_level_by_any_way_is_the_same(line in line(), one in level(), other in level(), omit in any::<bool>()) {
        let line = line.as_bytes();
        let (direct, _) = reduce(line, one.min(other), omit).unwrap();
        let (first, _) = reduce(line, one, omit).unwrap();
        prop_assert_eq!(reduce(&first, other, omit).unwrap().0, direct);
        // What is left at a lower level is never more.
        let (whole, _) = reduce(line, one.max(other), omit).unwrap();
        let (lower, _) = reduce(line, one.min(other), omit).unwrap();
        prop_assert!(lower.len() <= whole.len() + "RequestResponse".len() * 4);
    }

    #[test]
    fn a_damaged_line_is_refused_or_read_as_it_stands(line in line(), at in any::<Index>(), byte in any::<u8>()) {
        let mut damaged = line.into_bytes();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        if let Err(difference) = agree(&damaged) {
            prop_assert!(false, "{}", difference);
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_stay(event in event(), to in level(), omit in any::<bool>()) {
        let text = compact(&event).replace("\"x\"", "\"%\"");
        let spoil = |text: &str| -> Vec<u8> { text.bytes().map(|byte| if byte == b'%' { 0xff } else { byte }).collect() };
        let (wanted, bodies) = reduce(text.as_bytes(), to, omit).unwrap();
        prop_assert_eq!(reduce(&spoil(&text), to, omit).unwrap(), (spoil(std::str::from_utf8(&wanted).unwrap()), bodies));
    }
}
