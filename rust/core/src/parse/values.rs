//! The event's sub-objects, read from their raw JSON when a batch meets them first. Strings are read as Go reads them.
//!
//! What has no column goes to the *rest*, raw: unknown members, or the whole value where a column could not give it
//! back. A rest that holds only unknown members is merged when the event is written back; one that holds a known member
//! stands for the whole value.

use std::borrow::Cow;

use crate::repair::{Repair, Repairs};
use crate::scan::Members;

use super::gojson;

mod object;
mod read;

pub use object::{ObjectReference, ObjectTexts};
pub use read::validate;
use read::{code, entries, list, string};

/// A sub-object is no valid JSON, so its line is none either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

/// A string of the event: borrowed unless it has escapes.
pub type Text<'a> = Cow<'a, str>;

/// What a value holds beside its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// Raw JSON for `extra_fields`.
    pub json: Option<Box<str>>,
    /// What had to be repaired.
    pub repairs: Repairs,
}

/// `user` and `impersonatedUser`: k8s.io/api `authentication/v1` `UserInfo`.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "fields are the JSON keys")]
pub struct UserInfo<'a> {
    pub username: Option<Text<'a>>,
    pub uid: Option<Text<'a>>,
    pub groups: Option<Vec<Text<'a>>>,
    pub extra: Option<Vec<(Text<'a>, Vec<Text<'a>>)>>,
    pub rest: Rest,
}

/// `responseStatus`: `meta/v1` `Status`; `metadata` (always `{}` on the wire) and `details` are left to the rest.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "fields are the JSON keys")]
pub struct Status<'a> {
    pub status: Option<Text<'a>>,
    pub message: Option<Text<'a>>,
    pub reason: Option<Text<'a>>,
    pub code: Option<i16>,
    pub rest: Rest,
}

/// A flat map of strings: `annotations`.
#[derive(Debug, Default)]
pub struct StringMap<'a> {
    /// Entries in order, each key once.
    pub entries: Option<Vec<(Text<'a>, Text<'a>)>>,
    /// What no column holds.
    pub rest: Rest,
}

/// A list of strings: `sourceIPs`.
#[derive(Debug, Default)]
pub struct StringList<'a> {
    /// Items in order.
    pub items: Option<Vec<Text<'a>>>,
    /// What no column holds.
    pub rest: Rest,
}

/// A single string.
#[derive(Debug, Default)]
pub struct Single<'a> {
    /// The string; `None` for `null` and for another type.
    pub text: Option<Text<'a>>,
    /// What no column holds.
    pub rest: Rest,
}

/// What became of one member of a sub-object.
enum Taken {
    /// It is in its field now.
    Kept,
    /// It is in its field, in place of an earlier one of the same key.
    Again,
    /// No field has that key.
    Unknown,
    /// A field has that key, but the value is of another type.
    WrongType,
}

impl<'a> UserInfo<'a> {
    /// Reads the raw value.
    ///
    /// # Errors
    /// [`Invalid`] when it is no valid JSON.
    pub fn parse(raw: &'a str) -> Result<Self, Invalid> {
        let mut user = Self::default();
        user.rest = walk(raw, false, |key, value| match key {
            "username" => Ok(put(&mut user.username, string(value)?)),
            "uid" => Ok(put(&mut user.uid, string(value)?)),
            "groups" => Ok(put(&mut user.groups, list(value)?)),
            "extra" => match entries(value, list)? {
                Some((extra, true)) => {
                    user.extra = Some(extra);
                    Ok(Taken::Again)
                }
                Some((extra, false)) => Ok(put(&mut user.extra, Some(extra))),
                None => Ok(Taken::WrongType),
            },
            _ => Ok(Taken::Unknown),
        })?;
        Ok(user)
    }

    /// Whether no column shows that the value was there: an impersonated user of which nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.username.is_none() && self.uid.is_none() && self.groups.is_none() && self.extra.is_none()
    }
}

impl<'a> Status<'a> {
    /// Reads the raw value.
    ///
    /// # Errors
    /// [`Invalid`] when it is no valid JSON.
    pub fn parse(raw: &'a str) -> Result<Self, Invalid> {
        let mut status = Self::default();
        status.rest = walk(raw, false, |key, value| match key {
            "status" => Ok(put(&mut status.status, string(value)?)),
            "message" => Ok(put(&mut status.message, string(value)?)),
            "reason" => Ok(put(&mut status.reason, string(value)?)),
            "code" => Ok(put(&mut status.code, code(value)?)),
            "metadata" if value == "{}" => Ok(Taken::Kept),
            _ => Ok(Taken::Unknown),
        })?;
        let shown = status.status.is_some()
            || status.message.is_some()
            || status.reason.is_some()
            || status.code.is_some();
        if !shown && status.rest.json.is_none() {
            status.rest.json = Some("{}".into());
        }
        Ok(status)
    }
}

