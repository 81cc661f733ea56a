//! What single values of an event mean, and what of them no column holds.

use std::collections::BTreeSet;

use super::json::{elements, object, string};

/// Names of repairs.
pub(crate) type Repairs = BTreeSet<&'static str>;

/// Raw JSON for `extra_fields`, and what was repaired.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    pub(crate) json: Option<String>,
    pub(crate) repairs: Repairs,
}

#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) username: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) extra: Option<Vec<(String, Vec<String>)>>,
    pub(crate) rest: Rest,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "fields are the JSON keys")]
pub(crate) struct Status {
    pub(crate) status: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) code: Option<i16>,
    pub(crate) rest: Rest,
}

/// What became of a member.
enum Fate {
    Kept,
    Replaced,
    Unknown,
    WrongType,
}

pub(crate) fn user(raw: &str) -> User {
    let mut user = User::default();
    user.rest = known_members(raw, |key, value| match key {
        "username" => put(&mut user.username, string(value)),
        "uid" => put(&mut user.uid, string(value)),
        "groups" => put(&mut user.groups, strings(value)),
        "extra" => match map(value, strings) {
            Some((extra, twice)) => {
                let fate = put(&mut user.extra, Some(extra));
                if twice { Fate::Replaced } else { fate }
            }
            None => Fate::WrongType,
        },
        _ => Fate::Unknown,
    });
    user
}

/// `impersonatedUser`: an empty one must not look like an absent one.
pub(crate) fn impersonated(raw: &str) -> User {
    let mut user = user(raw);
    if user.username.is_none() && user.uid.is_none() && user.groups.is_none() && user.extra.is_none() {
        user.rest.json.get_or_insert_with(|| "{}".to_owned());
    }
    user
}

pub(crate) const OBJECT_KEYS: [&str; 8] =
    ["apiGroup", "apiVersion", "resource", "subresource", "namespace", "name", "uid", "resourceVersion"];

/// `objectRef`: its values in the order of [`OBJECT_KEYS`].
pub(crate) fn object_ref(raw: &str) -> ([Option<String>; 8], Rest) {
    let mut values = <[Option<String>; 8]>::default();
    let mut rest =
        known_members(raw, |key, value| match OBJECT_KEYS.iter().position(|known| *known == key) {
            Some(place) => put(&mut values[place], string(value)),
            None => Fate::Unknown,
        });
    // An absent group reads as an empty one, so one that stands there empty is told apart by its raw value.
    if values[0].as_deref() == Some("") {
        rest.json = Some(raw.to_owned());
    } else if raw.starts_with('{') {
        values[0].get_or_insert_default();
    }
    (values, rest)
}

pub(crate) fn status(raw: &str) -> Status {
    let mut status = Status::default();
    status.rest = known_members(raw, |key, value| match key {
        "status" => put(&mut status.status, string(value)),
        "message" => put(&mut status.message, string(value)),
        "reason" => put(&mut status.reason, string(value)),
        "code" => put(&mut status.code, value.parse().ok()),
        "metadata" if value == "{}" => Fate::Kept,
        _ => Fate::Unknown,
    });
    let texts = [&status.status, &status.message, &status.reason];
    if status.code.is_none() && texts.iter().all(|text| text.is_none()) {
        status.rest.json.get_or_insert_with(|| "{}".to_owned());
    }
    status
}

/// `authenticationMetadata`.
pub(crate) fn constraint(raw: &str) -> (Option<String>, Rest) {
    let mut text = None;
    let mut rest = known_members(raw, |key, value| match key {
        "impersonationConstraint" => put(&mut text, string(value)),
        _ => Fate::Unknown,
    });
    if text.is_none() {
        rest.json.get_or_insert_with(|| "{}".to_owned());
    }
    (text, rest)
}

/// A value that is one string.
pub(crate) fn text(raw: &str) -> (Option<String>, Rest) {
    whole(raw, string(raw).map(|text| (text, false)))
}

