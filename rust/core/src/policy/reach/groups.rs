//! The last dimension: the groups that somebody is in.

use std::collections::BTreeSet;

use super::{Choice, Reached, States};
use crate::policy::bits::Bits;
use crate::policy::matcher::Matcher;

/// A way for a policy to end: with a rule, or without.
struct End<'a> {
    rule: Option<usize>,
    /// Groups of which one is needed; empty if none is.
    needs: &'a [String],
    /// Groups that somebody must not be in, or an earlier rule would match.
    avoids: BTreeSet<&'a str>,
}

impl Matcher {
    /// Adds the outcomes of states in which only groups are open.
    pub(super) fn settle(&self, states: &States<'_>, is_nobody: bool, reached: &mut Reached) {
        for (left, choice) in states {
            let ends: Vec<Vec<End<'_>>> =
                (0..self.policies().len()).map(|policy| self.ends(left, policy, is_nobody)).collect();
            combine(&ends, &mut Vec::new(), choice, is_nobody, reached);
        }
    }

    fn ends(&self, left: &Bits, policy: usize, is_nobody: bool) -> Vec<End<'_>> {
        let mut ends = Vec::new();
        let mut avoids = BTreeSet::new();
        for clause in self.policies()[policy].clone().filter(|clause| left.contains(*clause)) {
            let clause = &self.clauses()[clause];
            let needs = clause.asks.user_groups.as_slice();
            if is_nobody && !needs.is_empty() {
                continue;
            }
            ends.push(End { rule: Some(clause.rule), needs, avoids: avoids.clone() });
            if needs.is_empty() {
                return ends;
            }
            avoids.extend(needs.iter().map(String::as_str));
        }
        ends.push(End { rule: None, needs: &[], avoids });
        ends
    }
}

/// Tries every combination of one end a policy.
fn combine<'a>(
    ends: &'a [Vec<End<'a>>],
    chosen: &mut Vec<&'a End<'a>>,
    choice: &Choice<'_>,
    is_nobody: bool,
    reached: &mut Reached,
) {
    let Some((first, rest)) = ends.split_first() else {
        let outcome = chosen.iter().map(|end| end.rule).collect();
        if !reached.contains_key(&outcome)
            && let Some(groups) = groups(chosen)
        {
            reached.insert(outcome, choice.request(is_nobody, groups));
        }
        return;
    };
    for end in first {
        chosen.push(end);
        combine(rest, chosen, choice, is_nobody, reached);
        chosen.pop();
    }
}

/// Groups that bring all ends about at once, if there are such.
fn groups(ends: &[&End<'_>]) -> Option<Vec<String>> {
    let is_free = |group: &&String| ends.iter().all(|end| !end.avoids.contains(group.as_str()));
    let mut groups = BTreeSet::new();
    for end in ends.iter().filter(|end| !end.needs.is_empty()) {
        groups.insert(end.needs.iter().find(is_free)?.clone());
    }
    Some(groups.into_iter().collect())
}
