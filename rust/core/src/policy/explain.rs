//! Why a rule does not match: the first condition that fails, in the order in which the server looks.

use super::matcher::{Clause, Matcher};
use super::request::{Request, Target};

/// A condition of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// `users`.
    Users,
    /// `userGroups`.
    UserGroups,
    /// `verbs`.
    Verbs,
    /// The rule is for resources, and the request is for none.
    NeedsResource,
    /// `namespaces`.
    Namespaces,
    /// `resources[].group`, or the resources in it.
    Resources,
    /// `resources[].resourceNames`.
    ResourceNames,
    /// The rule is for paths, and the request is for a resource.
    NeedsPath,
    /// `nonResourceURLs`.
    NonResourceUrls,
}

impl Condition {
    /// The condition as Python knows it.
    #[must_use]
    pub fn as_text(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::UserGroups => "userGroups",
            Self::Verbs => "verbs",
            Self::NeedsResource => "resource request",
            Self::Namespaces => "namespaces",
            Self::Resources => "resources",
            Self::ResourceNames => "resourceNames",
            Self::NeedsPath => "non-resource request",
            Self::NonResourceUrls => "nonResourceURLs",
        }
    }
}

impl Matcher {
    /// For each rule of a policy, the first condition that a request fails; `None` for a rule that matches.
    #[must_use]
    pub fn explain(&self, policy: usize, request: &Request) -> Vec<Option<Condition>> {
        let dimensions = self.dimensions(request);
        let is_resource = matches!(request.target, Target::Resource { .. });
        let clauses = self.policies()[policy].clone();
        let why = |clause: usize| {
            let asks = &self.clauses()[clause];
            let checks = [
                (dimensions.user.contains(clause), Condition::Users),
                (dimensions.groups.contains(clause), Condition::UserGroups),
                (dimensions.verb.contains(clause), Condition::Verbs),
                (is_resource || !asks.is_for_resources(), Condition::NeedsResource),
                (!is_resource || !asks.is_for_paths(), Condition::NeedsPath),
                (dimensions.namespace.contains(clause), Condition::Namespaces),
                (dimensions.target.contains(clause), of_target(asks)),
                (dimensions.name.contains(clause), Condition::ResourceNames),
            ];
            checks.into_iter().position(|(holds, _)| !holds).map(|at| (at, checks[at].1))
        };
        let mut rules: Vec<Vec<Option<(usize, Condition)>>> = Vec::new();
        for clause in clauses {
            let rule = self.clauses()[clause].rule;
            rules.resize(rules.len().max(rule + 1), Vec::new());
            rules[rule].push(why(clause));
        }
        // Of several entries of a rule the one that came furthest tells most.
        rules.into_iter().map(furthest).collect()
    }
}

fn of_target(asks: &Clause) -> Condition {
    if asks.is_for_paths() { Condition::NonResourceUrls } else { Condition::Resources }
}

fn furthest(entries: Vec<Option<(usize, Condition)>>) -> Option<Condition> {
    let all: Option<Vec<(usize, Condition)>> = entries.into_iter().collect();
    all?.into_iter().max_by_key(|(at, _)| *at).map(|(_, condition)| condition)
}
