//! Real logs of a kube-apiserver: every byte accounted for, every event written back as it stood.

use std::fs::File;
use std::path::{Path, PathBuf};

use auditwake_core::input::discover::discover;
use auditwake_core::input::open::decode;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::restore::Restorer;
use auditwake_core::stats::{Outcome, Outcomes};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

struct Pass {
    outcomes: Outcomes,
    /// Lines written back, each with its newline.
    restored: Vec<u8>,
    rows: usize,
    repaired: Vec<String>,
}

fn read(path: &Path) -> Pass {
    let mut pass =
        Pass { outcomes: Outcomes::default(), restored: Vec::new(), rows: 0, repaired: Vec::new() };
    let mut reader = Reader::new(Options::default());
    for file in discover(path.to_str().unwrap()).unwrap() {
        let input = decode(Box::new(File::open(&file).unwrap())).unwrap();
        reader.start(Box::new(input), &file.to_string_lossy(), 0);
        while let Some(step) = reader.next_step() {
            pass.outcomes.merge(&step.account.outcomes);
            let Some(batch) = step.batch else { continue };
            pass.rows += batch.num_rows();
            let restorer = Restorer::new(&batch).unwrap();
            for row in 0..restorer.len() {
                restorer.write(row, &mut pass.restored);
                pass.restored.push(b'\n');
            }
        }
    }
    pass.repaired = pass
        .outcomes
        .reasons()
        .filter(|(outcome, ..)| *outcome == Outcome::Repaired)
        .map(|(_, reason, tally)| format!("{reason} {}", tally.lines))
        .collect();
    pass
}

fn whole_text(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    for file in discover(path.to_str().unwrap()).unwrap() {
        std::io::copy(&mut decode(Box::new(File::open(file).unwrap())).unwrap(), &mut text).unwrap();
    }
    text
}

/// Compares line by line, so that a failure shows the line and not megabytes.
fn assert_same_lines(restored: &[u8], text: &[u8]) {
    let (mut restored, mut text) = (restored.split(|b| *b == b'\n'), text.split(|b| *b == b'\n'));
    for number in 1.. {
        match (restored.next(), text.next()) {
            (None, None) => return,
            (a, b) => assert!(
                a == b,
                "line {number}:\n{}\n{}",
                String::from_utf8_lossy(a.unwrap_or_default()),
                String::from_utf8_lossy(b.unwrap_or_default())
            ),
        }
    }
}

#[test]
fn logs_come_back_byte_for_byte_and_add_up() {
    for (name, lines) in [("metadata/audit.log.gz", 5292), ("rotated", 4716)] {
        let path = data(name);
        let (pass, text) = (read(&path), whole_text(&path));
        assert_eq!(pass.rows, lines, "{name}");
        assert_eq!(pass.outcomes.bytes(), text.len() as u64, "{name}");
        assert_eq!(pass.outcomes.total(Outcome::Rejected).lines, 0, "{name}");
        assert_same_lines(&pass.restored, &text);
    }
}

/// What is measured is this lane: another way for many lines would show in the clock, and nowhere else.
#[test]
fn logs_take_the_canonical_lane() {
    for name in ["metadata/audit.log.gz", "rotated", "integration-example/audit.log.gz"] {
        let Outcomes { events, lanes, .. } = read(&data(name)).outcomes;
        assert!(events > 2000 && lanes["canonical"] * 100 > events * 99, "{name}: {lanes:?} of {events}");
    }
}
