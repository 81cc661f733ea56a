//! Raw JSON to the few shapes that the event is made of: strings, lists of them, maps, codes.

use std::collections::HashMap;

use crate::parse::gojson;
use crate::scan::{self, Elements, Members};

use super::{Invalid, Text};

/// Checks a value that no column reads. simd-json decides the common case; what it refuses is looked at again by the
/// plain grammar, since it refuses valid JSON too: deeper than 1,024, numbers beyond its types, lone surrogates.
///
/// # Errors
/// [`Invalid`] when it is no valid JSON.
pub fn validate(raw: &str) -> Result<(), Invalid> {
    // Status codes, and the metadata of a status.
    let is_natural =
        |raw: &[u8]| matches!(raw, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    if raw == "{}" || is_natural(raw.as_bytes()) {
        return Ok(());
    }
    let mut copy = raw.as_bytes().to_vec();
    if simd_json::to_tape(&mut copy).is_ok() || scan::is_json(raw) { Ok(()) } else { Err(Invalid) }
}

/// The string, or `None` for another type.
pub(super) fn string(raw: &str) -> Result<Option<Text<'_>>, Invalid> {
    if let Some(plain) = gojson::plain_string(raw) {
        return Ok(Some(Text::Borrowed(plain)));
    }
    let Some(content) = raw.strip_prefix('"') else { return Ok(None) };
    let content = content.strip_suffix('"').ok_or(Invalid)?;
    gojson::decode_string(content).map(Some).ok_or(Invalid)
}

/// The strings of an array, or `None` when it or an element is of another type.
pub(super) fn list(raw: &str) -> Result<Option<Vec<Text<'_>>>, Invalid> {
    let Some(mut elements) = Elements::new(raw.as_bytes(), 0) else { return Ok(None) };
    let mut items = Vec::new();
    let mut strings = true;
    while let Some((start, end)) = elements.next_element().map_err(|_| Invalid)? {
        match string(&raw[start..end])? {
            Some(item) => items.push(item),
            None => strings = false,
        }
    }
    if elements.end() != raw.len() {
        return Err(Invalid);
    }
    Ok(strings.then_some(items))
}

/// Entries among which a key is looked for one by one; a client can send more, and then they are hashed.
const FEW: usize = 16;

/// Entries of a map, and whether a key stood twice.
pub(super) type Entries<'a, T> = (Vec<(Text<'a>, T)>, bool);

/// The entries of an object whose values `read` takes, the last of equal keys kept in place of the first; `None` when it
/// or a value is of another type.
pub(super) fn entries<'a, T>(
    raw: &'a str,
    read: impl Fn(&'a str) -> Result<Option<T>, Invalid>,
) -> Result<Option<Entries<'a, T>>, Invalid> {
    let Some(mut members) = Members::new(raw.as_bytes(), 0) else { return Ok(None) };
    let mut entries: Vec<(Text<'a>, T)> = Vec::new();
    let mut places: HashMap<Text<'a>, usize> = HashMap::new();
    let (mut twice, mut typed) = (false, true);
    while let Some(member) = members.next_member().map_err(|_| Invalid)? {
        let key = std::str::from_utf8(member.key).map_err(|_| Invalid)?;
        let key = gojson::decode_string(key).ok_or(Invalid)?;
        let Some(value) = read(&raw[member.start..member.end])? else {
            typed = false;
            continue;
        };
        let known = if entries.len() < FEW {
            entries.iter().position(|(known, _)| *known == key)
        } else {
            let from = places.len();
            places.extend(entries[from..].iter().zip(from..).map(|((key, _), place)| (key.clone(), place)));
            places.get(&key).copied()
        };
        if let Some(place) = known {
            entries[place].1 = value;
            twice = true;
        } else {
            entries.push((key, value));
        }
    }
    if members.end() != raw.len() {
        return Err(Invalid);
    }
    Ok(typed.then_some((entries, twice)))
}

/// A status code that fits the column, or `None`.
pub(super) fn code(raw: &str) -> Result<Option<i16>, Invalid> {
    if !raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Ok(None);
    }
    validate(raw)?;
    Ok(raw.parse().ok())
}
