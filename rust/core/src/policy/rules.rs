//! A policy as kube-apiserver holds it after loading (`k8s.io/apiserver/pkg/apis/audit`).

use super::level::Level;

/// A loaded policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Tried in order; the first that matches decides.
    pub rules: Vec<Rule>,
    /// Stages of which no event is written, whatever rule matches.
    pub omit_stages: Stages,
    /// Whether `metadata.managedFields` is left out of bodies, where a rule does not say.
    pub omit_managed_fields: bool,
}

/// A rule. An empty list asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The level of the requests that match.
    pub level: Level,
    /// Names of users, compared byte for byte.
    pub users: Vec<String>,
    /// Groups, of which a user needs one.
    pub user_groups: Vec<String>,
    /// Verbs, compared byte for byte.
    pub verbs: Vec<String>,
    /// Resources; a request for none never matches such a rule.
    pub resources: Vec<GroupResources>,
    /// Namespaces; `""` is a request in no namespace.
    pub namespaces: Vec<String>,
    /// Paths of requests for no resource; `*` may stand at the end.
    pub non_resource_urls: Vec<String>,
    /// Added to those of the policy.
    pub omit_stages: Stages,
    /// Overrides the policy's.
    pub omit_managed_fields: Option<bool>,
}

/// Resources of one API group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupResources {
    /// The group; `""` is the core group and `*` every group.
    pub group: String,
    /// Resources: `pods`, `pods/log`, `pods/*`, `*/scale` or `*`; empty for all.
    pub resources: Vec<String>,
    /// Names of objects; empty for all.
    pub resource_names: Vec<String>,
}

/// A set of stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Stages(u8);

impl Stages {
    /// All stages, in the order of their bits.
    pub const NAMES: [&'static str; 4] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

    /// The set of some names; a name that is no stage is in no set.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().fold(Self(0), |set, name| Self(set.0 | Self::bit(name)))
    }

    /// One bit a stage, in the order of [`Self::NAMES`].
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The stages of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a stage is in it.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.0 & Self::bit(name) != 0
    }

    /// The names in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |name| self.contains(name))
    }

    fn bit(name: &str) -> u8 {
        Self::NAMES.iter().position(|stage| *stage == name).map_or(0, |at| 1 << at)
    }
}

/// What a policy says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// Index of the rule that matched.
    pub rule: Option<usize>,
    /// How much is recorded.
    pub level: Level,
    /// Stages of which no event is written.
    pub omit_stages: Stages,
    /// Whether `metadata.managedFields` is left out of bodies.
    pub omit_managed_fields: bool,
}

impl Policy {
    /// The decision when a rule matches first, or when none does: `EvaluatePolicyRule` of `audit/policy/checker.go`.
    #[must_use]
    pub fn decision(&self, rule: Option<usize>) -> Decision {
        let found = rule.and_then(|rule| self.rules.get(rule));
        Decision {
            rule,
            level: found.map_or(Level::None, |found| found.level),
            omit_stages: found.map_or(self.omit_stages, |found| self.omit_stages.union(found.omit_stages)),
            omit_managed_fields: found
                .and_then(|found| found.omit_managed_fields)
                .unwrap_or(self.omit_managed_fields),
        }
    }
}
