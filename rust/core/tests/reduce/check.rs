//! What holds for the reduction of any bytes.

use auditwake_core::policy::level::Level;
use auditwake_core::policy::reduce::{Reducer, Unreduced};

use super::json;
use super::tree::Tree;
use super::twin;

/// What could be said of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Every way to reduce it is the twin's.
    Compared,
    /// No JSON object, and refused.
    Refused,
    /// Not UTF-8, which the twin does not read.
    NoText,
}

pub(crate) fn reduce(text: &[u8], to: Level, omit: bool) -> Result<(Vec<u8>, usize), Unreduced> {
    Reducer::default().reduce(text, to, omit).map(|reduced| (reduced.text.to_vec(), reduced.bodies))
}

/// Whether the event has a body, by its keys.
pub(crate) fn has_body(text: &[u8]) -> bool {
    let lossy = String::from_utf8_lossy(text);
    let (members, _) = json::object(&lossy).expect("an object");
    members.iter().any(|member| matches!(&*member.key, "requestObject" | "responseObject"))
}

/// Compares every way to reduce a text with the twin's.
pub(crate) fn agree(line: &[u8]) -> Result<Seen, String> {
    let say = |what: &str| Err(format!("{what}: {}", String::from_utf8_lossy(line)));
    let Ok(text) = std::str::from_utf8(line) else {
        // Bytes that are no UTF-8 hide nothing: they are read as Go reads them.
        return match reduce(line, Level::Metadata, true) {
            Ok((text, _)) if has_body(&text) => say("a body is left"),
            _ => Ok(Seen::NoText),
        };
    };
    let whole = match Tree::of(text) {
        Some(whole @ Tree::Object(_)) => whole,
        _ if reduce(line, Level::Metadata, true).is_err() => return Ok(Seen::Refused),
        _ => return say("no JSON object, and taken"),
    };
    for to in Level::ALL {
        for omit in [false, true] {
            let Ok((text, bodies)) = reduce(line, to, omit) else { return say("refused") };
            let (wanted, gone) = twin::reduced(&whole, to, omit);
            let found = std::str::from_utf8(&text).ok().and_then(Tree::of);
            if found.as_ref() != Some(&wanted) || bodies != gone {
                return say(&format!("{to:?}, {omit}:\n{bodies} {found:?}\n{gone} {wanted:?}\n"));
            }
            if wanted == whole && text != line {
                return say("changed without need");
            }
            if reduce(&text, to, omit) != Ok((text, 0)) {
                return say("not the same a second time");
            }
        }
    }
    Ok(Seen::Compared)
}
