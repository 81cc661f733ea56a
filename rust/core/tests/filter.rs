//! Filtering before rows are built gives what filtering after gives.

use auditwake_core::batch::Limits;
use auditwake_core::batch::filter::{Choice, Filter};
use auditwake_core::lines::LineOptions;
use auditwake_core::reader::Options;
use auditwake_core::stats::Outcome;
use proptest::prelude::*;
use proptest::sample::select;

use super::cells::{Cell, Row, rows};
use super::logs::text_of;
use super::odd::odd_line;
use super::pass::{self, Pass};
use super::strategy::{canonical, compact};

/// What is asked for, as a filter takes it and as plain words.
#[derive(Clone, Debug, Default)]
struct Asked {
    since: Option<i64>,
    until: Option<i64>,
    code: Vec<(i16, i16)>,
    /// Column and words.
    words: Vec<(&'static str, Vec<&'static str>)>,
}

impl Asked {
    fn filter(&self) -> Filter {
        let mut filter =
            Filter { since: self.since, until: self.until, code: self.code.clone(), ..Filter::default() };
        for (column, words) in &self.words {
            let words = words.iter().copied();
            match *column {
                "verb" => filter.verb = Choice::new(words),
                "stage" => filter.stage = Choice::new(words),
                "level" => filter.level = Choice::new(words),
                "eff_user" => filter.user = Choice::new(words),
                "user" => filter.authenticated = Choice::new(words),
                "actor" => filter.actor = Choice::new(words),
                "namespace" => filter.namespace = Choice::new(words),
                "resource" => filter.resource = Choice::new(words),
                other => panic!("no condition on {other}"),
            }
        }
        filter
    }

    /// Whether a row that was built is asked for.
    fn takes(&self, row: &Row) -> bool {
        let time = match row["ts_received"] {
            Cell::Int(time) => Some(time),
            _ => None,
        };
        self.since.is_none_or(|since| time.is_some_and(|time| since <= time))
            && self.until.is_none_or(|until| time.is_some_and(|time| time < until))
            && (self.code.is_empty() || self.takes_code(row))
            && self.words.iter().all(|(column, words)| {
                let text = |name| match &row[name] {
                    Cell::Text(text) => text.as_str(),
                    _ => "",
                };
                let is = |word: &str| match (*column, word.split_once('/')) {
                    ("resource", Some((resource, subresource))) => {
                        is_resource(resource, text) && text("subresource") == subresource
                    }
                    ("resource", None) => is_resource(word, text),
                    _ => is_like(word, text(column)),
                };
                let wanted: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
                let left_out = words.iter().filter_map(|word| word.strip_prefix('-')).any(is);
                (wanted.is_empty() || wanted.iter().any(|word| is(word))) && !left_out
            })
    }

    fn takes_code(&self, row: &Row) -> bool {
        let Cell::Int(code) = row["code"] else { return false };
        self.code.iter().any(|&(first, last)| i64::from(first) <= code && code <= i64::from(last))
    }
}

fn is_resource<'a>(word: &str, text: impl Fn(&'static str) -> &'a str) -> bool {
    match word.split_once('.') {
        Some((resource, group)) => is_like(resource, text("resource")) && text("api_group") == group,
        None => is_like(word, text("resource")),
    }
}

/// A word with at most one star, or one at either end.
fn is_like(word: &str, text: &str) -> bool {
    if let Some(inner) = word.strip_prefix('*').and_then(|word| word.strip_suffix('*')) {
        return text.contains(inner);
    }
    match word.split_once('*') {
        None => word == text,
        Some((first, last)) => {
            text.len() >= first.len() + last.len() && text.starts_with(first) && text.ends_with(last)
        }
    }
}

fn read(bytes: &[u8], filter: Filter, batch_rows: usize) -> Pass {
    let lines = LineOptions { buffer: 4096, ..LineOptions::default() };
    let limits = Limits { rows: batch_rows, ..Limits::default() };
    pass::read(bytes, Options { filter, lines, limits, ..Options::default() })
}

