//! The canonical lane: keys in the order of the Go struct and no white space, as kube-apiserver writes every line. Each
//! key is a guess, checked by one comparison; any other text is for the general lane, which answers the same.

#![expect(clippy::inline_always, reason = "the whole lane is compiled for one SIMD level")]

use std::marker::PhantomData;
use std::ops::Range;

use crate::event::{Key, Spans};
use crate::repair::Repair;
use crate::scan::{self, Kernel, Task};

use super::general::DEEP;

/// How every line begins; the rest of the API version follows.
const START: &[u8; 43] = br#"{"kind":"Event","apiVersion":"audit.k8s.io/"#;

/// Position of the quote that opens the API version.
const VERSION: usize = 29;

/// Finds the values of a canonical event at the start of `text` and answers where it ends.
///
/// # Errors
/// Anything else than such an event: how far the lane came, behind the last value that it found. The spans hold the values in front
/// of that, as [`general::resume`](super::general::resume) wants them; there are none at zero.
pub fn parse(text: &str, spans: &mut Spans) -> Result<usize, usize> {
    scan::dispatch(Canonical { text, spans })
}

/// The lane before its SIMD level is known.
struct Canonical<'a> {
    text: &'a str,
    spans: &'a mut Spans,
}

impl Task for Canonical<'_> {
    type Output = Result<usize, usize>;

    #[inline(always)]
    fn run<K: Kernel>(self) -> Result<usize, usize> {
        self.spans.clear();
        let mut lane =
            Lane::<K> { text: self.text.as_bytes(), spans: self.spans, at: 0, kernel: PhantomData };
        lane.members().ok_or(lane.at)
    }
}

/// The lane on its way through a text.
struct Lane<'a, K> {
    text: &'a [u8],
    spans: &'a mut Spans,
    /// Position behind the last value.
    at: usize,
    kernel: PhantomData<K>,
}

