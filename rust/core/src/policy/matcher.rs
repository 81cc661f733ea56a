//! Policies taken apart into clauses, and values into the sets of clauses that they satisfy.
//!
//! A rule matches when its users, groups, verbs and namespaces match and one entry of its `resources` does. Each pair of a
//! rule and an entry is a clause: a conjunction with one condition a dimension. So a request is matched by an AND of six
//! sets, one a dimension, and the first clause in the result belongs to the first rule that matches.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::bits::Bits;
use super::request::{Request, Target};
use super::rules::{GroupResources, Policy, Rule};

/// A rule with one entry of its `resources`, or with none when it has no such list.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    /// Index of the rule in its policy.
    pub(super) rule: usize,
    /// The entry.
    pub(super) entry: Option<GroupResources>,
    /// What else the rule asks.
    pub(super) asks: Rule,
}

impl Clause {
    /// Names that the object must have one of; empty for any. The server does not look at them in an entry without
    /// resources.
    pub(super) fn names(&self) -> &[String] {
        match &self.entry {
            Some(entry) if !entry.resources.is_empty() => &entry.resource_names,
            _ => &[],
        }
    }

    /// Whether only requests for resources match.
    pub(super) fn is_for_resources(&self) -> bool {
        self.entry.is_some() || !self.asks.namespaces.is_empty()
    }

    /// Whether only requests for no resource match.
    pub(super) fn is_for_paths(&self) -> bool {
        !self.is_for_resources() && !self.asks.non_resource_urls.is_empty()
    }

    /// `ruleMatchesResource` without namespace and name.
    fn takes(&self, group: &str, resource: &str, subresource: &str) -> bool {
        let Some(entry) = &self.entry else { return !self.is_for_paths() };
        let in_group = entry.group == group || entry.group == "*";
        let any = entry.resources.is_empty();
        in_group && (any || entry.resources.iter().any(|spec| is_resource(spec, resource, subresource)))
    }

    /// `ruleMatchesNonResource`.
    fn takes_path(&self, path: &str) -> bool {
        !self.is_for_resources()
            && (!self.is_for_paths() || self.asks.non_resource_urls.iter().any(|spec| is_path(spec, path)))
    }
}

/// Whether one string of `resources[].resources` names a resource.
fn is_resource(spec: &str, resource: &str, subresource: &str) -> bool {
    let is_whole = if subresource.is_empty() {
        spec == resource
    } else {
        spec.strip_prefix(resource).and_then(|rest| rest.strip_prefix('/')) == Some(subresource)
    };
    is_whole
        || spec == "*"
        || (!subresource.is_empty() && spec.strip_prefix("*/") == Some(subresource))
        // The server does not ask for a subresource here: `pods/*` matches plain `pods` as well.
        || spec.strip_suffix("/*") == Some(resource)
}

/// Whether one of `nonResourceURLs` names a path: `pathMatches`.
fn is_path(spec: &str, path: &str) -> bool {
    spec == "*" || spec == path || (spec.ends_with('*') && path.starts_with(spec.trim_end_matches('*')))
}

/// Values that clauses name, each with the clauses that it satisfies.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Clauses that ask nothing: what every other value satisfies.
    other: Bits,
    named: HashMap<Box<str>, Bits, RandomState>,
}

impl Named {
    fn new<'a>(clauses: &'a [Clause], asked: impl Fn(&'a Clause) -> &'a [String]) -> Self {
        let other = Bits::of(clauses.len(), |clause| asked(&clauses[clause]).is_empty());
        let names = clauses.iter().flat_map(&asked);
        let satisfied = |name: &String| {
            Bits::of(clauses.len(), |clause| {
                let asked = asked(&clauses[clause]);
                asked.is_empty() || asked.contains(name)
            })
        };
        let by_name = names.map(|name| (name.as_str().into(), satisfied(name))).collect();
        Self { other, named: by_name }
    }

    /// The clauses that a value satisfies.
    pub(super) fn of(&self, value: &str) -> &Bits {
        self.named.get(value).unwrap_or(&self.other)
    }

    /// The clauses that ask nothing.
    pub(super) fn other(&self) -> &Bits {
        &self.other
    }

