//! Values of an event's text, for formats that have them apart.
//!
//! They are read from the text as it is sent and not from columns: what a rule masked or a policy left out must not come
//! back beside it.

use std::ops::Range;

use crate::event::Key;
use crate::parse::gojson::decode_string;
use crate::scan::{Members, checked_members, skip_space};

/// Whether a text is one valid JSON object.
pub(super) fn is_object(text: &[u8]) -> bool {
    opens(text).is_some() && checked_members(text, |_| {}).is_ok()
}

/// Position behind the brace that opens a text.
fn opens(text: &[u8]) -> Option<usize> {
    let at = skip_space(text, 0);
    (text.get(at) == Some(&b'{')).then_some(at + 1)
}

/// The members of an event.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    text: &'a [u8],
    /// Position behind the opening brace.
    pub(super) opened: usize,
    /// Whether there is any member.
    pub(super) empty: bool,
    values: [Range<usize>; Key::ALL.len()],
}

impl<'a> Fields<'a> {
    /// Finds the members; nothing for a text that is no valid JSON object. Of a key that stands twice the last value counts,
    /// and `null` does not, as in Go.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        let mut fields = Self { text, opened: opens(text)?, empty: true, values: Default::default() };
        let checked = checked_members(text, |member| {
            fields.empty = false;
            let name = &text[member.key.start + 1..member.key.end - 1];
            let key = if member.escaped {
                string_content(name).and_then(|name| Key::from_name(name.as_bytes()))
            } else {
                Key::from_name(name)
            };
            if let Some(key) = key
                && text[member.value.clone()] != *b"null"
            {
                fields.values[key as usize] = member.value;
            }
        });
        checked.is_ok().then_some(fields)
    }

    /// A value as it stands.
    pub(super) fn raw(&self, key: Key) -> Option<&'a [u8]> {
        let value = &self.text[self.values[key as usize].clone()];
        (!value.is_empty()).then_some(value)
    }

    /// A string.
    pub(super) fn text(&self, key: Key) -> Option<String> {
        string(self.raw(key)?)
    }

    /// Tells each member of an object: its key and its value as it stands.
    pub(super) fn members(&self, key: Key, mut tell: impl FnMut(&'a [u8], &'a [u8])) {
        let Some(mut members) =
            self.raw(key).and_then(|object| Members::new(object, 0).map(|at| (object, at)))
        else {
            return;
        };
        while let Ok(Some(member)) = members.1.next_member() {
            tell(member.key, &members.0[member.start..member.end]);
        }
    }
}

/// The value of a raw JSON string; nothing for another value.
pub(super) fn string(raw: &[u8]) -> Option<String> {
    string_content(raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?)
}

/// The value of what stands between the quotes of a JSON string; bytes that are no UTF-8 become U+FFFD.
pub(super) fn string_content(raw: &[u8]) -> Option<String> {
    decode_string(&String::from_utf8_lossy(raw)).map(std::borrow::Cow::into_owned)
}
