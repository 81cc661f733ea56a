//! The annotations that go with the bodies.

use std::borrow::Cow;

use memchr::memmem;

use crate::edit::{Edits, Trim};
use crate::parse::gojson::decode_string;
use crate::scan::{Members, ScanError};

/// What becomes of a member of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    /// Some annotations go, and some stay.
    Trimmed,
    Lost,
}

/// What becomes of the annotations below level Request: all of them go when none is left, since Go leaves an empty map
/// out. A value that is no object stays as it is.
pub(super) fn fate(event: &[u8], start: usize) -> Result<Fate, ScanError> {
    let Some(mut annotations) = Members::new(event, start) else { return Ok(Fate::Kept) };
    let (mut lost, mut kept) = (false, false);
    while let Some(annotation) = annotations.next_member()? {
        if goes_with_bodies(annotation.key) {
            lost = true;
        } else {
            kept = true;
        }
    }
    Ok(match (lost, kept) {
        (false, _) => Fate::Kept,
        (true, true) => Fate::Trimmed,
        (true, false) => Fate::Lost,
    })
}

/// Leaves out the ones that go.
pub(super) fn trim(event: &[u8], start: usize, edits: &mut Edits) -> Result<(), ScanError> {
    let Some(mut annotations) = Members::new(event, start) else { return Ok(()) };
    let mut object = Trim::default();
    while let Some(annotation) = annotations.next_member()? {
        let span = annotation.at..annotation.end;
        if goes_with_bodies(annotation.key) {
            object.lose(span, edits);
        } else {
            object.keep(span, edits);
        }
    }
    object.close(edits);
    Ok(())
}

/// Whether kube-apiserver writes an annotation only at level Request and above: the patch of a webhook
/// (k8s.io/apiserver, `pkg/admission/plugin/webhook/mutating/dispatcher.go`), and the mark of an event whose bodies were
/// left out because it was too large (`plugin/pkg/audit/truncate/truncate.go`).
fn goes_with_bodies(raw: &[u8]) -> bool {
    let key = if raw.contains(&b'\\') {
        let decoded = std::str::from_utf8(raw).ok().and_then(decode_string);
        decoded.map(|key| Cow::Owned(key.into_owned().into_bytes())).unwrap_or_default()
    } else {
        Cow::Borrowed(raw)
    };
    *key == *b"audit.k8s.io/truncated" || is_webhook_patch(&key)
}

/// `patch.webhook.admission.k8s.io/round_N_index_M`
fn is_webhook_patch(key: &[u8]) -> bool {
    const BETWEEN: &[u8] = b"_index_";
    let Some(place) = key.strip_prefix(b"patch.webhook.admission.k8s.io/round_") else { return false };
    let Some(at) = memmem::find(place, BETWEEN) else { return false };
    let number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    number(&place[..at]) && number(&place[at + BETWEEN.len()..])
}