    /// Whether no clause asks anything.
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// The values that clauses name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(|name| &**name)
    }
}

/// One or more policies, ready to be matched.
#[derive(Debug, Clone)]
pub struct Matcher {
    clauses: Vec<Clause>,
    /// The clauses of each policy.
    policies: Vec<Range<usize>>,
    pub(super) users: Named,
    pub(super) groups: Named,
    pub(super) verbs: Named,
    pub(super) namespaces: Named,
    pub(super) names: Named,
    /// Clauses that ask for a namespace or a name; where none is left, neither has to be known.
    pub(super) asks_place: Bits,
    /// Clauses that ask for a name.
    pub(super) asks_name: Bits,
}

impl Matcher {
    /// Takes policies apart.
    pub fn new<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let (mut clauses, mut ranges) = (Vec::new(), Vec::new());
        for policy in policies {
            let start = clauses.len();
            for (rule, asks) in policy.rules.iter().enumerate() {
                let clause = |entry| Clause { rule, entry, asks: asks.clone() };
                match asks.resources.as_slice() {
                    [] => clauses.push(clause(None)),
                    entries => clauses.extend(entries.iter().cloned().map(Some).map(clause)),
                }
            }
            ranges.push(start..clauses.len());
        }
        Self {
            users: Named::new(&clauses, |clause| &clause.asks.users),
            groups: Named::new(&clauses, |clause| &clause.asks.user_groups),
            verbs: Named::new(&clauses, |clause| &clause.asks.verbs),
            namespaces: Named::new(&clauses, |clause| &clause.asks.namespaces),
            names: Named::new(&clauses, Clause::names),
            asks_place: Bits::of(clauses.len(), |clause| {
                let clause = &clauses[clause];
                !clause.names().is_empty() || !clause.asks.namespaces.is_empty()
            }),
            asks_name: Bits::of(clauses.len(), |clause| !clauses[clause].names().is_empty()),
            policies: ranges,
            clauses,
        }
    }

    pub(super) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// The clauses of each policy.
    pub(super) fn policies(&self) -> &[Range<usize>] {
        &self.policies
    }

    /// The set of all clauses of which something is true.
    pub(super) fn set(&self, is_in: impl Fn(&Clause) -> bool) -> Bits {
        Bits::of(self.clauses.len(), |clause| is_in(&self.clauses[clause]))
    }

    /// The clauses that somebody in these groups satisfies.
    pub(super) fn of_groups<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Bits {
        groups.into_iter().fold(self.groups.other().clone(), |set, group| set.or(self.groups.of(group)))
    }

    /// The clauses that a resource satisfies.
    pub(super) fn of_resource(&self, group: &str, resource: &str, subresource: &str) -> Bits {
        self.set(|clause| clause.takes(group, resource, subresource))
    }

    /// The clauses that a path satisfies.
    pub(super) fn of_path(&self, path: &str) -> Bits {
        self.set(|clause| clause.takes_path(path))
    }

    /// The clauses that a request satisfies, a dimension each.
    pub(super) fn dimensions(&self, request: &Request) -> Dimensions {
        let (target, namespace, name) = match &request.target {
            Target::Path(path) => (self.of_path(path), self.namespaces.other(), self.names.other()),
            Target::Resource { group, resource, subresource, namespace, name } => (
                self.of_resource(group, resource, subresource),
                self.namespaces.of(namespace),
                self.names.of(name),
            ),
        };
        let groups = request.user.iter().flat_map(|user| &user.groups).map(String::as_str);
        Dimensions {
            user: request.user.as_ref().map_or(self.users.other(), |user| self.users.of(&user.name)).clone(),
            groups: self.of_groups(groups),
            verb: self.verbs.of(&request.verb).clone(),
            target,
            namespace: namespace.clone(),
            name: name.clone(),
        }
    }
}

/// The clauses that a request satisfies, a dimension each.
#[derive(Debug, Clone)]
pub(super) struct Dimensions {
    pub(super) user: Bits,
    pub(super) groups: Bits,
    pub(super) verb: Bits,
    /// API group, resource and subresource, or the path.
    pub(super) target: Bits,
    pub(super) namespace: Bits,
    pub(super) name: Bits,
}