impl<'a> StringMap<'a> {
    /// Reads the raw value.
    ///
    /// # Errors
    /// [`Invalid`] when it is no valid JSON.
    pub fn parse(raw: &'a str) -> Result<Self, Invalid> {
        let Some((entries, twice)) = entries(raw, string)? else {
            return Ok(Self { entries: None, rest: other_type(raw)? });
        };
        Ok(Self { entries: Some(entries), rest: flat_rest(raw, twice) })
    }
}

impl<'a> StringList<'a> {
    /// Reads the raw value.
    ///
    /// # Errors
    /// [`Invalid`] when it is no valid JSON.
    pub fn parse(raw: &'a str) -> Result<Self, Invalid> {
        match list(raw)? {
            None => Ok(Self { items: None, rest: other_type(raw)? }),
            items => Ok(Self { items, rest: flat_rest(raw, false) }),
        }
    }
}

impl<'a> Single<'a> {
    /// Reads the raw value.
    ///
    /// # Errors
    /// [`Invalid`] when it is no valid JSON.
    pub fn parse(raw: &'a str) -> Result<Self, Invalid> {
        if let Some(text) = gojson::plain_string(raw) {
            return Ok(Self { text: Some(Cow::Borrowed(text)), rest: Rest::default() });
        }
        match string(raw)? {
            None => Ok(Self { text: None, rest: other_type(raw)? }),
            text => Ok(Self { text, rest: flat_rest(raw, false) }),
        }
    }
}

/// The one string of `authenticationMetadata`: `impersonationConstraint`.
///
/// # Errors
/// [`Invalid`] when it is no valid JSON.
pub fn impersonation_constraint(raw: &str) -> Result<Single<'_>, Invalid> {
    let mut text = None;
    let mut rest = walk(raw, false, |key, value| match key {
        "impersonationConstraint" => Ok(put(&mut text, string(value)?)),
        _ => Ok(Taken::Unknown),
    })?;
    if text.is_none() && rest.json.is_none() {
        rest.json = Some("{}".into());
    }
    Ok(Single { text, rest })
}

/// Walks an object's members and gathers what `take` does not keep.
fn walk<'a>(
    raw: &'a str,
    verbatim: bool,
    mut take: impl FnMut(&str, &'a str) -> Result<Taken, Invalid>,
) -> Result<Rest, Invalid> {
    let Some(mut members) = Members::new(raw.as_bytes(), 0) else { return other_type(raw) };
    let mut repairs = Repairs::default();
    let mut unknown = String::new();
    let mut verbatim = verbatim || has_ambiguous_escape(raw);
    while let Some(member) = members.next_member().map_err(|_| Invalid)? {
        let value = &raw[member.start..member.end];
        let key_start = member.key.as_ptr() as usize - raw.as_ptr() as usize;
        let key = gojson::decode_string(&raw[key_start..key_start + member.key.len()]).ok_or(Invalid)?;
        match take(&key, value)? {
            Taken::Kept => {}
            Taken::Again => repairs.add(Repair::DuplicateKey),
            Taken::Unknown => {
                validate(value)?;
                unknown.push(if unknown.is_empty() { '{' } else { ',' });
                unknown.push_str(&raw[key_start - 1..member.end]);
            }
            Taken::WrongType => {
                validate(value)?;
                verbatim = true;
                if value != "null" {
                    repairs.add(Repair::WrongType);
                }
            }
        }
    }
    if members.end() != raw.len() {
        return Err(Invalid);
    }
    let json = if verbatim {
        Some(raw.into())
    } else if unknown.is_empty() {
        None
    } else {
        unknown.push('}');
        Some(unknown.into())
    };
    Ok(Rest { json, repairs })
}

/// The rest of a value that is not of the type its columns want: all of it. `null` is no repair, it is absence.
fn other_type(raw: &str) -> Result<Rest, Invalid> {
    validate(raw)?;
    let repairs = if raw == "null" { Repairs::default() } else { Repairs::one(Repair::WrongType) };
    Ok(Rest { json: Some(raw.into()), repairs })
}

fn flat_rest(raw: &str, twice: bool) -> Rest {
    let repairs = if twice { Repairs::one(Repair::DuplicateKey) } else { Repairs::default() };
    Rest { json: has_ambiguous_escape(raw).then(|| raw.into()), repairs }
}

/// Escapes that Go writes for text it also writes in another way, so that the decoded text alone would not give the
/// same bytes back: `\ufffd` for a byte that was no UTF-8 (a real U+FFFD stands raw), and the two controls that Go
/// before 1.22 wrote as `\u0008` and `\u000c`.
fn has_ambiguous_escape(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let ambiguous = |at: usize| {
        matches!(
            &bytes[at..],
            [_, b'u', b'f', b'f', b'f', b'd', ..] | [_, b'u', b'0', b'0', b'0', b'8' | b'c', ..]
        )
    };
    memchr::memchr_iter(b'\\', bytes).any(ambiguous)
}

fn put<T>(field: &mut Option<T>, value: Option<T>) -> Taken {
    let Some(value) = value else { return Taken::WrongType };
    if field.replace(value).is_some() { Taken::Again } else { Taken::Kept }
}
