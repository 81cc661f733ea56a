//! Bytes to whole lines with absolute offsets.
//!
//! One buffer is refilled from the reader and lent out line by line. The offset moves only when bytes are
//! handed out as part of a [`Line`], so that the lines' lengths always add up to the bytes that were read.

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// A buffer this many times its initial size is given back once the long line that needed it is gone.
const OVERSIZE: usize = 8;

/// Sizes that bound what a [`LineReader`] holds in memory.
#[derive(Clone, Copy, Debug)]
pub struct LineOptions {
    /// Initial size of the buffer and least free room after it has grown, in bytes; 0 counts as 1.
    pub buffer: usize,
    /// Longest text of a line, newline not counted, that is handed out whole.
    pub max_line: usize,
    /// How many of its last bytes are kept of a line longer than `max_line`.
    pub keep_tail: usize,
}

impl Default for LineOptions {
    fn default() -> Self {
        Self { buffer: 1 << 20, max_line: 256 << 20, keep_tail: 64 << 10 }
    }
}

/// What a [`Line`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A line that a newline ends.
    Whole,
    /// The end of the input, or an error of the reader, came before a newline did.
    Unterminated,
    /// The text is longer than `max_line`: `bytes` is its beginning and `tail` its end.
    TooLong,
    /// A run of NUL bytes where a line begins: the hole that copytruncate leaves in a file not opened for
    /// appending.
    Nul,
}

/// One line, lent from the buffer of its [`LineReader`].
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Absolute offset, in the stream that the reader gives, of the line's first byte; equals the end of the
    /// line before.
    pub offset: u64,
    /// Bytes that the line accounts for, newline included; never 0.
    pub len: u64,
    /// The text without its newline; at most `max_line` bytes, and empty for [`LineKind::Nul`].
    pub bytes: &'a [u8],
    /// The last `keep_tail` bytes of the text of a [`LineKind::TooLong`], which may overlap `bytes`; empty
    /// otherwise.
    pub tail: &'a [u8],
    /// Whether the last of the `len` bytes is a newline.
    pub terminated: bool,
    /// What the line is; decides which of `bytes` and `tail` hold anything.
    pub kind: LineKind,
}

/// Cuts the bytes of a reader into lines, in memory bounded by its [`LineOptions`].
pub struct LineReader<R> {
    /// Never read again once `done`.
    inner: R,
    /// Bounds, with `buffer` at least 1.
    options: LineOptions,
    /// Initialised storage, never empty and never larger than `max_line + buffer`, doubling included.
    buf: Vec<u8>,
    /// First byte in `buf` that no line has accounted for; at most `end`.
    start: usize,
    /// End of the bytes read into `buf`; at most `buf.len()`.
    end: usize,
    /// Absolute offset of `buf[start]`; moves only in `consume`.
    offset: u64,
    /// End of the long line at hand, at most twice `keep_tail`; meaningless between long lines.
    tail: Vec<u8>,
    /// Whether `inner` has ended or failed.
    done: bool,
    /// The error of `inner`, until it is handed out after the bytes that came before it.
    failed: Option<io::Error>,
}

impl<R: Read> LineReader<R> {
    /// Starts at offset 0 of `inner`.
    pub fn new(inner: R, options: LineOptions) -> Self {
        let options = LineOptions { buffer: options.buffer.max(1), ..options };
        Self {
            inner,
            options,
            buf: vec![0; options.buffer],
            start: 0,
            end: 0,
            offset: 0,
            tail: Vec::new(),
            done: false,
            failed: None,
        }
    }

