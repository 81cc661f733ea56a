//! The seeds of the fuzz targets, and some thousand mutations of them, through the checks of the fuzz targets: what
//! `make fuzz` does for minutes and with a nightly compiler, this does in seconds with any.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{check, compare, stream};

static LANES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| seeds("lanes"));
static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| seeds("line"));
static STREAMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| seeds("stream"));
static TOKENS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(tokens);

fn fuzz_dir() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz"))
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let dir = fs::read_dir(fuzz_dir().join("seeds").join(target)).unwrap();
    let mut paths: Vec<_> = dir.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 5, "{paths:?}");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The words of the dictionary, which has one a line between quotes.
fn tokens() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(fuzz_dir().join("dictionary")).unwrap();
    let quoted = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    quoted.map(unescape).collect()
}

fn unescape(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let (byte, len) = match rest.strip_prefix('\\') {
            Some(hex) if hex.starts_with('x') => (u8::from_str_radix(&hex[1..3], 16).unwrap(), 4),
            Some(escaped) => (escaped.as_bytes()[0], 2),
            None => (u8::try_from(first).unwrap(), 1),
        };
        bytes.push(byte);
        rest = &rest[len..];
    }
    bytes
}

/// One step of a mutation.
#[derive(Clone, Debug)]
enum Step {
    Change(Index, u8),
    Insert(Index, Index),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Cut(Index),
    /// Goes on with another seed from somewhere in its middle.
    Cross(Index, Index, Index),
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        3 => (index(), any::<u8>()).prop_map(|(at, byte)| Step::Change(at, byte)),
        4 => (index(), index()).prop_map(|(at, token)| Step::Insert(at, token)),
        2 => (index(), 1_usize..40).prop_map(|(at, len)| Step::Remove(at, len)),
        1 => (index(), 1_usize..200, 2_usize..5).prop_map(|(at, len, times)| Step::Repeat(at, len, times)),
        1 => index().prop_map(Step::Cut),
        1 => (index(), index(), index()).prop_map(|(at, seed, from)| Step::Cross(at, seed, from)),
    ]
}

fn apply(bytes: &mut Vec<u8>, step: &Step, seeds: &[Vec<u8>]) {
    let place = |at: &Index| at.index(bytes.len() + 1);
    match step {
        Step::Change(at, byte) => {
            let at = place(at);
            bytes.splice(at..bytes.len().min(at + 1), [*byte]);
        }
        Step::Insert(at, token) => {
            let at = place(at);
            bytes.splice(at..at, token.get(&TOKENS).iter().copied());
        }
        Step::Remove(at, len) => {
            let at = place(at);
            bytes.drain(at..bytes.len().min(at + len));
        }
        Step::Repeat(at, len, times) => {
            let at = place(at);
            let end = bytes.len().min(at + len);
            let again = bytes[at..end].repeat(*times);
            bytes.splice(end..end, again);
        }
        Step::Cut(at) => bytes.truncate(place(at)),
        Step::Cross(at, seed, from) => {
            bytes.truncate(place(at));
            let seed = seed.get(seeds);
            bytes.extend_from_slice(&seed[from.index(seed.len())..]);
        }
    }
}

fn mutated(seeds: &'static [Vec<u8>]) -> impl Strategy<Value = Vec<u8>> {
    (any::<Index>(), prop::collection::vec(step(), 1..8)).prop_map(|(seed, steps)| {
        let mut bytes = seed.get(seeds).clone();
        for step in &steps {
            apply(&mut bytes, step, seeds);
        }
        bytes
    })
}

#[test]
fn seeds_hold() {
    for line in LINES.iter() {
        check::damaged(line).unwrap();
    }
    for log in LANES.iter() {
        compare::log(log).unwrap();
    }
    for input in STREAMS.iter() {
        stream::check(input).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(5000), max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_lines_hold(mut line in mutated(&LINES)) {
        line.retain(|byte| *byte != b'\n');
        check::damaged(&line).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn mutated_streams_hold(input in mutated(&STREAMS)) {
        stream::check(&input).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_logs_hold(log in mutated(&LANES)) {
        compare::log(&log).map_err(TestCaseError::fail)?;
    }
}
