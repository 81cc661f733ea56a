//! Log entries that a container runtime cut into parts.

use super::keys::{Key, Keys, string};
use super::payload::unescape;
use crate::scan::container_end;

/// How docker begins every line of a json-file.
const DOCKER_START: &[u8] = b"{\"log\":\"";

/// Docker cuts an entry only when this many bytes are full.
const DOCKER_BUFFER: usize = 16 << 10;

/// An entry whose last part has not come yet.
pub(super) struct Partial {
    /// Offset of the line of its first part.
    pub(super) offset: u64,
    /// Bytes of the lines of all parts so far.
    pub(super) len: u64,
    /// Content so far, cut at the longest document.
    pub(super) text: Vec<u8>,
    /// Whether the content was inside strings.
    pub(super) wrapped: bool,
}

impl Partial {
    /// Adds a part as far as the longest document allows; the parser salvages what is cut, as of a long line.
    pub(super) fn push(&mut self, content: &[u8], len: u64, limit: usize) {
        let room = limit.saturating_sub(self.text.len());
        self.text.extend_from_slice(&content[..content.len().min(room)]);
        self.len += len;
    }
}

/// Content of a docker json-file line.
pub(super) struct DockerPart {
    /// Whether the line was written to stderr.
    pub(super) stderr: bool,
    /// Content, unescaped.
    pub(super) content: Vec<u8>,
}

impl DockerPart {
    /// Reads `{"log":"..","stream":"..","time":".."}` without other keys, which shippers add.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        if !text.starts_with(DOCKER_START) {
            return None;
        }
        let keys = Keys::read(text, 0);
        if keys.broken || keys.end != text.len() || !keys.is_docker() {
            return None;
        }
        let content = unescape(string(text, keys.get(Key::Log)?)?)?.into_owned();
        Some(Self { stderr: keys.string(Key::Stream) == Some(b"stderr"), content })
    }

    /// Whether more parts of the entry follow: docker leaves the newline to the last. Shippers that take the
    /// newline away write lines that look the same, so a short part must also look cut.
    pub(super) fn more(&self, pending: bool) -> bool {
        if self.content.ends_with(b"\n") {
            return false;
        }
        let cut = self.content.trim_ascii_start().starts_with(b"{") && !self.is_whole();
        self.content.len() >= DOCKER_BUFFER || cut || (pending && !self.is_whole())
    }

    /// Whether the content is an object of its own although an entry is pending, which then is torn.
    pub(super) fn is_fresh(&self) -> bool {
        self.content.len() < DOCKER_BUFFER && !self.content.ends_with(b"\n") && self.is_whole()
    }

    fn is_whole(&self) -> bool {
        let text = self.content.trim_ascii();
        text.starts_with(b"{") && container_end(text, 0) == Some(text.len())
    }
}