    /// Absolute offset of the first byte that no line has accounted for: where the next line begins, or,
    /// after an error, where the reader failed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line, or `None` at the end, which is final: the reader is not asked again.
    ///
    /// # Errors
    ///
    /// An error of the reader is returned once, after all bytes that came before it were handed out as lines;
    /// `None` follows. [`ErrorKind::Interrupted`] is retried.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        if self.start == self.end && !self.fill() {
            return self.failed.take().map_or(Ok(None), Err);
        }
        if self.buf[self.start] == 0 { Ok(Some(self.nul_run())) } else { Ok(Some(self.text_line())) }
    }

    /// A hole can be a gigabyte: each buffer of it is dropped before the next is read.
    fn nul_run(&mut self) -> Line<'_> {
        let offset = self.offset;
        loop {
            self.consume(leading_nuls(&self.buf[self.start..self.end]));
            if self.start < self.end || !self.fill() {
                break;
            }
        }
        let terminated = self.start < self.end && self.buf[self.start] == b'\n';
        self.consume(usize::from(terminated));
        Line { offset, len: self.offset - offset, bytes: &[], tail: &[], terminated, kind: LineKind::Nul }
    }

    fn text_line(&mut self) -> Line<'_> {
        let LineOptions { max_line, keep_tail, .. } = self.options;
        // Relative to `start`, which moves when the buffer is compacted.
        let mut scanned = 0;
        let newline = loop {
            let unread = &self.buf[self.start..self.end];
            if let Some(at) = memchr(b'\n', &unread[scanned..]) {
                break Some(scanned + at);
            }
            scanned = unread.len();
            if scanned > max_line {
                return self.long_line();
            }
            if !self.fill() {
                break None;
            }
        };

        let (offset, from) = (self.offset, self.start);
        let terminated = newline.is_some();
        let text_len = newline.unwrap_or(scanned);
        let len = text_len + usize::from(terminated);
        self.consume(len);
        let text = &self.buf[from..from + text_len];
        let (bytes, tail, kind) = if text_len > max_line {
            (&text[..max_line], last(text, keep_tail), LineKind::TooLong)
        } else if terminated {
            (text, &[][..], LineKind::Whole)
        } else {
            (text, &[][..], LineKind::Unterminated)
        };
        Line { offset, len: len as u64, bytes, tail, terminated, kind }
    }

    /// Goes on with a line whose text has outgrown `max_line` before its newline came: its beginning stays
    /// where it is in the buffer, the rest passes through the room behind it.
    fn long_line(&mut self) -> Line<'_> {
        let LineOptions { max_line, keep_tail, buffer } = self.options;
        let offset = self.offset;
        self.compact();
        self.tail.clear();
        push_tail(&mut self.tail, &self.buf[..self.end], keep_tail);
        self.consume(self.end);
        let mut terminated = false;
        if self.grow(max_line.saturating_add(buffer)) {
            while !terminated && self.read_at(max_line) {
                let unread = &self.buf[self.start..self.end];
                let newline = memchr(b'\n', unread);
                let text_len = newline.unwrap_or(unread.len());
                push_tail(&mut self.tail, &unread[..text_len], keep_tail);
                terminated = newline.is_some();
                self.consume(text_len + usize::from(terminated));
            }
        }
        Line {
            offset,
            len: self.offset - offset,
            bytes: &self.buf[..max_line],
            tail: last(&self.tail, keep_tail),
            terminated,
            kind: LineKind::TooLong,
        }
    }

    /// The only place where the offset moves.
    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Moves the bytes not yet accounted for to the front. They are one line's beginning, and stay there
    /// until that line is complete, so that no byte is moved twice.
    fn compact(&mut self) {
        self.buf.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }

    /// Reads more behind the bytes not yet accounted for; false at the end of the input.
    fn fill(&mut self) -> bool {
        if self.done {
            return false;
        }
        self.compact();
        let LineOptions { max_line, buffer, .. } = self.options;
        if self.end == self.buf.len() {
            let limit = max_line.saturating_add(buffer);
            if !self.grow(self.end.saturating_mul(2).min(limit)) {
                return false;
            }
        } else if self.buf.len() / OVERSIZE > buffer && self.end < buffer {
            self.buf.truncate(buffer);
            self.buf.shrink_to_fit();
        }
        self.read_behind()
    }

    /// Like `fill`, for when nothing is left in the buffer but a line's beginning that is accounted for
    /// already.
    fn read_at(&mut self, at: usize) -> bool {
        if self.done {
            return false;
        }
        (self.start, self.end) = (at, at);
        self.read_behind()
    }

    fn read_behind(&mut self) -> bool {
        let room = &mut self.buf[self.end..];
        let read = loop {
            match self.inner.read(room) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = Some(error);
                    break 0;
                }
            }
        };
        self.done = read == 0;
        // A reader that claims more than there was room for must not make us panic.
        self.end += read.min(room.len());
        read > 0
    }

    /// Makes the buffer at least `len` bytes; without the memory for it, the input fails as if by an error of
    /// reading.
    fn grow(&mut self, len: usize) -> bool {
        let more = len.saturating_sub(self.buf.len());
        if let Err(error) = self.buf.try_reserve_exact(more) {
            self.failed = Some(error.into());
            self.done = true;
            return false;
        }
        self.buf.resize(self.buf.len() + more, 0);
        true
    }
}

/// Length of the run of NUL bytes at the front; the blocks are summed up with vector instructions.
fn leading_nuls(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let is_zero = |block: &&[u8]| block.iter().fold(0, |all, byte| all | byte) == 0;
    let blocks = BLOCK * bytes.chunks_exact(BLOCK).take_while(is_zero).count();
    blocks + bytes[blocks..].iter().take_while(|byte| **byte == 0).count()
}

fn last(bytes: &[u8], keep: usize) -> &[u8] {
    &bytes[bytes.len().saturating_sub(keep)..]
}

/// Lets up to `keep` bytes more than needed pile up, so that short reads do not move the tail each time.
fn push_tail(tail: &mut Vec<u8>, bytes: &[u8], keep: usize) {
    let bytes = last(bytes, keep);
    if tail.len() + bytes.len() > keep.saturating_mul(2) {
        let drop = tail.len().saturating_sub(keep - bytes.len());
        tail.drain(..drop);
    }
    tail.extend_from_slice(bytes);
}
