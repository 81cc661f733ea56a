//! An event without its bodies, as kube-apiserver writes one that is too large
//! (k8s.io/apiserver, `plugin/pkg/audit/truncate/truncate.go`).
//!
//! A key that stands twice goes wherever it stands, as in [`crate::policy::reduce`].

use crate::edit::{Edits, Trim};
use crate::event::Key;
use crate::parse::gojson::spells;
use crate::policy::reduce::key_of;
use crate::scan::{Checked, Members, checked_members};

/// The annotation of an event that lost its bodies.
const ANNOTATION: &str = "audit.k8s.io/truncated";

const TRUE: &str = r#""true""#;

/// Which bodies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Without {
    /// `responseObject`
    Response,
    /// `responseObject` and `requestObject`
    Both,
}

/// Shrinks events one after the other; it keeps its memory between them.
#[derive(Debug, Default)]
pub(super) struct Shrinker {
    members: Vec<(Option<Key>, Checked)>,
    edits: Edits,
    out: Vec<u8>,
}

impl Shrinker {
    /// The event without bodies and with the annotation; nothing for a text that is no valid JSON object, and for an event
    /// that has no such body: without [`Without::Both`] one that has no `requestObject`.
    pub(super) fn shrink(&mut self, event: &[u8], without: Without) -> Option<&[u8]> {
        let Self { members, edits, out } = self;
        members.clear();
        let checked = checked_members(event, |member| {
            let key = key_of(&event[member.key.start + 1..member.key.end - 1], member.escaped);
            members.push((key, member));
        });
        checked.ok()?;
        let last = match without {
            Without::Response => Key::ResponseObject,
            Without::Both => Key::RequestObject,
        };
        if !members.iter().any(|(key, _)| *key == Some(last)) {
            return None;
        }
        edits.clear();
        let (mut object, mut annotated, mut kept) = (Trim::default(), false, false);
        for (key, member) in &*members {
            let span = member.key.start..member.value.end;
            if goes(*key, without) {
                object.lose(span, edits);
                continue;
            }
            object.keep(span, edits);
            kept = true;
            if *key == Some(Key::Annotations) {
                annotate(event, member, edits);
                annotated = true;
            }
        }
        object.close(edits);
        if !annotated {
            let end = event.iter().rposition(|byte| *byte == b'}')?;
            edits.replace(end..end, if kept { NEXT_MEMBER } else { ONLY_MEMBER });
        }
        edits.write(event, out);
        Some(out)
    }
}

const ONLY_MEMBER: &str = r#""annotations":{"audit.k8s.io/truncated":"true"}"#;
const NEXT_MEMBER: &str = r#","annotations":{"audit.k8s.io/truncated":"true"}"#;

fn goes(key: Option<Key>, without: Without) -> bool {
    match key {
        Some(Key::ResponseObject) => true,
        Some(Key::RequestObject) => without == Without::Both,
        _ => false,
    }
}

/// Puts the annotation into the value of `annotations`; one that is no object is replaced.
fn annotate(event: &[u8], member: &Checked, edits: &mut Edits) {
    let value = member.value.clone();
    let Some(mut annotations) = Members::new(event, value.start) else {
        return edits.replace(value, r#"{"audit.k8s.io/truncated":"true"}"#);
    };
    let (mut found, mut empty) = (false, true);
    while let Ok(Some(annotation)) = annotations.next_member() {
        empty = false;
        if spells(annotation.key, ANNOTATION) {
            edits.replace(annotation.start..annotation.end, TRUE);
            found = true;
        }
    }
    if !found {
        let end = value.end - 1;
        let (next, only) = (r#","audit.k8s.io/truncated":"true""#, r#""audit.k8s.io/truncated":"true""#);
        edits.replace(end..end, if empty { only } else { next });
    }
}
