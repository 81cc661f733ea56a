//! The general lane: any key order, any white space, unknown keys, duplicates.

use crate::event::{Key, Spans};
use crate::repair::Repair;
use crate::scan::{self, Members, ScanError};

use super::values::{Single, validate};
use super::{ParseError, gojson};

/// Nesting beyond which a body is marked: about where strict parsers begin to refuse the whole line (simd-json at 1,024).
pub const DEEP: i64 = 1000;

/// Finds the values of the event that begins at the start of `text` (white space aside) and answers where it ends. The
/// extent of a body is all that is asked of it; the builder checks every other value when it meets it first.
///
/// # Errors
/// [`ParseError`]; after `Cut { metadata: true, .. }` the spans hold what stands in front of the cut.
pub fn parse(text: &str, spans: &mut Spans) -> Result<usize, ParseError> {
    spans.clear();
    let bytes = text.as_bytes();
    let members = Members::new(bytes, scan::skip_space(bytes, 0)).ok_or(ParseError::NotAnObject)?;
    rest(text, spans, members)
}

/// As [`parse`], from where the canonical lane left the text: its spans are those of this lane up to there.
///
/// # Errors
/// As [`parse`]: the same.
pub fn resume(text: &str, spans: &mut Spans, left: usize) -> Result<usize, ParseError> {
    if left == 0 { parse(text, spans) } else { rest(text, spans, Members::behind(text.as_bytes(), left)) }
}

/// The members that are left, and what is asked of all.
fn rest(text: &str, spans: &mut Spans, mut members: Members<'_>) -> Result<usize, ParseError> {
    let bytes = text.as_bytes();
    let mut bodies = spans.has(Key::RequestObject) || spans.has(Key::ResponseObject);
    let mut replaced = None;
    loop {
        let member = match members.next_member() {
            Ok(Some(member)) => member,
            Ok(None) => break,
            Err(ScanError::Cut(at)) => {
                let in_body = bodies || cut_in_body(&text[..at]);
                let metadata = in_body && replaced.is_none() && is_event(text, spans);
                return Err(ParseError::Cut { at, metadata });
            }
            Err(ScanError::Unexpected(at)) => return Err(ParseError::Invalid(at)),
        };
        let raw = &text[member.start..member.end];
        if !is_value(raw) && member.end < text.len() {
            return Err(ParseError::Invalid(member.start));
        }
        let maybe_cut = member.end == text.len() && !has_end(raw);
        if let Some(key) = find_key(member.key) {
            bodies |= key.is_body();
            if maybe_cut {
                continue;
            }
            if member.depth > DEEP {
                spans.repairs.add(Repair::DeepNesting);
            }
            if let Some(before) = spans.set_anywhere(key, member.start, member.end) {
                spans.repairs.add(Repair::DuplicateKey);
                // Nobody meets it later.
                if !key.is_body() && validate(&text[before]).is_err() {
                    replaced = Some(key);
                }
            }
        } else {
            let valid = check_unknown(raw, member.key).is_some();
            if !valid && member.end < text.len() {
                return Err(ParseError::Invalid(member.start));
            }
            if valid && !maybe_cut {
                let key_start = member.key.as_ptr() as usize - bytes.as_ptr() as usize - 1;
                spans.unknown.push(key_start as u32..member.end as u32);
            }
        }
    }
    let end = members.end();
    let event = crate::event::Event::new(text, spans);
    if [Key::Kind, Key::ApiVersion]
        .into_iter()
        .any(|key| event.get(key).is_some_and(|raw| Single::parse(raw).is_err()))
    {
        return Err(ParseError::Invalid(0));
    }
    if let Some(key) = replaced {
        return Err(ParseError::Replaced(key));
    }
    if is_event(text, spans) { Ok(end) } else { Err(ParseError::NotAnEvent { end }) }
}

