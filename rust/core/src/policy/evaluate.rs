//! The evaluator: the first matching rule of each row of a batch.
//!
//! Each distinct value of a batch is turned into its class once, which is the set of clauses that it satisfies (see
//! [`Matcher`]). A row is an AND of the sets of its classes, a word at a time until one has a clause left.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::bits::{Bits, Classes};
use super::columns::{Coded, Columns};
use super::matcher::Matcher;
use super::request::{is_filled_from_body, path_of};
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

/// Classes of a batch; those of a column by place (see [`Coded`]), the others by row.
struct Classified {
    users: Vec<u32>,
    /// Of an event without any user.
    nobody: u32,
    verbs: Vec<u32>,
    /// Whether namespace and name are not those of `objectRef`, by verb.
    is_filled: Vec<bool>,
    namespaces: Vec<u32>,
    groups: Vec<u32>,
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
        let mut rules = Vec::with_capacity(columns.rows);
        rules.extend((0..columns.rows).map(|row| self.rule(columns, &classified, row)));
        rules
    }

    fn classify(&mut self, columns: &Columns) -> Classified {
        let (groups, targets) = (self.groups(columns), self.targets(columns));
        let Self { matcher, classes, .. } = self;
        let mut class = |set: &Bits| classes.number(set.clone());
        Classified {
            users: columns.user.map(|user| class(matcher.users.of(user))),
            nobody: class(matcher.users.other()),
            verbs: columns.verb.map(|verb| class(matcher.verbs.of(verb))),
            is_filled: columns.verb.map(is_filled_from_body),
            namespaces: columns.namespace.map(|namespace| class(matcher.namespaces.of(namespace))),
            groups,
            targets,
        }
    }

    #[inline]
    fn rule(&self, columns: &Columns, classified: &Classified, row: usize) -> i32 {
        let user = columns.user.places()[row] as usize;
        let is_nobody = user == 0 && columns.is_nobody(row);
        let users = self.classes.get(if is_nobody { classified.nobody } else { classified.users[user] });
        let verbs = self.classes.get(classified.verbs[columns.verb.places()[row] as usize]);
        let groups = self.classes.get(classified.groups[row]);
        let targets = self.classes.get(classified.targets[row]);
        let asks_place = self.matcher.asks_place.words();
        let mut place = None;
        for word in 0..users.len() {
            let mut alive = users[word] & verbs[word] & groups[word] & targets[word];
            if alive & asks_place[word] != 0 {
                let (namespaces, names) = *place.get_or_insert_with(|| self.place(columns, classified, row));
                alive &= namespaces[word] & names[word];
            }
            if alive != 0 {
                return self.rules[word * 64 + alive.trailing_zeros() as usize];
            }
        }
        NO_RULE
    }

    /// What namespace and name of a row satisfy.
    fn place(&self, columns: &Columns, classified: &Classified, row: usize) -> (&[u64], &[u64]) {
        let Matcher { namespaces, names, .. } = &self.matcher;
        if classified.is_filled[columns.verb.places()[row] as usize] {
            return columns.with_place(row, |namespace, name| {
                (namespaces.of(namespace).words(), names.of(name).words())
            });
        }
        let namespace = classified.namespaces[columns.namespace.places()[row] as usize];
        (self.classes.get(namespace), names.of(columns.name_of(row)).words())
    }

    /// The class of each row's groups.
    fn groups(&mut self, columns: &Columns) -> Vec<u32> {
        let Self { matcher, classes, .. } = self;
        let none = classes.number(matcher.groups.other().clone());
        if matcher.groups.is_empty() {
            return vec![none; columns.rows];
        }
        let sets = columns.group.map(|group| matcher.groups.of(group).clone());
        let mut known: HashMap<&[u32], u32, RandomState> = HashMap::default();
        // A user has the same groups as the last time, nearly always.
        let mut by_user: Vec<(&[u32], u32)> = vec![(&[], none); columns.user.breadth()];
        let mut found = Vec::with_capacity(columns.rows);
        for (row, user) in columns.user.places().iter().enumerate() {
            let places = &columns.group.places()[columns.group_range(row)];
            let last = &mut by_user[*user as usize];
            if places != last.0 {
                let class = known.entry(places).or_insert_with(|| {
                    let all = matcher.groups.other().clone();
                    classes.number(places.iter().fold(all, |all, place| all.or(&sets[*place as usize])))
                });
                *last = (places, *class);
            }
            found.push(last.1);
        }
        found
    }

    /// The class of each row's target.
    fn targets(&mut self, columns: &Columns) -> Vec<u32> {
        if self.targets.len() > REMEMBERED {
            self.targets.clear();
        }
        let Columns { api_group, resource, subresource, .. } = columns;
        let (wide, narrow) = (resource.breadth() * subresource.breadth(), subresource.breadth());
        let combinations = api_group.breadth() * wide;
        let mut table = vec![UNKNOWN; if combinations <= TABLED { combinations } else { 0 }];
        let mut found = Vec::with_capacity(columns.rows);
        for row in 0..columns.rows {
            let place = |column: &Coded| column.places()[row] as usize;
            let combination = place(api_group) * wide + place(resource) * narrow + place(subresource);
            let known = table.get(combination).copied().unwrap_or(UNKNOWN);
            found.push(if combination == 0 && !columns.is_resource(row) {
                self.path_class(&path_of(columns.uri_of(row)))
            } else if known != UNKNOWN {
                known
            } else {
                let class = self.resource_class(
                    [api_group, resource, subresource].map(|part| part.get(row).unwrap_or_default()),
                );
                if let Some(slot) = table.get_mut(combination) {
                    *slot = class;
                }
                class
            });
        }
        found
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