impl<K: Kernel> Lane<'_, K> {
    /// All members and the closing brace; answers where it ends.
    #[inline(always)]
    fn members(&mut self) -> Option<usize> {
        self.start()?;
        self.string(Key::Level, br#","level":""#)?;
        self.string(Key::AuditId, br#","auditID":""#)?;
        self.string(Key::Stage, br#","stage":""#)?;
        self.string(Key::RequestUri, br#","requestURI":""#)?;
        self.string(Key::Verb, br#","verb":""#)?;
        self.caller()?;
        self.object()?;
        self.status()?;
        self.container(Key::RequestObject, br#","requestObject":{"#)?;
        self.container(Key::ResponseObject, br#","responseObject":{"#)?;
        self.string(Key::RequestReceivedTimestamp, br#","requestReceivedTimestamp":""#)?;
        self.string(Key::StageTimestamp, br#","stageTimestamp":""#)?;
        self.annotations()?;
        // An unknown key, white space, another order, another type or a repeated key stands where the brace should.
        (self.text.get(self.at) == Some(&b'}')).then_some(self.at + 1)
    }

    /// Kind and API version.
    #[inline(always)]
    fn start(&mut self) -> Option<()> {
        if self.text.first_chunk() != Some(START) {
            return None;
        }
        // The one value that nobody reads later: what else than plain text may stand in it, the general lane decides.
        let end = K::plain_end(self.text, START.len())?;
        if self.text[end] != b'"' {
            return None;
        }
        self.at = end + 1;
        self.spans.set(Key::Kind, 8, 15);
        self.spans.set(Key::ApiVersion, VERSION, self.at);
        Some(())
    }

    /// The string of a key if `intro`, which ends with its opening quote, comes next; `None` when it does not end.
    #[inline(always)]
    fn string<const N: usize>(&mut self, key: Key, intro: &[u8; N]) -> Option<()> {
        if self.comes(intro) {
            let plain = K::plain_end(self.text, self.at + N)?;
            let end = if self.text[plain] == b'"' {
                self.spans.set_plain(key);
                plain + 1
            } else {
                K::string_end(self.text, plain)?
            };
            self.spans.set(key, self.at + N - 1, end);
            self.at = end;
        }
        Some(())
    }

    /// The container of a key if `intro`, which ends with its opening bracket, comes next; `None` when it does not end.
    #[inline(always)]
    fn container<const N: usize>(&mut self, key: Key, intro: &[u8; N]) -> Option<()> {
        if self.comes(intro) {
            let start = self.at + N - 1;
            let extent = K::container(self.text, start)?;
            if extent.depth > DEEP {
                self.spans.repairs.add(Repair::DeepNesting);
            }
            self.spans.set(key, start, extent.end);
            self.at = extent.end;
        }
        Some(())
    }

    /// The values from user to user agent: by one comparison if they stood on an earlier line, else one by one.
    #[inline(always)]
    fn caller(&mut self) -> Option<()> {
        let intro = br#","user":{"#;
        if !self.comes(intro) {
            return self.caller_values();
        }
        if let Some(end) = self.spans.find_caller(self.text, self.at + intro.len() - 1) {
            self.at = end;
            return Some(());
        }
        self.caller_values()?;
        self.spans.put_caller(self.text);
        Some(())
    }

    #[inline(always)]
    fn caller_values(&mut self) -> Option<()> {
        self.container(Key::User, br#","user":{"#)?;
        self.container(Key::ImpersonatedUser, br#","impersonatedUser":{"#)?;
        self.container(Key::AuthenticationMetadata, br#","authenticationMetadata":{"#)?;
        self.container(Key::SourceIps, br#","sourceIPs":["#)?;
        self.string(Key::UserAgent, br#","userAgent":""#)
    }

    /// The object reference: by its strings if it is in its usual form, else as any container.
    #[inline(always)]
    fn object(&mut self) -> Option<()> {
        let intro = br#","objectRef":{"#;
        if !self.comes(intro) {
            return Some(());
        }
        let start = self.at + intro.len() - 1;
        let Some((texts, end)) = self.object_texts(start) else {
            return self.container(Key::ObjectRef, intro);
        };
        self.spans.set(Key::ObjectRef, start, end);
        self.spans.set_object(texts);
        self.at = end;
        Some(())
    }

    /// Where name, UID and resource version stand in the reference that opens at `start`, and where it ends; `None` for
    /// one that is not in its usual form.
    #[inline(always)]
    fn object_texts(&self, start: usize) -> Option<([Range<usize>; 3], usize)> {
        let mut at = start;
        self.member(&mut at, start, br#""resource":""#)?;
        self.member(&mut at, start, br#""namespace":""#)?;
        let name = self.member(&mut at, start, br#""name":""#)?;
        let uid = self.member(&mut at, start, br#""uid":""#)?;
        self.member(&mut at, start, br#""apiGroup":""#)?;
        self.member(&mut at, start, br#""apiVersion":""#)?;
        let version = self.member(&mut at, start, br#""resourceVersion":""#)?;
        self.member(&mut at, start, br#""subresource":""#)?;
        (at > start && self.text.get(at) == Some(&b'}')).then_some(([name, uid, version], at + 1))
    }

    /// Where the string of a member stands if `intro`, which ends with its opening quote, comes next in the object that
    /// opens at `start`: an empty range if it does not, `None` for a string that is empty or not its own content.
    #[inline(always)]
    fn member<const N: usize>(&self, at: &mut usize, start: usize, intro: &[u8; N]) -> Option<Range<usize>> {
        let (&separator, rest) = self.text.get(*at..)?.split_first()?;
        if separator != if *at == start { b'{' } else { b',' } || rest.first_chunk() != Some(intro) {
            return Some(0..0);
        }
        let from = *at + 1 + N;
        let end = K::plain_end(self.text, from)?;
        *at = end + 1;
        (from < end && self.text[end] == b'"').then_some(from..end)
    }

    /// The status: by its length if it says no more than a code, else as any container.
    #[inline(always)]
    fn status(&mut self) -> Option<()> {
        let (intro, usual) = (br#","responseStatus":{"#, br#","responseStatus":{"metadata":{},"code":"#);
        let code = self.at + usual.len();
        if self.comes(usual)
            && let Some(&[a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b'}']) =
                self.text.get(code..code + 4)
        {
            let (start, end) = (self.at + intro.len() - 1, code + 4);
            self.spans.set(Key::ResponseStatus, start, end);
            self.spans.set_code([a, b, c]);
            self.at = end;
            return Some(());
        }
        self.container(Key::ResponseStatus, intro)
    }

    /// The annotations: by one comparison if they stood on an earlier line, else as any container. On a line of its own they
    /// end one byte before the text does, and bytes that closed at their end once always do.
    #[inline(always)]
    fn annotations(&mut self) -> Option<()> {
        let intro = br#","annotations":{"#;
        if !self.comes(intro) {
            return Some(());
        }
        let (start, end) = (self.at + intro.len() - 1, self.text.len() - 1);
        if self.spans.find_annotations(self.text, start..end) {
            self.at = end;
            return Some(());
        }
        self.container(Key::Annotations, intro)?;
        if self.at == end {
            self.spans.put_annotations(self.text);
        }
        Some(())
    }

    /// Whether these bytes come next.
    #[inline(always)]
    fn comes<const N: usize>(&self, bytes: &[u8; N]) -> bool {
        self.text.get(self.at..).and_then(<[u8]>::first_chunk) == Some(bytes)
    }
}

#[cfg(test)]
mod tests;