/// Looks a key up by its length and bytes; one with escapes is decoded first.
#[inline]
fn find_key(raw: &[u8]) -> Option<Key> {
    match raw {
        b"kind" => Some(Key::Kind),
        b"apiVersion" => Some(Key::ApiVersion),
        b"level" => Some(Key::Level),
        b"auditID" => Some(Key::AuditId),
        b"stage" => Some(Key::Stage),
        b"requestURI" => Some(Key::RequestUri),
        b"verb" => Some(Key::Verb),
        b"user" => Some(Key::User),
        b"impersonatedUser" => Some(Key::ImpersonatedUser),
        b"authenticationMetadata" => Some(Key::AuthenticationMetadata),
        b"sourceIPs" => Some(Key::SourceIps),
        b"userAgent" => Some(Key::UserAgent),
        b"objectRef" => Some(Key::ObjectRef),
        b"responseStatus" => Some(Key::ResponseStatus),
        b"requestObject" => Some(Key::RequestObject),
        b"responseObject" => Some(Key::ResponseObject),
        b"requestReceivedTimestamp" => Some(Key::RequestReceivedTimestamp),
        b"stageTimestamp" => Some(Key::StageTimestamp),
        b"annotations" => Some(Key::Annotations),
        _ if raw.contains(&b'\\') => {
            let key = gojson::decode_string(std::str::from_utf8(raw).ok()?)?;
            Key::from_name(key.as_bytes())
        }
        _ => None,
    }
}

/// Whether the text in front of a cut value ends with a body's key.
fn cut_in_body(before: &str) -> bool {
    let Some(key) = before.trim_end().strip_suffix(':') else { return false };
    let Some(key) = key.trim_end().strip_suffix('"').map(str::as_bytes) else { return false };
    // The quote that begins the key is the last one that no backslash escapes.
    let is_escaped = |at: usize| key[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let begin = (0..key.len()).rev().find(|&at| key[at] == b'"' && !is_escaped(at));
    begin.is_some_and(|quote| find_key(&key[quote + 1..]).is_some_and(Key::is_body))
}

/// Whether a value is what its first byte says, as far as its extent tells: a bare word must be a number or a literal.
fn is_value(raw: &str) -> bool {
    has_end(raw) || scan::is_json(raw)
}

/// Whether the value has an end of its own. Nothing closes a number or a literal: one that ends with the text may be cut.
fn has_end(raw: &str) -> bool {
    raw.starts_with(['"', '{', '['])
}

/// Whether a member that no column reads is valid JSON: nothing looks at it later.
fn check_unknown(value: &str, key: &[u8]) -> Option<()> {
    gojson::decode_string(std::str::from_utf8(key).ok()?)?;
    validate(value).ok()
}

/// An `audit.k8s.io` Event by its type, or one without a type (an item of an `EventList`, or through a shipper) that has
/// an ID and a stage.
fn is_event(text: &str, spans: &Spans) -> bool {
    let event = crate::event::Event::new(text, spans);
    let named = spans.has(Key::AuditId) && spans.has(Key::Stage);
    let string = |key| event.get(key).map(|raw| Single::parse(raw).ok().and_then(|single| single.text));
    match (string(Key::Kind), string(Key::ApiVersion)) {
        (None, _) => named,
        (Some(Some(kind)), None) => kind == "Event" && named,
        (Some(Some(kind)), Some(Some(version))) => kind == "Event" && version.starts_with("audit.k8s.io/"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_whose_key_has_escapes_is_a_body_when_it_is_cut() {
        for (key, body) in [
            (r"\u0072esponseObject", true),
            (r"requestObj\u0065ct", true),
            ("responseObject", true),
            (r"\u0022responseObject", false),
            (r#"\"requestObject"#, false),
            (r#"\\\"requestObject"#, false),
            ("annotations", false),
        ] {
            let text = format!(r#"{{"kind":"Event","auditID":"1","stage":"Panic","{key}" : ["a", "#);
            let cut = parse(&text, &mut Spans::default());
            let metadata = matches!(cut, Err(ParseError::Cut { metadata: true, .. }));
            assert_eq!(metadata, body, "{text}: {cut:?}");
        }
    }

    #[test]
    fn a_whole_member_in_front_of_a_cut_is_kept() {
        for (last, kept) in
            [(r#"{"a":[1]}"#, true), (r#""b""#, true), ("12", false), ("nul", false), (r#"{"a":}"#, false)]
        {
            let text =
                format!(r#"{{"kind":"Event","auditID":"1","stage":"Panic","requestObject":{{}},"zz":{last}"#);
            let mut spans = Spans::default();
            let cut = parse(&text, &mut spans);
            assert!(matches!(cut, Err(ParseError::Cut { metadata: true, .. })), "{text}: {cut:?}");
            let event = crate::event::Event::new(&text, &spans);
            let unknown: Vec<_> = event.unknown().map(str::to_owned).collect();
            assert_eq!(unknown, Vec::from_iter(kept.then(|| format!(r#""zz":{last}"#))), "{text}");
        }
    }
}
