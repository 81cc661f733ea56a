//! Processing rules, as Datadog's Agent has them: in order, each on what the one before it left.
//!
//! A rule sees an event's bytes as they stand on its line: `"` inside a string is `\"` there, and `<` is `\u003c`.
//!
//! Patterns and replacements are those of Go's `regexp`, which people paste. What is spelled differently in Rust is
//! translated (the table stands in `rules/go.rs`); what is left:
//!
//! - A byte that is no UTF-8 is U+FFFD for Go, and nothing that a pattern without `(?-u)` matches here.
//! - What Rust has beyond Go is no error: the flags `x`, `u` and `R`, and `{2}{3}` or `a**`.
//! - Go allows repetitions up to 1,000; here the compiled pattern has at most 8 MiB.
//!
//! Matching takes time linear in the event's length, whatever the pattern.

mod go;

use std::borrow::Cow;

use regex::bytes::{Regex, RegexBuilder};

/// Most bytes of a compiled pattern.
const SIZE: usize = 8 << 20;

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exclude,
    Include,
    Mask,
}

#[derive(Debug)]
struct Rule {
    kind: Kind,
    pattern: Regex,
    replacement: Vec<u8>,
}

/// Rules, ready to be applied.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

/// A rule as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// For people.
    pub name: String,
    /// `exclude_at_match`, `include_at_match` or `mask_sequences`.
    pub kind: String,
    /// A regular expression of Go's.
    pub pattern: String,
    /// What stands in place of a match; `$1` or `${1}` is its first group.
    pub replacement: String,
}

/// A rule that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// There is no such type.
    #[error(
        "processing rule '{name}': no type '{kind}': it is exclude_at_match, include_at_match or mask_sequences"
    )]
    Kind {
        /// The rule.
        name: String,
        /// Its type.
        kind: String,
    },
    /// The pattern is no regular expression.
    #[error("processing rule '{name}': the pattern '{pattern}' is no regular expression: {why}")]
    Pattern {
        /// The rule.
        name: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What rules leave of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// All of it.
    Kept,
    /// All but what was masked.
    Masked(Vec<u8>),
    /// Nothing.
    Excluded,
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`RuleError`] for the first that is none.
    pub fn new(given: impl IntoIterator<Item = Given>) -> Result<Self, RuleError> {
        given.into_iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn apply(&self, event: &[u8]) -> Applied {
        let mut text = Cow::Borrowed(event);
        for Rule { kind, pattern, replacement } in &self.0 {
            match kind {
                Kind::Exclude if pattern.is_match(&text) => return Applied::Excluded,
                Kind::Include if !pattern.is_match(&text) => return Applied::Excluded,
                Kind::Exclude | Kind::Include => {}
                Kind::Mask => {
                    if let Cow::Owned(masked) = pattern.replace_all(&text, replacement.as_slice()) {
                        text = Cow::Owned(masked);
                    }
                }
            }
        }
        match text {
            Cow::Borrowed(_) => Applied::Kept,
            Cow::Owned(text) => Applied::Masked(text),
        }
    }
}

fn compile(given: Given) -> Result<Rule, RuleError> {
    let Given { name, kind, pattern, replacement } = given;
    let kind = match kind.as_str() {
        "exclude_at_match" => Kind::Exclude,
        "include_at_match" => Kind::Include,
        "mask_sequences" => Kind::Mask,
        _ => return Err(RuleError::Kind { name, kind }),
    };
    match RegexBuilder::new(&go::translate(&pattern)).size_limit(SIZE).build() {
        Ok(pattern) => Ok(Rule { kind, pattern, replacement: replacement.into_bytes() }),
        Err(error) => Err(RuleError::Pattern { name, pattern, why: why(&error) }),
    }
}

/// The last line of an error is what is wrong; those above draw the translated pattern, which the user did not write.
fn why(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