/// Compares a pass with a filter to the whole pass; answers how many rows were kept and left out.
fn compare(bytes: &[u8], asked: &Asked, batch_rows: usize) -> Result<(usize, usize), String> {
    let whole = read(bytes, Filter::default(), 1000);
    let filtered = read(bytes, asked.filter(), batch_rows);
    let all: Vec<Row> = whole.batches.iter().flat_map(rows).collect();
    let found: Vec<Row> = filtered.batches.iter().flat_map(rows).collect();
    let wanted: Vec<Row> = all.iter().filter(|row| asked.takes(row)).cloned().collect();
    let said =
        || format!("{asked:?}\n{:?}\n{:?}\n{}", whole.outcomes, filtered.outcomes, bytes.escape_ascii());
    if whole.outcomes.bytes() != filtered.outcomes.bytes() {
        return Err(format!("other bytes: {}", said()));
    }
    // A value that nobody looks at is no reason to reject its line, nor to look for another event on it.
    if whole.outcomes.reasons().any(|(_, reason, _)| reason == "invalid_json") {
        return Ok((0, 0));
    }
    let (seen, all_seen) = (&filtered.outcomes, &whole.outcomes);
    let kept = |outcomes: &auditwake_core::stats::Outcomes| {
        let [ok, repaired] = [Outcome::Ok, Outcome::Repaired].map(|outcome| outcomes.total(outcome));
        (ok.lines + repaired.lines, ok.bytes + repaired.bytes)
    };
    if kept(seen) != kept(all_seen)
        || seen.total(Outcome::Skipped) != all_seen.total(Outcome::Skipped)
        || whole.rejected != filtered.rejected
        || seen.lanes != all_seen.lanes
    {
        return Err(format!("other outcomes: {}", said()));
    }
    if seen.events + seen.filtered != all_seen.events || seen.events != found.len() as u64 {
        return Err(format!("{} rows: {}", found.len(), said()));
    }
    if found != wanted {
        return Err(format!("{} rows, not {}: {}", found.len(), wanted.len(), said()));
    }
    if filtered.batches.iter().any(|batch| batch.num_rows() > batch_rows || batch.num_rows() == 0) {
        return Err(format!("a batch of another size: {}", said()));
    }
    Ok((found.len(), all.len() - found.len()))
}

fn words(column: &'static str, words: &[&'static str]) -> Asked {
    Asked { words: vec![(column, words.to_vec())], ..Asked::default() }
}

#[test]
fn real_logs_are_filtered_as_their_rows_are() {
    let text = text_of("metadata");
    let middle = {
        let all: Vec<Row> = read(&text, Filter::default(), 1000).batches.iter().flat_map(rows).collect();
        match all[all.len() / 2]["ts_received"] {
            Cell::Int(time) => time,
            ref other => panic!("no time but {other:?}"),
        }
    };
    let asked = [
        Asked { since: Some(middle), ..Asked::default() },
        Asked { until: Some(middle), ..Asked::default() },
        Asked { since: Some(middle), until: Some(middle + 20_000_000), ..Asked::default() },
        Asked { code: vec![(404, 404), (200, 200)], ..Asked::default() },
        Asked { code: vec![(400, 599)], ..words("verb", &["get", "create"]) },
        words("verb", &["-get", "-watch"]),
        words("stage", &["ResponseStarted"]),
        Asked {
            words: vec![("level", vec!["Metadata"]), ("stage", vec!["ResponseComplete"])],
            ..Asked::default()
        },
        words("eff_user", &["system:*"]),
        words("user", &["-system:*"]),
        words("actor", &["control-plane", "user"]),
        words("namespace", &[""]),
        words("resource", &["pods", "-pods/exec"]),
        words("resource", &["*.apps", "leases.coordination.k8s.io"]),
        Asked {
            words: vec![("verb", vec!["update"]), ("resource", vec!["leases"]), ("actor", vec!["-node"])],
            ..Asked::default()
        },
    ];
    for name in ["metadata", "integration-example"] {
        let text = text_of(name);
        for (place, asked) in asked.iter().enumerate() {
            let (kept, left_out) = compare(&text, asked, [1, 3, 100][place % 3]).unwrap();
            assert!(name != "metadata" || kept > 0 && left_out > 0, "{name}: {kept} {left_out}: {asked:?}");
        }
    }
}

#[test]
fn lists_are_filtered_as_their_rows_are() {
    for name in ["00003.json.gz", "00005.json.gz", "00008.json.gz"] {
        let text = text_of(&format!("eventlist/{name}"));
        for asked in [words("verb", &["get"]), words("verb", &["none"]), words("actor", &["-node"])] {
            compare(&text, &asked, 3).unwrap();
        }
    }
}

