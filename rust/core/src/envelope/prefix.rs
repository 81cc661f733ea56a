//! What stands in front of an event on its line.

use super::EVENT_START;
use crate::repair::{Repair, Repairs};

/// Longest name of a node: a DNS-1123 subdomain.
const NODE_MAX: usize = 253;

/// Longest application name in front of `> `.
const APP_MAX: usize = 253;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What the start of a text that is no JSON says about it.
pub(super) enum Prefix<'a> {
    /// A line of klog.
    Klog,
    /// A line of the legacy text format.
    Legacy,
    /// Text behind a prefix that says nothing about the event.
    Plain(&'a [u8]),
    /// Text behind the name of a node; it begins with a brace.
    Node(&'a str, &'a [u8]),
    /// None that we know.
    Unknown,
}

/// Part of a log entry, as the container runtime interface writes it.
pub(super) struct CriPart<'a> {
    /// Whether the line was written to stderr; parts of both streams are interleaved.
    pub(super) stderr: bool,
    /// Whether more parts of the entry follow on the same stream.
    pub(super) more: bool,
    /// Content as it was written: white space at its end may stand in the middle of an entry.
    pub(super) content: &'a [u8],
}

/// Whether an event of kube-apiserver begins anywhere in the text.
pub(super) fn holds_event(text: &[u8]) -> bool {
    memchr::memmem::find(text, EVENT_START).is_some()
}

/// The text without byte order mark, NUL bytes and white space at its ends, and where it begins.
pub(super) fn trim(bytes: &[u8]) -> (&[u8], usize, Repairs) {
    let mut repairs = Repairs::default();
    let mut start = 0;
    loop {
        match bytes.get(start) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => start += 1,
            Some(0) => {
                repairs.add(Repair::NulRun);
                start += 1;
            }
            Some(0xEF) if bytes[start..].starts_with(BOM) => {
                repairs.add(Repair::Bom);
                start += BOM.len();
            }
            _ => break,
        }
    }
    let mut end = bytes.len();
    while end > start {
        match bytes[end - 1] {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            0 => repairs.add(Repair::NulRun),
            _ => break,
        }
        end -= 1;
    }
    (&bytes[start..end], start, repairs)
}

/// Looks at the start of a text that is no JSON.
pub(super) fn strip(text: &[u8]) -> Prefix<'_> {
    if is_klog(text) {
        return Prefix::Klog;
    }
    if let Some(part) = cri_part(text) {
        return Prefix::Plain(part.content);
    }
    if let Some(rest) = behind_time(text) {
        return if rest.starts_with(b"AUDIT: ") { Prefix::Legacy } else { Prefix::Plain(rest) };
    }
    if let Some((node, rest)) = node(text) {
        return Prefix::Node(node, rest);
    }
    behind_app(text).map_or(Prefix::Unknown, Prefix::Plain)
}

/// Reads `<RFC3339Nano> stdout|stderr P|F[:tags] content`.
pub(super) fn cri_part(text: &[u8]) -> Option<CriPart<'_>> {
    let rest = behind_time(text)?;
    let stderr = rest.starts_with(b"stderr ");
    if !stderr && !rest.starts_with(b"stdout ") {
        return None;
    }
    let rest = &rest[b"stdout ".len()..];
    let more = match rest.first()? {
        b'P' => true,
        b'F' => false,
        _ => return None,
    };
    let content = match rest.get(1) {
        // An empty entry whose last space an editor took away.
        None => &rest[1..],
        Some(b' ') => &rest[2..],
        Some(b':') => &rest[memchr::memchr(b' ', rest)? + 1..],
        Some(_) => return None,
    };
    Some(CriPart { stderr, more, content })
}

fn is_klog(text: &[u8]) -> bool {
    looks_like(text, b"L0000 00:00:00.000000 ")
}

/// What follows an RFC 3339 time and the space behind it.
fn behind_time(text: &[u8]) -> Option<&[u8]> {
    const SECONDS: &[u8] = b"0000-00-00T00:00:00";
    if !looks_like(text, SECONDS) {
        return None;
    }
    let mut rest = &text[SECONDS.len()..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = &fraction[fraction.iter().take_while(|byte| byte.is_ascii_digit()).count()..];
    }
    let zone = match rest.first()? {
        b'Z' => 1,
        b'+' | b'-' if looks_like(&rest[1..], b"00:00") => 6,
        _ => return None,
    };
    let rest = &rest[zone..];
    let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (spaces > 0).then(|| &rest[spaces..])
}

/// `<node> {`, as `oc adm node-logs` writes it for several nodes.
fn node(text: &[u8]) -> Option<(&str, &[u8])> {
    let window = &text[..text.len().min(NODE_MAX + 1)];
    let (name, rest) = text.split_at(memchr::memchr2(b' ', b'\t', window)?);
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &[u8]| {
        label.first().is_some_and(alphanumeric)
            && label.last().is_some_and(alphanumeric)
            && label.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
    };
    let rest = rest.trim_ascii_start();
    let known = rest.starts_with(b"{") && name.split(|byte| *byte == b'.').all(is_label);
    if known { Some((std::str::from_utf8(name).ok()?, rest)) } else { None }
}

/// `<application>> {`, as OVH's Logs Data Platform and its `ldp-tail` write it.
fn behind_app(text: &[u8]) -> Option<&[u8]> {
    let window = &text[..text.len().min(APP_MAX + 3)];
    let at = memchr::memmem::find(window, b"> {")?;
    let plain = memchr::memchr3(b'"', b'{', b'}', &text[..at]).is_none();
    plain.then(|| &text[at + 2..])
}

/// Whether the text begins like the pattern: `0` is any digit, `L` one of klog's letters.
fn looks_like(text: &[u8], pattern: &[u8]) -> bool {
    text.len() >= pattern.len()
        && pattern.iter().zip(text).all(|(pattern, byte)| match pattern {
            b'0' => byte.is_ascii_digit(),
            b'L' => matches!(byte, b'I' | b'W' | b'E' | b'F'),
            _ => byte == pattern,
        })
}
