//! What is wanted of a field, and what is left out.

use crate::parse::values::ObjectReference;

/// Any of some things, and none of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<T> {
    /// Empty for all.
    wanted: Vec<T>,
    left_out: Vec<T>,
}

/// Texts of a field. An absent text is the empty one.
pub type Words = Choice<Pattern>;

impl<T> Default for Choice<T> {
    fn default() -> Self {
        Self { wanted: Vec::new(), left_out: Vec::new() }
    }
}

impl<'a, T: From<&'a str>> Choice<T> {
    /// Any of these; a `-` in front leaves out what stands behind it. None at all is no choice.
    pub fn new(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut choice = Self::default();
        for text in texts {
            match text.strip_prefix('-') {
                Some(other) => choice.left_out.push(other.into()),
                None => choice.wanted.push(text.into()),
            }
        }
        choice
    }
}

impl<T> Choice<T> {
    /// Whether everything is taken.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.wanted.is_empty() && self.left_out.is_empty()
    }

    fn takes(&self, is: impl Fn(&T) -> bool) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(&is)) && !self.left_out.iter().any(&is)
    }
}

impl Words {
    /// Whether a text is taken.
    #[inline]
    pub(super) fn take(&self, text: &str) -> bool {
        self.takes(|pattern| pattern.is(text))
    }
}

impl Choice<Resource> {
    /// Whether an object of that kind is taken.
    pub(super) fn take(&self, object: &ObjectReference<'_>) -> bool {
        self.takes(|resource| resource.is(object))
    }
}

/// A text in which `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(
    /// What stands around each `*`: one piece where there is none.
    Vec<String>,
);

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }
}

impl Pattern {
    fn is(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &*self.0 else {
            return self.0.first().is_some_and(|whole| whole == text);
        };
        let Some(rest) = text.strip_prefix(&**first) else { return false };
        let Some(mut rest) = rest.strip_suffix(&**last) else { return false };
        middle.iter().all(|piece| {
            let found = rest.find(&**piece);
            found.inspect(|at| rest = &rest[at + piece.len()..]).is_some()
        })
    }
}

/// `resource`, `resource.group`, `resource/subresource` or all three. What is not named may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    name: Pattern,
    group: Option<Pattern>,
    subresource: Option<Pattern>,
}

impl From<&str> for Resource {
    fn from(text: &str) -> Self {
        let (named, subresource) = split(text, '/');
        let (name, group) = split(named, '.');
        Self {
            name: name.into(),
            group: group.map(Pattern::from),
            subresource: subresource.map(Pattern::from),
        }
    }
}

impl Resource {
    fn is(&self, object: &ObjectReference<'_>) -> bool {
        let is = |pattern: &Pattern, text: Option<&str>| pattern.is(text.unwrap_or_default());
        let may_be =
            |pattern: &Option<Pattern>, text| pattern.as_ref().is_none_or(|pattern| is(pattern, text));
        is(&self.name, object.resource.as_deref())
            && may_be(&self.group, object.api_group.as_deref())
            && may_be(&self.subresource, object.subresource.as_deref())
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(first, second)| (first, Some(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (asked, taken, refused) in [
            (&["get", "list"][..], &["get", "list"][..], &["", "watch", "gets"][..]),
            (&["-get"], &["list", ""], &["get"]),
            (&["*t", "-get"], &["list", "t"], &["get", "watch", ""]),
            (&["a*b*c"], &["abc", "a--b--c", "abbc"], &["ab", "acb", "abcd"]),
            (&["a*a"], &["aa", "aba"], &["a"]),
            (&[""], &[""], &["get"]),
            (&["*"], &["", "get"], &[]),
            (&["-"], &["get"], &[""]),
        ] {
            let words = Words::new(asked.iter().copied());
            assert!(taken.iter().all(|text| words.take(text)), "{asked:?}");
            assert!(!refused.iter().any(|text| words.take(text)), "{asked:?}");
        }
        assert!(Words::default().is_any() && Words::default().take("get"));
    }

    #[test]
    fn resources() {
        let exec = ObjectReference::parse(r#"{"resource":"pods","subresource":"exec"}"#).unwrap();
        let scale = r#"{"resource":"deployments","apiGroup":"apps","subresource":"scale"}"#;
        let scale = ObjectReference::parse(scale).unwrap();
        for (asked, of_exec, of_scale) in [
            ("pods", true, false),
            ("pods/", false, false),
            ("pods/exec", true, false),
            ("pods.", true, false),
            ("*.apps", false, true),
            ("deployments.apps/s*", false, true),
            ("deployments.batch", false, false),
            ("-*/exec", false, true),
        ] {
            let resource = Choice::<Resource>::new([asked]);
            assert_eq!((resource.take(&exec), resource.take(&scale)), (of_exec, of_scale), "{asked}");
        }
    }
}
