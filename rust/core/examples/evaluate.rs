//! Evaluates a policy of forty rules over the batches of a log: `cargo run --release --example evaluate -- audit.log 10`.
//! The number says how often; counting instructions for two of them gives those of one evaluation.

use std::fs::File;

use auditwake_core::input::open::decode;
use auditwake_core::policy::evaluate::Evaluator;
use auditwake_core::policy::level::Level;
use auditwake_core::policy::rules::{GroupResources, Policy, Rule, Stages};
use auditwake_core::reader::{Options, Reader};

#[expect(clippy::print_stdout, reason = "an example prints")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let log = args.next().ok_or("which log?")?;
    let times: usize = args.next().map_or(Ok(1), |times| times.parse())?;
    let mut reader = Reader::new(Options::default());
    reader.start(Box::new(decode(Box::new(File::open(&log)?))?), &log, 0);
    let mut batches = Vec::new();
    while let Some(step) = reader.next_step() {
        batches.extend(step.batch);
    }
    let mut evaluator = Evaluator::new(forty_rules());
    let (mut events, mut emitted) = (0, 0);
    for _ in 0..times {
        for batch in &batches {
            let verdicts = evaluator.verdicts(batch)?;
            events += verdicts.len();
            emitted += (0..verdicts.len()).filter(|row| verdicts.is_emitted(*row)).count();
            let _batch = verdicts.into_batch();
        }
    }
    println!("{events} events, {emitted} emitted");
    Ok(())
}

/// Rules of every kind, as large clusters have them; most events go past most of them.
fn forty_rules() -> Policy {
    let rule = |at: usize| {
        let core = |resources: &[&str], names: &[&str]| GroupResources {
            group: String::new(),
            resources: owned(resources),
            resource_names: owned(names),
        };
        let mut rule = Rule { level: Level::ALL[at % 4], ..Rule::default() };
        match at % 5 {
            0 => {
                rule.users = vec![format!("system:serviceaccount:team-{at}:robot")];
                rule.verbs = owned(&["get", "list", "watch"]);
            }
            1 => {
                rule.user_groups = vec![format!("team-{at}"), "system:monitoring".to_owned()];
                rule.resources = vec![core(&["secrets", "configmaps"], &[])];
            }
            2 => {
                rule.namespaces = vec![format!("namespace-{at}"), "kube-public".to_owned()];
                rule.resources =
                    vec![core(&["pods", "pods/log", "*/status"], &[]), core(&["endpoints"], &["leader"])];
            }
            3 => rule.non_resource_urls = owned(&["/healthz*", "/version", "/swagger*"]),
            _ => {
                rule.verbs = owned(&["create", "update", "patch"]);
                rule.resources = vec![
                    GroupResources {
                        group: "apps".to_owned(),
                        ..core(&["deployments", "replicasets/*"], &[])
                    },
                    core(&["configmaps"], &["cluster-info"]),
                ];
            }
        }
        rule
    };
    let mut rules: Vec<Rule> = (0..39).map(rule).collect();
    rules.push(Rule { level: Level::Metadata, ..Rule::default() });
    Policy { rules, omit_stages: Stages::of(["RequestReceived"]), omit_managed_fields: true }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
