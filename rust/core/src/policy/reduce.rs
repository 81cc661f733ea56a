//! One event as a server under a lower level would have written it.
//!
//! Only what has to change does: `level` gets its lower name, bodies go, and so do the annotations that kube-apiserver
//! writes only where it writes bodies. All else stays byte for byte: unknown keys, order, white space, escapes, bytes that
//! are no UTF-8, numbers of any size, nesting of any depth.
//!
//! - The level is the lower of the recorded one and the wanted one: what was not recorded cannot come back.
//! - A key that stands twice is changed wherever it stands: Go reads the last, others read the first, and a body must not
//!   be left for either. Keys count however they are escaped (`"requestO\u0062ject"`), and by case, as in Go.
//! - A text that is not one valid JSON object is refused: where its bodies end would be a guess.

mod annotations;
mod managed;

use crate::edit::{Edits, Trim};
use crate::event::Key;
use crate::parse::gojson::{decode_string, spells};
use crate::scan::{Checked, ScanError, checked_members, skip_space};

use super::level::Level;
use annotations::Fate;

/// Why a text cannot be reduced; each has the position of the offence in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreduced {
    /// No JSON object begins there.
    #[error("no JSON object begins at byte {0}")]
    NotAnObject(usize),
    /// The text ends too early.
    #[error("the event is cut at byte {0}")]
    Cut(usize),
    /// It is no valid JSON.
    #[error("no valid JSON at byte {0}")]
    Invalid(usize),
}

impl Unreduced {
    /// The position in the text.
    #[must_use]
    pub fn offset(self) -> usize {
        match self {
            Self::NotAnObject(at) | Self::Cut(at) | Self::Invalid(at) => at,
        }
    }
}

impl From<ScanError> for Unreduced {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Cut(at) => Self::Cut(at),
            ScanError::Unexpected(at) => Self::Invalid(at),
        }
    }
}

/// An event after its reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduced<'a> {
    /// The event: the very text that was given when nothing had to change.
    pub text: &'a [u8],
    /// Bodies that were left out.
    pub bodies: usize,
}

/// Reduces events one after the other; it keeps its memory between them.
#[derive(Debug, Default)]
pub struct Reducer {
    members: Vec<Member>,
    edits: Edits,
    out: Vec<u8>,
}

/// A member of the event that a reduction looks at, or a run of others, which are as good as one.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// `None` for others.
    key: Option<Key>,
    /// Position of the quote in front of the key.
    at: usize,
    /// Position of the value.
    start: usize,
    /// Position behind the value.
    end: usize,
}

