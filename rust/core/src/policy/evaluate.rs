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

/// What the values of a batch satisfy: by place (see [`Coded`]) the words of a set, by row the number of one.
struct Classified {
    users: Vec<u64>,
    verbs: Vec<u64>,
    namespaces: Vec<u64>,
    /// Whether namespace and name are not those of `objectRef`, by verb.
    is_filled: Vec<bool>,
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
        if self.classes.words() == 1 {
            rules.extend((0..columns.rows).map(|row| self.rule::<true>(columns, &classified, row)));
        } else {
            rules.extend((0..columns.rows).map(|row| self.rule::<false>(columns, &classified, row)));
        }
        rules
    }

    fn classify(&mut self, columns: &Columns) -> Classified {
        let (groups, targets) = (self.groups(columns), self.targets(columns));
        let Matcher { users, verbs, namespaces, .. } = &self.matcher;
        Classified {
            users: flat(&columns.user, |user| users.of(user)),
            verbs: flat(&columns.verb, |verb| verbs.of(verb)),
            namespaces: flat(&columns.namespace, |namespace| namespaces.of(namespace)),
            is_filled: columns.verb.map(is_filled_from_body),
            groups,
            targets,
        }
    }

    /// The first rule of a row. `ONE`: a set is one word, as it is for most policies, and the loops are none.
    #[inline]
    fn rule<const ONE: bool>(&self, columns: &Columns, classified: &Classified, row: usize) -> i32 {
        let words = if ONE { 1 } else { self.classes.words() };
        let asks_place = &self.matcher.asks_place.words()[..words];
        let asks_name = &self.matcher.asks_name.words()[..words];
        let user = columns.user.places()[row] as usize;
        let users = if user == 0 && columns.is_nobody(row) {
            &self.matcher.users.other().words()[..words]
        } else {
            &classified.users[user * words..][..words]
        };
        let verbs = &classified.verbs[columns.verb.places()[row] as usize * words..][..words];
        let groups = self.classes.get(classified.groups[row], words);
        let targets = self.classes.get(classified.targets[row], words);
        let mut place = None;
        for word in 0..words {
            let mut alive = users[word] & verbs[word] & groups[word] & targets[word];
            if alive & asks_place[word] != 0 {
                let (namespaces, names) = place.get_or_insert_with(|| self.place(columns, classified, row));
                alive &= namespaces[word];
                if alive & asks_name[word] != 0 {
                    let names =
                        names.get_or_insert_with(|| self.matcher.names.of(columns.name_of(row)).words());
                    alive &= names[word];
                }
            }
            if alive != 0 {
                return self.rules[word * 64 + alive.trailing_zeros() as usize];
            }
        }
        NO_RULE
    }

    /// What the namespace of a row satisfies, and its name unless that is the one of `objectRef`: names are looked up only
    /// where a clause of the namespace is left that asks for one.
    fn place<'a>(
        &'a self,
        columns: &Columns,
        classified: &'a Classified,
        row: usize,
    ) -> (&'a [u64], Option<&'a [u64]>) {
        let Matcher { namespaces, names, .. } = &self.matcher;
        let words = self.classes.words();
        let namespace = columns.namespace.places()[row] as usize * words;
        let namespace = &classified.namespaces[namespace..][..words];
        if !classified.is_filled[columns.verb.places()[row] as usize] {
            (namespace, None)
        } else if columns.is_in_path(row, "") {
            (namespace, Some(names.of("").words()))
        } else if columns.is_in_path(row, columns.name_of(row)) {
            (namespace, None)
        } else {
            columns.with_place(row, |namespace, name| {
                (namespaces.of(namespace).words(), Some(names.of(name).words()))
            })
        }
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

/// The words of what each value of a column satisfies, by place.
fn flat<'a>(column: &Coded, set: impl Fn(&str) -> &'a Bits) -> Vec<u64> {
    let words = column.map(|value| set(value).words());
    words.concat()
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
