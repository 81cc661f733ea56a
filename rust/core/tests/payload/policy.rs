//! A policy in front of payloads leaves what a whole log under it would have been.

use auditwake_core::payload::compress::Compression;
use auditwake_core::payload::rules::Rules;
use auditwake_core::payload::{Encoder, Format};
use auditwake_core::policy::evaluate::Evaluator;
use auditwake_core::policy::level::Level;
use auditwake_core::policy::rewrite::rewrite;
use auditwake_core::policy::rules::{Policy, Rule, Stages};
use auditwake_core::reader::source::Source;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::schema::Selection;
use std::io::Cursor;

use super::given::{MADE, settings};
use super::logs::text_of;

/// A policy with a rule that drops, one that reduces, and one for all else.
fn evaluator() -> Evaluator {
    let rule = |level, verbs: &[&str], omit_stages| Rule {
        level,
        users: Vec::new(),
        user_groups: Vec::new(),
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        resources: Vec::new(),
        namespaces: Vec::new(),
        non_resource_urls: Vec::new(),
        omit_stages,
        omit_managed_fields: Some(true),
    };
    let none = Stages::of([]);
    Evaluator::new(Policy {
        rules: vec![
            rule(Level::None, &["watch"], none),
            rule(Level::Metadata, &["update", "get"], none),
            rule(Level::RequestResponse, &[], Stages::of(["RequestReceived"])),
        ],
        omit_stages: none,
        omit_managed_fields: false,
    })
}

#[test]
fn it_is_what_apply_writes() {
    // One event of the last line is cut: it cannot be reduced.
    let mut text = text_of("integration-example");
    text.extend_from_slice(&text_of("metadata/audit.log.gz")[..200_000]);
    let out = std::env::temp_dir().join(format!("auditwake-payload-{}.log", std::process::id()));
    let source = Source::Stream { name: "audit.log".to_owned(), reader: Box::new(Cursor::new(text.clone())) };
    let done = rewrite(vec![source], evaluator(), &out, Options::default(), 1, &mut |_| true).unwrap();
    let wanted = std::fs::read(&out).unwrap();
    std::fs::remove_file(&out).unwrap();
    if let Some(file) = &done.rejects_file {
        std::fs::remove_file(file).unwrap();
    }

    let encoder =
        Encoder::new(settings(Format::Ndjson, Compression::None), Rules::default(), Some(evaluator()));
    let names: Vec<String> = encoder.columns().into_iter().map(str::to_owned).collect();
    let selection = Selection::new(Some(&names), false).unwrap();
    let mut reader = Reader::new(Options { selection, keep_raw: true, ..Options::default() });
    reader.start(Box::new(Cursor::new(text)), "audit.log", 0);
    let batches: Vec<_> = std::iter::from_fn(|| reader.next_step()).filter_map(|step| step.batch).collect();
    let prepared = encoder.prepare(batches.into_iter().map(Ok), MADE).unwrap();

    let (counts, applied) = (prepared.counts(), &done.applied);
    assert!(prepared.lines() == wanted, "the same events");
    assert_eq!(counts.read, applied.events);
    assert_eq!(counts.policy_dropped, applied.dropped_by_level + applied.dropped_by_stage);
    assert_eq!(prepared.rejected().len() as u64, applied.unreduced);
    assert!(counts.policy_dropped > 0 && counts.policy_reduced > 0);
    assert_eq!(prepared.len() as u64 + counts.policy_dropped + applied.unreduced, counts.read);
    let payloads = prepared.payloads(0..prepared.len(), None);
    assert!(payloads.iter().flat_map(|payload| payload.body.iter()).eq(wanted.iter()), "and as they stand");
}