/// A value that is a list of strings.
pub(crate) fn list(raw: &str) -> (Option<Vec<String>>, Rest) {
    whole(raw, strings(raw).map(|items| (items, false)))
}

/// A value that is a map of strings.
pub(crate) fn annotations(raw: &str) -> (Option<Vec<(String, String)>>, Rest) {
    whole(raw, map(raw, string))
}

/// A time, in microseconds. Any form but the canonical one is kept.
pub(crate) fn time(raw: &str) -> (Option<i64>, Rest) {
    let micros = string(raw).and_then(|text| super::time::micros(&text));
    let canonical = raw == "null"
        || (micros.is_some()
            && raw.len() == 29
            && raw.ends_with("Z\"")
            && raw.as_bytes()[11] == b'T'
            && !raw.contains('\\'));
    let mut rest = Rest { json: (!canonical).then(|| raw.to_owned()), ..Rest::default() };
    if micros.is_none() && raw != "null" {
        rest.repairs.insert("time");
    }
    (micros, rest)
}

fn whole<T>(raw: &str, value: Option<(T, bool)>) -> (Option<T>, Rest) {
    let Some((value, twice)) = value else { return (None, other_type(raw)) };
    let repairs = twice.then_some("duplicate_key").into_iter().collect();
    (Some(value), Rest { json: ambiguous(raw).then(|| raw.to_owned()), repairs })
}

/// `null` is absence; anything else of the wrong type is a repair. Both are kept whole.
fn other_type(raw: &str) -> Rest {
    let repairs = (raw != "null").then_some("wrong_type").into_iter().collect();
    Rest { json: Some(raw.to_owned()), repairs }
}

/// Text that Go writes in two ways, so that the decoded text does not tell which.
fn ambiguous(raw: &str) -> bool {
    [r"\ufffd", r"\u0008", r"\u000c"].iter().any(|escape| raw.contains(escape))
}

fn known_members(raw: &str, mut take: impl FnMut(&str, &str) -> Fate) -> Rest {
    let Some((members, _)) = object(raw) else { return other_type(raw) };
    let mut repairs = Repairs::new();
    let mut unknown = Vec::new();
    let mut keep_all = ambiguous(raw);
    for member in members {
        let value = &raw[member.value.clone()];
        match take(&member.key, value) {
            Fate::Kept => {}
            Fate::Replaced => {
                repairs.insert("duplicate_key");
            }
            Fate::Unknown => unknown.push(&raw[member.start..member.value.end]),
            Fate::WrongType => {
                keep_all = true;
                if value != "null" {
                    repairs.insert("wrong_type");
                }
            }
        }
    }
    let json = if keep_all {
        Some(raw.to_owned())
    } else if unknown.is_empty() {
        None
    } else {
        Some(format!("{{{}}}", unknown.join(",")))
    };
    Rest { json, repairs }
}

fn put<T>(slot: &mut Option<T>, value: Option<T>) -> Fate {
    let Some(value) = value else { return Fate::WrongType };
    if slot.replace(value).is_some() { Fate::Replaced } else { Fate::Kept }
}

fn strings(raw: &str) -> Option<Vec<String>> {
    elements(raw)?.into_iter().map(string).collect()
}

/// The entries of an object, the last of equal keys in the place of the first, and whether there were equal ones.
fn map<T>(raw: &str, read: impl Fn(&str) -> Option<T>) -> Option<(Vec<(String, T)>, bool)> {
    let mut entries: Vec<(String, T)> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    let mut twice = false;
    for member in object(raw)?.0 {
        let value = read(&raw[member.value])?;
        if let Some(&place) = places.get(&member.key) {
            let entry: &mut (String, T) = &mut entries[place];
            entry.1 = value;
            twice = true;
        } else {
            places.insert(member.key.clone(), entries.len());
            entries.push((member.key, value));
        }
    }
    Some((entries, twice))
}
