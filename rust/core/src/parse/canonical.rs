//! The canonical lane: keys in the order of the Go struct and no white space, as kube-apiserver writes every line. Each
//! key is a guess, checked by one comparison; any other text is for the general lane, which answers the same.

use crate::event::{Key, Spans};
use crate::repair::Repair;
use crate::scan::{self, Extent};

use super::general::{self, DEEP};
use super::gojson;

/// How every line begins; the rest of the API version follows.
const START: &[u8] = br#"{"kind":"Event","apiVersion":"#;

/// Finds the values of a canonical event at the start of `text` and answers where it ends, or `None` for anything else.
pub fn parse(text: &str, spans: &mut Spans) -> Option<usize> {
    spans.clear();
    let bytes = text.as_bytes();
    if !bytes.starts_with(START) || !bytes[START.len()..].starts_with(b"\"audit.k8s.io/") {
        return None;
    }
    let version = scan::string_end(bytes, START.len() + 1)?;
    // The one value that nobody reads later: what else than plain text may stand in it, the general lane decides.
    if !gojson::is_plain_string(&bytes[START.len() + 1..version - 1]) {
        return None;
    }
    spans.set(Key::Kind, 8, 15);
    spans.set(Key::ApiVersion, START.len(), version);
    let mut at = version;
    for key in &Key::ALL[2..] {
        let Some(start) = value_start(bytes, at, key.name()) else { continue };
        let Extent { end, depth } = scan::value(bytes, start)?;
        if !matches!(bytes[start], b'"' | b'{' | b'[') && !general::is_value(&text[start..end]) {
            return None;
        }
        if depth > DEEP {
            spans.repairs.add(Repair::DeepNesting);
        }
        spans.set(*key, start, end);
        at = end;
    }
    // An unknown key, white space, another order or a repeated key stands where the brace should.
    (bytes.get(at) == Some(&b'}')).then_some(at + 1)
}

/// Where the value begins if `,"key":` stands at `at`.
#[inline]
fn value_start(bytes: &[u8], at: usize, key: &str) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let behind = rest.strip_prefix(b",\"")?.strip_prefix(key.as_bytes())?.strip_prefix(b"\":")?;
    Some(bytes.len() - behind.len())
}
