//! The evaluator: the first matching rule of each row of a batch.
//!
//! Each distinct value of a batch is turned into its class once, which is the set of clauses that it satisfies (see
//! [`Matcher`]). A row is an AND of the sets of its classes, a word at a time until one has a clause left.

use std::collections::HashMap;

use arrow_array::Array;
use foldhash::fast::RandomState;

use super::bits::{Bits, Classes};
use super::columns::{Coded, Columns};
use super::matcher::Matcher;
use super::rules::Policy;

/// Distinct targets that are remembered between batches; then all are forgotten, so that a client who makes up paths
/// cannot make memory grow.
const REMEMBERED: usize = 1 << 16;

/// Combinations of a batch's API groups, resources and subresources that get a table; beyond, the memory of the
/// evaluator answers.
const TABLED: usize = 1 << 20;

/// No class yet.
const UNKNOWN: u32 = u32::MAX;

/// The answer where no rule matches.
const NO_RULE: i32 = -1;

/// A policy, evaluating.
#[derive(Debug, Clone)]
pub struct Evaluator {
    policy: Policy,
    matcher: Matcher,
    /// The rule of each clause.
    rules: Vec<i32>,
    classes: Classes,
    /// Class by target; see [`target_key`].
    targets: HashMap<Box<[u8]>, u32, RandomState>,
    /// The key being looked up; reused.
    key: Vec<u8>,
}

/// Classes of the values of a column.
struct ByCode {
    classes: Vec<u32>,
    /// Of a null.
    null: u32,
}

impl ByCode {
    #[inline]
    fn get(&self, column: &Coded, row: usize) -> u32 {
        column.code(row).map_or(self.null, |code| self.classes[code])
    }
}

/// Classes of a batch.
struct Classified {
    users: ByCode,
    /// Of an event without any user.
    nobody: u32,
    verbs: ByCode,
    /// By row.
    groups: Vec<u32>,
    /// By row.
    targets: Vec<u32>,
}

impl Evaluator {
    /// Prepares a policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let matcher = Matcher::new([&policy]);
        Self {
            rules: matcher.clauses().iter().map(|clause| clause.rule as i32).collect(),
            classes: Classes::new(matcher.clauses().len()),
            targets: HashMap::default(),
            key: Vec::new(),
            matcher,
            policy,
        }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The policy, ready to be matched.
    #[must_use]
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// The rule that matches each row first; -1 where none does.
    pub fn rules(&mut self, columns: &Columns) -> Vec<i32> {
        let classified = self.classify(columns);
        (0..columns.rows).map(|row| self.rule(columns, &classified, row)).collect()
    }

    fn classify(&mut self, columns: &Columns) -> Classified {
        let (groups, targets) = (self.groups(columns), self.targets(columns));
        let Self { matcher, classes, .. } = self;
        let mut class = |set: &Bits| classes.number(set.clone());
        Classified {
            users: ByCode {
                classes: columns.user.map(|user| class(matcher.users.of(user))),
                null: class(matcher.users.of("")),
            },
            nobody: class(matcher.users.other()),
            verbs: ByCode {
                classes: columns.verb.map(|verb| class(matcher.verbs.of(verb))),
                null: class(matcher.verbs.of("")),
            },
            groups,
            targets,
        }
    }

    #[inline]
    fn rule(&self, columns: &Columns, classified: &Classified, row: usize) -> i32 {
        let user = match columns.user.code(row) {
            Some(code) => classified.users.classes[code],
            None if columns.is_nobody(row) => classified.nobody,
            None => classified.users.null,
        };
        let users = self.classes.get(user);
        let verbs = self.classes.get(classified.verbs.get(&columns.verb, row));
        let groups = self.classes.get(classified.groups[row]);
        let targets = self.classes.get(classified.targets[row]);
        let asks_place = self.matcher.asks_place.words();
        let mut place = None;
        for word in 0..users.len() {
            let mut alive = users[word] & verbs[word] & groups[word] & targets[word];
            if alive & asks_place[word] != 0 {
                let (namespaces, names) = *place.get_or_insert_with(|| self.place(columns, row));
                alive &= namespaces[word] & names[word];
            }
            if alive != 0 {
                return self.rules[word * 64 + alive.trailing_zeros() as usize];
            }
        }
        NO_RULE
    }

