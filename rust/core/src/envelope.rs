//! What wraps an event in the wild, found per line or document by what it is.
//!
//! An [`Unwrapper`] takes lines and hands out candidate events: the items of lists, the text inside log
//! strings, or the line as it stands. It never parses an event. Bodies are skipped by their extent, so that
//! nothing in them can hurt the record; whether a candidate is a whole event is for the parser to say.
//!
//! Every line belongs to exactly one record, and the lengths of the records add up to the lengths of the
//! lines. A record is one line in most shapes, the lines of a document or of the parts of one log entry in
//! some, and a part of a line where one document ends and the next begins on it.

mod cloud;
mod document;
mod keys;
mod partial;
mod payload;
mod prefix;
#[cfg(test)]
mod tests;
mod unwrapper;
mod verdict;
mod walk;

pub use unwrapper::Unwrapper;
pub use verdict::{Reject, Skip, Verdict};

use crate::repair::Repairs;

/// Receives what an [`Unwrapper`] finds.
pub trait Sink {
    /// One candidate event of the record that the next [`Sink::close`] closes: JSON text that should be an
    /// audit.k8s.io `Event`. It may be cut or damaged in every way that the input is, but it is never blank.
    fn event(&mut self, text: &[u8], origin: Origin<'_>);

    /// A record is over, and all of its candidates were handed out.
    fn close(&mut self, record: Record<'_>);
}

/// Where a candidate event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Offset of the record that the candidate is from, as [`Record::offset`].
    pub offset: u64,
    /// Node whose log the line is from, a DNS-1123 subdomain; only `oc adm node-logs` prefixes it.
    pub node: Option<&'a str>,
    /// Whether the text is no longer the record's own: an item of a list, which has no `kind`, a nested
    /// object, or text from inside a string. False where only white space, prefixes and array punctuation
    /// were taken off.
    pub wrapped: bool,
    /// What had to be removed around the text: [`Repair::Bom`](crate::repair::Repair::Bom),
    /// [`Repair::NulRun`](crate::repair::Repair::NulRun) or nothing.
    pub repairs: Repairs,
}

/// Bytes of the input that belong together, and what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Offset of the first byte. It is the end of the record before, unless parts of log entries are
    /// interleaved.
    pub offset: u64,
    /// How many bytes the record accounts for; those of all parts when it was put together from several
    /// lines.
    pub len: u64,
    /// What the bytes are.
    pub verdict: Verdict,
    /// Content for the quarantine: the text of the record, joined and without prefixes where it had parts,
    /// cut at the longest document where it is longer; empty for a run of NUL bytes.
    pub bytes: &'a [u8],
}

/// How the caller's fast path knows an event, and how an event is found behind a torn fragment.
const EVENT_START: &[u8] = b"{\"kind\":\"Event\"";

/// How kube-apiserver begins every line; nothing else than an event begins like this at the start of a line.
const LINE_START: &[u8] = b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/";
