//! Where the members of an object stand, one byte after the other: for texts that serde refuses, because of a body or
//! because they are cut.

use std::ops::Range;

use super::json::{Member, string};

/// What a text that begins with an object comes to.
pub(crate) enum Split {
    /// Its members, and the position behind its brace.
    Whole(Vec<Member>, usize),
    /// The members in front of the cut, and the key whose value is cut, if it is cut in a value.
    Cut(Vec<Member>, Option<String>),
    /// No JSON.
    Broken,
}

enum Value {
    End(usize),
    Cut,
    Broken,
}

/// Splits the object that the text begins with. Values are taken by their extent: quotes for strings, brackets of either
/// kind for containers, the next delimiter for the rest.
pub(crate) fn split(text: &str) -> Split {
    let bytes = text.as_bytes();
    let mut members = Vec::new();
    let mut at = space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return Split::Broken;
    }
    at += 1;
    loop {
        at = space(bytes, at);
        if bytes.get(at) == Some(&b'}') {
            return Split::Whole(members, at + 1);
        }
        if !members.is_empty() {
            match bytes.get(at) {
                None => return Split::Cut(members, None),
                Some(b',') => at = space(bytes, at + 1),
                Some(_) => return Split::Broken,
            }
        }
        let start = at;
        match value(bytes, at) {
            _ if bytes.get(at).is_some_and(|byte| *byte != b'"') => return Split::Broken,
            Value::End(end) => at = end,
            Value::Cut => return Split::Cut(members, None),
            Value::Broken => return Split::Broken,
        }
        let Some(key) = string(&text[start..at]) else { return Split::Broken };
        at = space(bytes, at);
        match bytes.get(at) {
            None => return Split::Cut(members, None),
            Some(b':') => at = space(bytes, at + 1),
            Some(_) => return Split::Broken,
        }
        match value(bytes, at) {
            // Nothing closes a number or a literal, so one that ends with the text may be cut.
            Value::End(end) if end == bytes.len() && !b"{[\"".contains(&bytes[at]) => {
                return Split::Cut(members, Some(key));
            }
            Value::End(end) => {
                members.push(Member { key, start, value: at..end });
                at = end;
            }
            Value::Cut => return Split::Cut(members, Some(key)),
            Value::Broken => return Split::Broken,
        }
    }
}

/// How deep the brackets of a value go.
pub(crate) fn depth(text: &str, span: &Range<usize>) -> usize {
    let bytes = &text.as_bytes()[..span.end];
    let (mut depth, mut deepest, mut at) = (0_usize, 0, span.start);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = quoted(bytes, at).unwrap_or(bytes.len()) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest
}

fn value(bytes: &[u8], from: usize) -> Value {
    let end = |end: Option<usize>| end.map_or(Value::Cut, Value::End);
    match bytes.get(from) {
        None => Value::Cut,
        Some(b'"') => end(quoted(bytes, from)),
        Some(b'{' | b'[') => end(container(bytes, from)),
        Some(b',' | b'}' | b']' | b':') => Value::Broken,
        Some(_) => {
            let delimiter = |byte: &u8| b",}] \t\n\r".contains(byte);
            Value::End(from + bytes[from..].iter().position(delimiter).unwrap_or(bytes.len() - from))
        }
    }
}

fn quoted(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn container(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, from);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = quoted(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            // Only a text that is no JSON has a backslash outside of strings. There it spoils a quote, as inside.
            b'\\' if bytes.get(at + 1).is_some_and(|byte| b"\"\\".contains(byte)) => at += 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| b" \t\n\r".contains(byte)) {
        at += 1;
    }
    at
}
