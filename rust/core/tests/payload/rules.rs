//! Rules beside a plain loop, and what Go means by a pattern.

use auditwake_core::payload::compress::Compression;
use auditwake_core::payload::rules::{Given, RuleError, Rules};
use auditwake_core::payload::{Encoder, Format};
use proptest::prelude::*;
use proptest::sample::select;

use super::given::{MADE, batch, settings};

fn rule(kind: &str, pattern: &str, replacement: &str) -> Given {
    Given {
        name: "a rule".to_owned(),
        kind: kind.to_owned(),
        pattern: pattern.to_owned(),
        replacement: replacement.to_owned(),
    }
}

/// Lines that are left, how many were masked, and how many were excluded.
fn apply(rules: Vec<Given>, lines: &[Vec<u8>]) -> (Vec<Vec<u8>>, u64, u64) {
    let rules = Rules::new(rules).unwrap();
    let encoder = Encoder::new(settings(Format::Ndjson, Compression::None), rules, None);
    let prepared = encoder.prepare([Ok(batch(lines))], MADE).unwrap();
    let left = (0..prepared.len()).map(|index| prepared.event(index).unwrap().to_vec()).collect();
    (left, prepared.counts().masked, prepared.counts().excluded)
}

/// What Datadog's Agent does, rule by rule and match by match.
fn by_hand(rules: &[Given], lines: &[Vec<u8>]) -> (Vec<Vec<u8>>, u64, u64) {
    let (mut left, mut masked, mut excluded) = (Vec::new(), 0, 0);
    'lines: for line in lines {
        let (mut line, mut is_masked) = (line.clone(), false);
        for rule in rules {
            let pattern = regex::bytes::Regex::new(&rule.pattern).unwrap();
            if rule.kind == "mask_sequences" {
                let mut next = Vec::new();
                let mut from = 0;
                for found in pattern.captures_iter(&line) {
                    let whole = found.get(0).unwrap();
                    next.extend_from_slice(&line[from..whole.start()]);
                    found.expand(rule.replacement.as_bytes(), &mut next);
                    from = whole.end();
                    is_masked = true;
                }
                next.extend_from_slice(&line[from..]);
                line = next;
            } else if pattern.is_match(&line) == (rule.kind == "exclude_at_match") {
                excluded += 1;
                continue 'lines;
            }
        }
        masked += u64::from(is_masked);
        left.push(line);
    }
    (left, masked, excluded)
}

proptest! {
    #[test]
    fn they_are_those_of_the_agent(
        rules in prop::collection::vec((
            select(vec!["exclude_at_match", "include_at_match", "mask_sequences", "mask_sequences"]),
            select(vec!["a", "b+", "[ab]c", "(a)(b)?", "^a", "c$", "x*", "a|bc", "(?i)B", "(?P<n>a)b"]),
            select(vec!["", "*", "[$1]", "${1}x", "$1x", "$n", "$$", "$", "aa"]),
        ), 0..5),
        lines in prop::collection::vec("[abcB]{0,8}", 1..8),
    ) {
        let rules: Vec<Given> =
            rules.into_iter().map(|(kind, pattern, replacement)| rule(kind, pattern, replacement)).collect();
        let lines: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
        prop_assert_eq!(apply(rules.clone(), &lines), by_hand(&rules, &lines));
    }
}

/// What a pattern leaves of a text when its matches become `-`.
fn masked(pattern: &str, text: &str) -> String {
    let (mut lines, ..) = apply(vec![rule("mask_sequences", pattern, "-")], &[text.as_bytes().to_vec()]);
    String::from_utf8(lines.remove(0)).unwrap()
}

/// The answers are those of Go 1.25's `regexp.MustCompile(pattern).ReplaceAllString(text, "-")`, by its documentation.
#[test]
fn patterns_are_those_of_go() {
    for (pattern, text, left) in [
        // ASCII classes.
        (r"\d", "1٣", "-٣"),
        (r"\w", "aé_", "-é-"),
        (r"\s", "a \u{a0}", "a-\u{a0}"),
        (r"\W", "aé", "a-"),
        (r"[\d.]+", "1.2٣", "-٣"),
        (r"[^\w]", "aé", "a-"),
        (r"[\D]", "1a", "1-"),
        (r"\ba\b", "é a aé", "é - -é"),
        // Braces that repeat nothing.
        (r#"{"kind":"Event""#, r#"{"kind":"Event"}"#, "-}"),
        (r#""annotations":{""#, r#""annotations":{"a"#, "-a"),
        ("a{,2}", "a{,2}", "-"),
        ("a{2}", "aaa", "-a"),
        ("a{1,}", "aaa", "-"),
        ("a{1,2}", "aaa", "--"),
        // Quotes, classes, escapes.
        (r"\Qa.b\E.", "a.bcaxb", "-axb"),
        (r"\Qa.b", "a.b", "-"),
        (r"[[a]", "[a", "--"),
        (r"[a&&b]", "a&b", "---"),
        (r"[]a]", "]a", "--"),
        (r"[^]a]", "]ab", "]a-"),
        (r"[a-]", "a-b", "--b"),
        (r"[-a]", "a-b", "--b"),
        (r"[+--]", "+,-.", "---."),
        (r"[~~]", "~", "-"),
        (r"[[:alpha:][]", "a[1", "--1"),
        (r"\<a\>", "<a>", "-"),
        (r"\101\x42\x{43}", "ABC", "-"),
        (r"\pN\p{^Greek}\P{Greek}", "1ab", "-"),
        (r"a\z", "aa", "a-"),
        (r"\/\-\_", "/-_", "-"),
        ("(?i)k", "\u{212a}", "-"),
        ("(?U)a+", "aa", "--"),
        (".", "é", "-"),
        ("", "ab", "-a-b-"),
    ] {
        assert_eq!(masked(pattern, text), left, "{pattern}");
    }
}

#[test]
fn what_is_no_rule_is_named() {
    let error = Rules::new([rule("mask_sequences", "a(b", "")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "processing rule 'a rule': the pattern 'a(b' is no regular expression: unclosed group"
    );
    let error = Rules::new([rule("multi_line", "a", "")]).unwrap_err();
    assert!(matches!(error, RuleError::Kind { .. }));
    for pattern in [r"\1", "[a", "a**b(", r"(?=a)", r"\pX", r"(\pL{100}){1000}"] {
        assert!(Rules::new([rule("exclude_at_match", pattern, "")]).is_err(), "{pattern}");
    }
}

/// A pattern that takes a backtracking engine exponential time.
#[test]
fn matching_is_linear() {
    let line = [b"a".repeat(50_000), b"!".to_vec()].concat();
    let (left, ..) = apply(vec![rule("exclude_at_match", "^(a+)+$", "")], &[line]);
    assert_eq!(left.len(), 1);
}
