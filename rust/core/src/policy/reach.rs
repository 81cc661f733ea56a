//! Which rules are reached at all, exactly: the algebra of the classes that policies tell apart.
//!
//! Two requests whose values fall into the same class in every dimension get the same answer, so one value a class is
//! enough to try. Dimensions are combined one after the other; states with the same clauses left are one state, and a clause
//! behind one of its policy that asks nothing more is dropped, since it can no longer be first.
//!
//! Groups are not tried one set at a time, of which there are too many. Rule `i` is first if somebody is in one of its
//! groups and in none that an earlier rule, of those left, asks for; one group a policy is enough for that.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use super::bits::Bits;
use super::matcher::{Clause, Matcher};
use super::request::{Request, Target, User};

mod groups;
mod points;

use points::{Point, Points};

/// States beyond which no answer is given: a policy that needs more was made to.
const MOST_STATES: usize = 20_000_000;

/// Which requests are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// Those that kube-apiserver builds from HTTP: ten verbs for resources, the methods of HTTP for paths.
    Possible,
    /// All that can be written down.
    Any,
}

/// The policies have too many classes to be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rules name too many users, verbs, resources, namespaces and names together to compare all requests"
)]
pub struct TooMany;

/// The first rule of each policy.
pub type Outcome = Vec<Option<usize>>;

/// A request for every outcome that there is.
pub type Reached = BTreeMap<Outcome, Request>;

/// One value a dimension.
#[derive(Debug, Clone, Copy)]
struct Choice<'a> {
    target: &'a Target,
    user: Option<&'a str>,
    verb: &'a str,
    namespace: &'a str,
    name: &'a str,
}

/// Clauses left, each with one way to get there; hashed without chance, so that the same policies give the same requests
/// each time.
type States<'a> = HashMap<Bits, Choice<'a>, FixedState>;

/// Notes the value of a dimension.
type Choose<'a> = fn(&mut Choice<'a>, &'a str);

/// What a dimension is asked by a clause that is not yet settled.
type Asks = fn(&Clause) -> bool;

/// Whether a clause asks for something in the dimensions, in the order in which they are combined.
const ASKS: [Asks; 5] = [
    |clause| !clause.asks.users.is_empty(),
    |clause| !clause.asks.verbs.is_empty(),
    |clause| !clause.asks.namespaces.is_empty(),
    |clause| !clause.names().is_empty(),
    |clause| !clause.asks.user_groups.is_empty(),
];

impl Matcher {
    /// A request for each outcome that there is.
    ///
    /// # Errors
    /// [`TooMany`] if the policies cannot be combined in reasonable time.
    pub fn reach(&self, realm: Realm) -> Result<Reached, TooMany> {
        let mut reached = Reached::new();
        let points = Points::new(self, realm);
        let mut spent = 0;
        for is_resource in [true, false] {
            for is_nobody in [false, true] {
                let states = self.states(&points, is_resource, is_nobody, &mut spent)?;
                self.settle(&states, is_nobody, &mut reached);
            }
        }
        Ok(reached)
    }

    fn states<'a>(
        &self,
        points: &'a Points,
        is_resource: bool,
        is_nobody: bool,
        spent: &mut usize,
    ) -> Result<States<'a>, TooMany> {
        let targets = if is_resource { &points.resources } else { &points.paths };
        let mut states: States<'a> = HashMap::default();
        let content = self.content(&ASKS);
        for (target, set) in targets {
            let start = Choice { target, user: None, verb: "", namespace: "", name: "" };
            states.entry(self.settled(set.clone(), &content)).or_insert(start);
        }
        let users = if is_nobody { &points.nobody } else { &points.users };
        let verbs = if is_resource { &points.resource_verbs } else { &points.methods };
        let (namespaces, names) =
            if is_resource { (&points.namespaces, &points.names) } else { (&points.none, &points.none) };
        let steps: [(&'a [Point], Choose<'a>); 4] = [
            (users, |choice, user| choice.user = Some(user)),
            (verbs, |choice, verb| choice.verb = verb),
            (namespaces, |choice, namespace| choice.namespace = namespace),
            (names, |choice, name| choice.name = name),
        ];
        for (at, (values, choose)) in steps.into_iter().enumerate() {
            let mut next: States<'a> = HashMap::default();
            let content = self.content(&ASKS[at + 1..]);
            *spent += states.len() * values.len();
            if *spent > MOST_STATES {
                return Err(TooMany);
            }
            for (left, choice) in &states {
                for (value, set) in values {
                    next.entry(self.settled(left.and(set), &content)).or_insert_with(|| {
                        let mut choice = *choice;
                        choose(&mut choice, value);
                        choice
                    });
                }
            }
            states = next;
        }
        Ok(states)
    }

    /// Drops what can no longer be first: all clauses of a policy behind one that asks nothing more.
    fn settled(&self, mut left: Bits, content: &Bits) -> Bits {
        for clauses in self.policies() {
            if let Some(first) = left.first_common(content, clauses) {
                left.remove(first + 1..clauses.end);
            }
        }
        left
    }

    /// The clauses that ask nothing in these dimensions.
    fn content(&self, dimensions: &[Asks]) -> Bits {
        self.set(|clause| !dimensions.iter().any(|asks| asks(clause)))
    }
}

impl Choice<'_> {
    fn request(&self, is_nobody: bool, groups: Vec<String>) -> Request {
        let target = match self.target.clone() {
            Target::Resource { group, resource, subresource, .. } => Target::Resource {
                group,
                resource,
                subresource,
                namespace: self.namespace.to_owned(),
                name: self.name.to_owned(),
            },
            path @ Target::Path(_) => path,
        };
        let user = self.user.filter(|_| !is_nobody).map(|name| User { name: name.to_owned(), groups });
        Request { user, verb: self.verb.to_owned(), target }
    }
}