impl Reducer {
    /// The event as a server would have written it at the lower of its own level and `to`, and with `omit_managed_fields`
    /// without the managed fields of its bodies (of a patch never, as kube-apiserver).
    ///
    /// Whether the server would have written anything at [`Level::None`] is for the caller to say: the text is the one of
    /// [`Level::Metadata`] then, but for its level.
    ///
    /// ```
    /// use auditwake_core::policy::level::Level;
    /// use auditwake_core::policy::reduce::Reducer;
    ///
    /// let event = br#"{"level":"Request","verb":"create","requestObject":{"kind":"Secret"},"annotations":{}}"#;
    /// let mut reducer = Reducer::default();
    /// let reduced = reducer.reduce(event, Level::Metadata, false)?;
    /// assert_eq!(reduced.text, br#"{"level":"Metadata","verb":"create","annotations":{}}"#);
    /// # Ok::<(), auditwake_core::policy::reduce::Unreduced>(())
    /// ```
    ///
    /// # Errors
    /// [`Unreduced`] for a text that is not one valid JSON object; it says where and why.
    pub fn reduce<'a>(
        &'a mut self,
        event: &'a [u8],
        to: Level,
        omit_managed_fields: bool,
    ) -> Result<Reduced<'a>, Unreduced> {
        self.find_members(event)?;
        let bodies = self.edit(event, to, omit_managed_fields)?;
        if self.edits.is_empty() {
            return Ok(Reduced { text: event, bodies });
        }
        self.edits.write(event, &mut self.out);
        Ok(Reduced { text: &self.out, bodies })
    }

    /// Finds the members. The whole text is checked first: extents are exact for valid JSON, and for nothing else.
    fn find_members(&mut self, event: &[u8]) -> Result<(), Unreduced> {
        let start = skip_space(event, 0);
        if event.get(start) != Some(&b'{') {
            return Err(Unreduced::NotAnObject(start));
        }
        let members = &mut self.members;
        members.clear();
        let checked = checked_members(event, |Checked { key, escaped, value }| {
            let name = key_of(&event[key.start + 1..key.end - 1], escaped);
            match members.last_mut() {
                Some(last) if name.is_none() && last.key.is_none() => last.end = value.end,
                _ => members.push(Member { key: name, at: key.start, start: value.start, end: value.end }),
            }
        });
        checked.map_err(|at| if at < event.len() { Unreduced::Invalid(at) } else { Unreduced::Cut(at) })
    }

    /// Notes what changes; answers how many bodies go.
    fn edit(&mut self, event: &[u8], to: Level, omit_managed_fields: bool) -> Result<usize, ScanError> {
        let level = self.recorded(event).min(to);
        let patch = self.last_string(event, Key::Verb).is_some_and(|verb| spells(verb, "patch"));
        let edits = &mut self.edits;
        edits.clear();
        let (mut object, mut bodies) = (Trim::default(), 0);
        for &Member { key, at, start, end } in &self.members {
            let fate = match key {
                Some(Key::Annotations) if level < Level::Request => annotations::fate(event, start)?,
                Some(Key::RequestObject) if level < Level::Request => Fate::Lost,
                Some(Key::ResponseObject) if level < Level::RequestResponse => Fate::Lost,
                _ => Fate::Kept,
            };
            if fate == Fate::Lost {
                object.lose(at..end, edits);
                bodies += usize::from(key.is_some_and(Key::is_body));
                continue;
            }
            object.keep(at..end, edits);
            match key {
                Some(Key::Level) if level_of(content(&event[start..end])) > level => {
                    edits.replace(start..end, level.as_json());
                }
                Some(Key::Annotations) if fate == Fate::Trimmed => annotations::trim(event, start, edits)?,
                Some(Key::RequestObject) if omit_managed_fields && !patch => {
                    managed::omit(event, start, edits)?;
                }
                Some(Key::ResponseObject) if omit_managed_fields => managed::omit(event, start, edits)?,
                _ => {}
            }
        }
        object.close(edits);
        Ok(bodies)
    }

    /// The level that the event was recorded at.
    fn recorded(&self, event: &[u8]) -> Level {
        self.last_string(event, Key::Level).map_or(Level::None, level_of)
    }

    /// What stands between the quotes of the last value of a key; `null` leaves the one before it in place, as in Go.
    fn last_string<'a>(&self, event: &'a [u8], key: Key) -> Option<&'a [u8]> {
        let values = self.members.iter().rev().filter(|member| member.key == Some(key));
        let mut values = values.map(|member| &event[member.start..member.end]);
        values.find(|value| *value != b"null").map(content)
    }
}

/// The key between its quotes, if a reduction looks at it.
pub(crate) fn key_of(raw: &[u8], escaped: bool) -> Option<Key> {
    match raw {
        b"level" => Some(Key::Level),
        b"verb" => Some(Key::Verb),
        b"requestObject" => Some(Key::RequestObject),
        b"responseObject" => Some(Key::ResponseObject),
        b"annotations" => Some(Key::Annotations),
        _ if escaped => Key::from_name(decode_string(std::str::from_utf8(raw).ok()?)?.as_bytes()),
        _ => None,
    }
}

/// The level that a JSON string names, given what stands between its quotes.
fn level_of(raw: &[u8]) -> Level {
    Level::ALL.into_iter().find(|level| spells(raw, level.as_text())).unwrap_or_default()
}

/// What stands between the quotes of a JSON string; nothing for another value.
fn content(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or_default()
}
