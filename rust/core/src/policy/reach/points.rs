//! One value for each class of a dimension.

use std::collections::{BTreeMap, BTreeSet};

use super::Realm;
use crate::policy::bits::Bits;
use crate::policy::matcher::{Clause, Matcher, Named};
use crate::policy::request::Target;

/// Verbs that kube-apiserver gives to requests for resources; the last is that of an unknown HTTP method.
const RESOURCE_VERBS: [&str; 10] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy", ""];

/// Methods of HTTP in lower case: the verbs of requests for paths.
const METHODS: [&str; 9] = ["get", "post", "put", "patch", "delete", "head", "options", "connect", "trace"];

/// A value, and the clauses that it satisfies.
pub(super) type Point = (String, Bits);

/// The values of each dimension, one a class.
pub(super) struct Points {
    pub(super) resources: Vec<(Target, Bits)>,
    pub(super) paths: Vec<(Target, Bits)>,
    pub(super) users: Vec<Point>,
    pub(super) nobody: Vec<Point>,
    pub(super) resource_verbs: Vec<Point>,
    pub(super) methods: Vec<Point>,
    pub(super) namespaces: Vec<Point>,
    pub(super) names: Vec<Point>,
    /// Of a dimension that a request does not have.
    pub(super) none: Vec<Point>,
}

impl Points {
    pub(super) fn new(matcher: &Matcher, realm: Realm) -> Self {
        let everything = matcher.set(|_| true);
        let verbs = |known: &[&str]| match realm {
            Realm::Possible => classes(&matcher.verbs, known.iter().copied()),
            Realm::Any => named(&matcher.verbs, "frobnicate", known),
        };
        Self {
            resources: resources(matcher, realm),
            paths: paths(matcher, realm),
            users: named(&matcher.users, "somebody", &[]),
            nobody: vec![(String::new(), matcher.users.other().clone())],
            resource_verbs: verbs(&RESOURCE_VERBS),
            methods: verbs(&METHODS),
            namespaces: named(&matcher.namespaces, "elsewhere", &[""]),
            names: named(&matcher.names, "something", &[""]),
            none: vec![(String::new(), everything)],
        }
    }
}

/// A value of each class; the first of several.
fn classes<'a>(named: &Named, values: impl IntoIterator<Item = &'a str>) -> Vec<Point> {
    let mut seen = BTreeSet::new();
    let point = |value: &str| (value.to_owned(), named.of(value).clone());
    values.into_iter().map(point).filter(|(_, set)| seen.insert(set.clone())).collect()
}

/// The values that clauses name, some that are always there, and one that no clause names.
fn named(named: &Named, unnamed: &'static str, always: &[&str]) -> Vec<Point> {
    let mut values: Vec<&str> = named.names().collect();
    values.sort_unstable();
    let unnamed = fresh(unnamed, |text| values.contains(&text));
    classes(named, [unnamed.as_str()].into_iter().chain(always.iter().copied()).chain(values.iter().copied()))
}

/// A text like this one that is not taken.
fn fresh(like: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut text = like.to_owned();
    while is_taken(&text) {
        text.push('x');
    }
    text
}

/// A resource of each class.
fn resources(matcher: &Matcher, realm: Realm) -> Vec<(Target, Bits)> {
    let (mut groups, mut resources, mut subresources) =
        (BTreeSet::from([""]), BTreeSet::new(), BTreeSet::from([""]));
    for entry in matcher.clauses().iter().filter_map(|clause| clause.entry.as_ref()) {
        groups.insert(&entry.group);
        for spec in &entry.resources {
            // The server compares `resource/subresource` as one text, so every slash may be the one between them.
            resources.insert(spec.as_str());
            for (at, _) in spec.match_indices('/') {
                resources.insert(&spec[..at]);
                subresources.insert(&spec[at + 1..]);
            }
        }
    }
    if realm == Realm::Possible {
        groups.remove("*");
        resources.retain(|text| !text.is_empty() && !text.contains(['/', '*']));
        subresources.retain(|text| !text.contains(['/', '*']));
    }
    let (other_group, other, other_sub) = (
        fresh("example.com", |text| groups.contains(text)),
        fresh("widgets", |text| resources.contains(text)),
        fresh("part", |text| subresources.contains(text)),
    );
    groups.insert(&other_group);
    resources.insert(&other);
    subresources.insert(&other_sub);
    let mut by_class = BTreeMap::new();
    for group in &groups {
        for resource in &resources {
            for subresource in &subresources {
                let set = matcher.of_resource(group, resource, subresource);
                by_class.entry(set).or_insert_with(|| Target::Resource {
                    group: (*group).to_owned(),
                    resource: (*resource).to_owned(),
                    subresource: (*subresource).to_owned(),
                    namespace: String::new(),
                    name: String::new(),
                });
            }
        }
    }
    by_class.into_iter().map(|(set, target)| (target, set)).collect()
}

/// A path of each class. The specs that match a path which is none of them are the prefixes of the longest that does, so
/// each spec itself and one path behind each prefix are all there are.
fn paths(matcher: &Matcher, realm: Realm) -> Vec<(Target, Bits)> {
    let specs: BTreeSet<&str> =
        matcher.clauses().iter().filter(|clause| clause.is_for_paths()).flat_map(urls).collect();
    let literal = |spec: &str| spec.trim_end_matches('*').to_owned();
    let mut paths: Vec<String> = vec![fresh("/somewhere", |text| specs.contains(text))];
    for spec in &specs {
        let prefix = literal(spec);
        let is_taken = |text: &str| specs.iter().any(|other| literal(other).starts_with(text));
        paths.push(fresh(&format!("{prefix}x"), is_taken));
        paths.push(prefix);
        paths.push((*spec).to_owned());
    }
    if realm == Realm::Any {
        paths.push(String::new());
    }
    let is_possible = |path: &&String| realm == Realm::Any || (path.starts_with('/') && !path.contains('*'));
    let mut by_class = BTreeMap::new();
    for path in paths.iter().filter(is_possible) {
        by_class.entry(matcher.of_path(path)).or_insert_with(|| Target::Path(path.clone()));
    }
    by_class.into_iter().map(|(set, target)| (target, set)).collect()
}

fn urls(clause: &Clause) -> impl Iterator<Item = &str> {
    clause.asks.non_resource_urls.iter().map(String::as_str)
}