    /// What namespace and name of a row satisfy.
    fn place(&self, columns: &Columns, row: usize) -> (&[u64], &[u64]) {
        let Matcher { namespaces, names, .. } = &self.matcher;
        columns.with_place(row, |namespace, name| (namespaces.of(namespace).words(), names.of(name).words()))
    }

    /// The class of each row's groups.
    fn groups(&mut self, columns: &Columns) -> Vec<u32> {
        let Self { matcher, classes, .. } = self;
        let none = classes.number(matcher.groups.other().clone());
        if matcher.groups.is_empty() {
            return vec![none; columns.rows];
        }
        let sets = columns.group.map(|group| matcher.groups.of(group).clone());
        let codes = columns.group.codes.values();
        let nulls = columns.group.codes.nulls();
        let mut known: HashMap<&[i32], u32, RandomState> = HashMap::default();
        let mut class = |row| {
            let range = columns.group_range(row);
            let has_null = nulls.is_some_and(|nulls| range.clone().any(|at| nulls.is_null(at)));
            let set = |range: std::ops::Range<usize>| {
                let sets = range.filter_map(|at| columns.group.code(at)).map(|code| &sets[code]);
                sets.fold(matcher.groups.other().clone(), |all, set| all.or(set))
            };
            if has_null {
                return classes.number(set(range));
            }
            *known.entry(&codes[range.clone()]).or_insert_with(|| classes.number(set(range)))
        };
        (0..columns.rows).map(&mut class).collect()
    }

    /// The class of each row's target.
    fn targets(&mut self, columns: &Columns) -> Vec<u32> {
        if self.targets.len() > REMEMBERED {
            self.targets.clear();
        }
        let parts = [&columns.api_group, &columns.resource, &columns.subresource];
        let [groups, resources, subresources] = parts.map(|part| part.values.len() + 1);
        let combinations = groups * resources * subresources;
        let mut table = vec![UNKNOWN; if combinations <= TABLED { combinations } else { 0 }];
        let place = |part: &Coded, row| part.code(row).map_or(0, |code| code + 1);
        let mut class = |row| {
            if !columns.is_resource(row) {
                return self.path_class(&columns.path(row));
            }
            let [group, resource, subresource] = parts.map(|part| place(part, row));
            let slot = table.get_mut((group * resources + resource) * subresources + subresource);
            if let Some(known) = slot.as_deref().filter(|known| **known != UNKNOWN) {
                return *known;
            }
            let class = self.resource_class(parts.map(|part| part.get(row).unwrap_or_default()));
            if let Some(slot) = slot {
                *slot = class;
            }
            class
        };
        (0..columns.rows).map(&mut class).collect()
    }

    fn resource_class(&mut self, [group, resource, subresource]: [&str; 3]) -> u32 {
        self.target_class(&[group, resource, subresource], |matcher| {
            matcher.of_resource(group, resource, subresource)
        })
    }

    fn path_class(&mut self, path: &str) -> u32 {
        self.target_class(&[path], |matcher| matcher.of_path(path))
    }

    fn target_class(&mut self, parts: &[&str], set: impl FnOnce(&Matcher) -> Bits) -> u32 {
        target_key(&mut self.key, parts);
        if let Some(class) = self.targets.get(&*self.key) {
            return *class;
        }
        let class = self.classes.number(set(&self.matcher));
        self.targets.insert(self.key.as_slice().into(), class);
        class
    }
}

/// Writes a key that no other parts have: each but the last with its length in front.
fn target_key(key: &mut Vec<u8>, parts: &[&str]) {
    key.clear();
    key.push(parts.len() as u8);
    for part in parts {
        key.extend_from_slice(&part.len().to_le_bytes());
        key.extend_from_slice(part.as_bytes());
    }
}
