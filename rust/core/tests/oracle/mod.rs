//! The oracle twin: one line read with `serde_json`, slowly and plainly, to the row and the outcome that it must have.
//!
//! It shares the readers of URIs, reasons, agents, actors and durations with the crate, which have tests of their own,
//! and nothing else: no scanner, no parser, no builder.

pub(crate) mod json;
mod row;
mod scan;
mod time;
mod values;

use std::borrow::Cow;

use super::cells::Row;
use json::Member;
use scan::Split;
pub(crate) use values::Repairs;

/// How kube-apiserver begins a line.
pub(crate) const EVENT_START: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/"#;

/// Keys of an event in wire order.
pub(crate) const KEYS: [&str; 19] = [
    "kind",
    "apiVersion",
    "level",
    "auditID",
    "stage",
    "requestURI",
    "verb",
    "user",
    "impersonatedUser",
    "authenticationMetadata",
    "sourceIPs",
    "userAgent",
    "objectRef",
    "responseStatus",
    "requestObject",
    "responseObject",
    "requestReceivedTimestamp",
    "stageTimestamp",
    "annotations",
];

/// Nesting beyond which a value is marked, and how much deeper it may be before the mark is due: the crate looks at the
/// depth once every 64 bytes.
const DEEP: usize = 1000;
const DEEP_SLACK: usize = 64;

/// What a line must come to.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// One row.
    Row(Box<Expected>),
    /// No row, and skipped.
    NotAudit,
    /// No row, and rejected; unless an event stands somewhere in it.
    Broken,
    /// More than one event, or text behind it: the twin does not say.
    Unsure,
}

/// A row, without the columns of its origin.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) row: Row,
    pub(crate) repairs: Repairs,
    /// The depth is so close to the limit that both answers are right.
    pub(crate) maybe_deep: bool,
}

/// An event, taken apart.
struct Event<'a> {
    text: &'a str,
    members: Vec<Member>,
    cut: bool,
}

impl<'a> Event<'a> {
    /// The raw value of a key: the last one, as Go has it.
    fn get(&self, key: &str) -> Option<&'a str> {
        let member = self.members.iter().rfind(|member| member.key == key)?;
        Some(&self.text[member.value.clone()])
    }

    fn unknown(&self) -> impl Iterator<Item = &'a str> {
        let unknown = self.members.iter().filter(|member| !KEYS.contains(&&*member.key));
        unknown.map(|member| &self.text[member.start..member.value.end])
    }

    /// By its type; an item of a list has none, but an ID and a stage.
    fn is_event(&self) -> bool {
        let text = |key| self.get(key).map(|raw| json::string(raw).unwrap_or_default());
        let named = self.get("auditID").is_some() && self.get("stage").is_some();
        match (text("kind").as_deref(), text("apiVersion")) {
            (Some("Event"), Some(version)) => version.starts_with("audit.k8s.io/"),
            (Some("Event"), None) | (None, _) => named,
            (Some(_), _) => false,
        }
    }
}

/// Reads one line without its newline.
pub(crate) fn read(line: &[u8]) -> Verdict {
    let mut repairs = Repairs::new();
    let plain = line.starts_with(EVENT_START.as_bytes());
    let line = if plain { line } else { trim(line, &mut repairs) };
    if line.first() != Some(&b'{') {
        // A prefix, a torn fragment, or an element of an array.
        return Verdict::Unsure;
    }
    let text = String::from_utf8_lossy(line);
    if matches!(text, Cow::Owned(_)) {
        repairs.insert("invalid_utf8");
    }
    let (members, end, cut) = match object_or_cut(&text) {
        Object::Whole(members, end) => (members, end, false),
        Object::Cut(members) => (members, text.len(), true),
        Object::Broken => return Verdict::Broken,
    };
    let event = Event { text: &text, members, cut };
    if !event.is_event() {
        return if cut || !text[end..].trim().is_empty() { Verdict::Unsure } else { Verdict::NotAudit };
    }
    if cut {
        repairs.insert("truncated");
    } else {
        let tail = text[end..].trim_matches([' ', '\t', '\r']);
        if !tail.trim_matches('\0').is_empty() {
            return Verdict::Unsure;
        }
        if !tail.is_empty() {
            repairs.insert("nul_run");
        }
    }
    // Of text that is no UTF-8 the raw bytes are those whose text the event is.
    let raw = if cut || text[end..].is_empty() { line } else { &line[..raw_len(line, end)] };
    Verdict::Row(Box::new(row::expected(&event, raw, repairs)))
}

enum Object {
    Whole(Vec<Member>, usize),
    /// Cut inside or behind a body.
    Cut(Vec<Member>),
    Broken,
}

/// serde first. What it refuses because of a body is read again without bodies: nothing in them may hurt the event.
fn object_or_cut(text: &str) -> Object {
    if let Some((members, end)) = json::object(text) {
        return Object::Whole(members, end);
    }
    let (members, end, cut) = match scan::split(text) {
        Split::Broken => return Object::Broken,
        Split::Whole(members, end) => (members, end, None),
        Split::Cut(members, key) => (members, text.len(), Some(key)),
    };
    let mut blanked = text.as_bytes()[..end].to_vec();
    for member in members.iter().filter(|member| is_body(&member.key)) {
        if b"{[\"".contains(&blanked[member.value.start]) {
            blanked[member.value.clone()].fill(b' ');
            blanked[member.value.start] = b'0';
        }
    }
    let is_cut = cut.is_some();
    if let Some(key) = cut {
        let in_body =
            key.is_some_and(|key| is_body(&key)) || members.iter().any(|member| is_body(&member.key));
        if !in_body {
            return Object::Broken;
        }
        blanked.truncate(members.last().map_or(0, |last| last.value.end));
        blanked.push(b'}');
    }
    match json::object(&String::from_utf8(blanked).expect("values begin and end between characters")) {
        None => Object::Broken,
        Some(_) if is_cut => Object::Cut(members),
        Some(_) => Object::Whole(members, end),
    }
}

fn is_body(key: &str) -> bool {
    matches!(key, "requestObject" | "responseObject")
}

/// The text of a line that does not begin with an event, without what may stand around one.
fn trim<'a>(mut line: &'a [u8], repairs: &mut Repairs) -> &'a [u8] {
    loop {
        line = match line {
            [b' ' | b'\t' | b'\r', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r'] => rest,
            [0xef, 0xbb, 0xbf, rest @ ..] => {
                repairs.insert("bom");
                rest
            }
            [0, rest @ ..] | [rest @ .., 0] => {
                repairs.insert("nul_run");
                rest
            }
            _ => return line,
        };
    }
}

/// How many raw bytes became that many bytes of text.
fn raw_len(raw: &[u8], text: usize) -> usize {
    (0..=raw.len()).find(|&len| String::from_utf8_lossy(&raw[..len]).len() >= text).unwrap_or(raw.len())
}