#[test]
fn a_line_whose_event_is_left_out_has_the_outcome_that_it_had() {
    let event = |verb: &str, code: &str| {
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","stage":"Panic","verb":{verb},"responseStatus":{code}}}"#
        )
    };
    let text = [
        event(r#""get""#, r#"{"code":200}"#),
        event(r#""g\u0065t""#, r#"{"code":200}"#),
        event(r#""list""#, r#"{"code":200}"#),
        event("7", "{}"),
        event(r#""\x""#, "{}"),
        event(r#""list""#, r#"{"code":}"#),
        event(r#""get""#, r#"{"code":}"#),
        format!("{}{}", event(r#""list""#, "{}"), event(r#""get""#, "{}")),
        event(r#""list""#, "{}")[..100].to_owned(),
    ];
    let text = text.join("\n") + "\n";
    let pass = read(text.as_bytes(), words("verb", &["get"]).filter(), 100);
    let outcomes = &pass.outcomes;
    assert_eq!((outcomes.events, outcomes.filtered), (3, 4), "{outcomes:?}");
    let lines = Outcome::ALL.map(|outcome| outcomes.total(outcome).lines);
    assert_eq!(lines, [6, 0, 0, 3], "{outcomes:?}");
    assert_eq!(outcomes.bytes(), text.len() as u64);
}

fn asked() -> impl Strategy<Value = Asked> {
    let verb = select(vec![vec!["get", "list"], vec!["-watch"], vec![""], vec!["p*"], vec!["*a*", "-patch"]]);
    let stage = select(vec![vec!["Panic", "ResponseComplete"], vec!["-Response*"]]);
    let level = select(vec![vec!["Request*"], vec!["Metadata", "None"]]);
    let user = || select(vec![vec!["system:*"], vec!["-system:*"], vec!["", "a"], vec!["escaped", "*e*"]]);
    let actor = select(vec![vec!["anonymous"], vec!["user", "node"], vec!["-user"], vec![""]]);
    let namespace = select(vec![vec![""], vec!["-"], vec!["*a*"]]);
    let resource =
        select(vec![vec!["pods", "nodes/status"], vec!["-pods/exec"], vec!["*.apps"], vec!["secrets."]]);
    let words = (
        prop::option::of(verb),
        prop::option::of(stage),
        prop::option::of(level),
        prop::option::of(user()),
        prop::option::of(user()),
        prop::option::of(actor),
        prop::option::of(namespace),
        prop::option::of(resource),
    );
    let times = || prop::option::weighted(0.2, 1_732_000_000_000_000_i64..1_800_000_000_000_000);
    let codes =
        prop::collection::vec((0_i16..600, 0_i16..300).prop_map(|(first, more)| (first, first + more)), 0..3);
    (times(), times(), codes, words, 0_usize..8).prop_map(|(since, until, code, words, few)| {
        let (verb, stage, level, user, authenticated, actor, namespace, resource) = words;
        let all = [
            ("verb", verb),
            ("stage", stage),
            ("level", level),
            ("eff_user", user),
            ("user", authenticated),
            ("actor", actor),
            ("namespace", namespace),
            ("resource", resource),
        ];
        let words: Vec<_> = all.into_iter().filter_map(|(column, words)| Some((column, words?))).collect();
        // Of all at once hardly any row is left: one or two conditions, another pair each time.
        let len = words.len();
        let words = words.into_iter().cycle().skip(few).take(len.min(1 + few % 2)).collect();
        Asked { since, until, code: if few < 3 { code } else { Vec::new() }, words }
    })
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let canonical = canonical().prop_map(|event| compact(&event));
    let line = prop_oneof![2 => canonical, 2 => odd_line()];
    let cut = prop::option::weighted(0.1, any::<prop::sample::Index>());
    (line, cut).prop_map(|(line, cut)| {
        let end = cut.map_or(line.len(), |cut| cut.index(line.len()));
        line.as_bytes()[..end].to_vec()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drawn_lines_are_filtered_as_their_rows_are(
        lines in prop::collection::vec(line(), 1..6),
        asked in asked(),
        batch_rows in select(vec![1, 3, 100]),
        separator in select(vec!["\n", "\n", "\n", "", ","]),
    ) {
        let text = lines.join(separator.as_bytes());
        compare(&text, &asked, batch_rows).map_err(TestCaseError::fail)?;
    }
}
