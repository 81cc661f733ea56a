//! JSON as a tree by way of `serde_json`, with what Go's decoder sees and a map hides: the order of keys, and keys twice.

use super::json;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Text(String),
    /// A number or a literal, as it stands.
    Bare(String),
}

impl Tree {
    /// The tree of a text that is one JSON value; `None` for one that `serde_json` does not take.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        match text.as_bytes().first()? {
            b'{' => {
                let (members, end) = json::object(text)?;
                let member = |one: json::Member| {
                    assert!(text[one.start..].starts_with('"'));
                    Some((one.key, Self::of(&text[one.value])?))
                };
                let members = members.into_iter().map(member).collect::<Option<_>>()?;
                (end == text.len()).then_some(Self::Object(members))
            }
            b'[' => {
                Some(Self::Array(json::elements(text)?.into_iter().map(Self::of).collect::<Option<_>>()?))
            }
            b'"' => json::string(text).map(Self::Text),
            _ => {
                let raw: &serde_json::value::RawValue = serde_json::from_str(text).ok()?;
                Some(Self::Bare(raw.get().to_owned()))
            }
        }
    }

    pub(crate) fn members(&self) -> &[(String, Tree)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The text of the last member of that name, `null` not counted.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        let null = Self::Bare("null".to_owned());
        let (_, value) = self.members().iter().rfind(|(key, value)| key == name && *value != null)?;
        if let Self::Text(text) = value { Some(text) } else { None }
    }
}
