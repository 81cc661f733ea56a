//! Bytes to whole lines with absolute offsets.
//!
//! One buffer is refilled from the reader and lent out line by line. The offset moves only when bytes are
//! handed out as part of a [`Line`], so that the lines' lengths always add up to the bytes that were read.
//! Of an input that grows, bytes behind its last newline stay until their own comes.

mod ends;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};
use std::mem;
use std::ops::Range;

use memchr::memchr;

use ends::{last, leading_nuls, push_tail};

/// A buffer this many times its initial size is given back once the long line that needed it is gone.
const OVERSIZE: usize = 8;

/// Most bytes that [`LineReader::before`] gives.
pub const BEFORE: usize = 256;

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

/// Where a line stands, while nothing is lent.
struct Cut {
    offset: u64,
    len: u64,
    /// The text in `buf`.
    text: Range<usize>,
    /// The end of the text in `buf`; `None` for the end that `tail` holds.
    tail: Option<Range<usize>>,
    terminated: bool,
    kind: LineKind,
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
    /// Bytes from `start` on that are known to hold no newline.
    scanned: usize,
    /// Offset of the long line whose end has not come yet. Its beginning is at the front of `buf`.
    long: Option<u64>,
    /// End of the long line at hand, at most twice `keep_tail`; meaningless between long lines.
    tail: Vec<u8>,
    /// The bytes in front of `buf[kept_from]`, at most [`BEFORE`] of them.
    kept: Vec<u8>,
    /// From here to `start`, `buf` holds what the input holds; at most `start`.
    kept_from: usize,
    /// Whether the input may have more behind its end.
    growing: bool,
    /// Whether `inner` has ended or failed for good.
    done: bool,
    /// The error of `inner`, until it is handed out: after the bytes that came before it, unless the input grows.
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
            scanned: 0,
            long: None,
            tail: Vec::new(),
            kept: Vec::new(),
            kept_from: 0,
            growing: false,
            done: false,
            failed: None,
        }
    }

    /// As [`Self::new`], for an input that may have more behind its end and may recover from an error.
    pub fn growing(inner: R, options: LineOptions) -> Self {
        Self { growing: true, ..Self::new(inner, options) }
    }

    /// Absolute offset of the first byte that no line has accounted for: where the next line begins, or,
    /// after an error, where the reader failed.
    pub fn offset(&self) -> u64 {
        self.long.unwrap_or(self.offset)
    }

    /// Bytes that were read and wait for their newline.
    pub fn waiting(&self) -> u64 {
        self.offset - self.offset() + (self.end - self.start) as u64
    }

    /// The bytes in front of [`Self::offset`], as many as are at hand: at most [`BEFORE`], and none before the first
    /// line.
    pub fn before(&self) -> Vec<u8> {
        let at_hand = if self.long.is_some() { &[][..] } else { &self.buf[self.kept_from..self.start] };
        let mut before = self.kept.clone();
        push_tail(&mut before, at_hand, BEFORE);
        last(&before, BEFORE).to_vec()
    }

    /// What was read behind the last newline; empty while a long line waits.
    pub fn rest(&self) -> &[u8] {
        if self.long.is_some() { &[] } else { &self.buf[self.start..self.end] }
    }

    /// The input grows no more: what is left of it is handed out as it is.
    pub fn finish(&mut self) {
        self.growing = false;
        self.done = true;
    }

    /// The next line, or `None` at the end. The end is final, and the reader is not asked again, unless the input grows.
    ///
    /// # Errors
    ///
    /// An error of the reader is returned once, after all bytes that came before it were handed out as lines;
    /// `None` follows. Of an input that grows, bytes without a newline stay, and the next call reads again.
    /// [`ErrorKind::Interrupted`] is retried.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let cut = if let Some(offset) = self.long {
            self.long_rest(offset)
        } else if self.start == self.end && !self.fill() {
            None
        } else if self.buf[self.start] == 0 {
            Some(self.nul_run())
        } else {
            self.text_line()
        };
        match cut {
            Some(cut) => Ok(Some(self.lend(cut))),
            None => self.failed.take().map_or(Ok(None), Err),
        }
    }

    fn lend(&self, cut: Cut) -> Line<'_> {
        let Cut { offset, len, text, tail, terminated, kind } = cut;
        let tail = match tail {
            Some(tail) => &self.buf[tail],
            None => last(&self.tail, self.options.keep_tail),
        };
        Line { offset, len, bytes: &self.buf[text], tail, terminated, kind }
    }

    /// A hole can be a gigabyte: each buffer of it is dropped before the next is read.
    fn nul_run(&mut self) -> Cut {
        let offset = self.offset;
        loop {
            self.consume(leading_nuls(&self.buf[self.start..self.end]));
            if self.start < self.end || !self.fill() {
                break;
            }
        }
        let terminated = self.start < self.end && self.buf[self.start] == b'\n';
        self.consume(usize::from(terminated));
        let len = self.offset - offset;
        Cut { offset, len, text: 0..0, tail: Some(0..0), terminated, kind: LineKind::Nul }
    }

    fn text_line(&mut self) -> Option<Cut> {
        let LineOptions { max_line, keep_tail, .. } = self.options;
        // Relative to `start`, which moves when the buffer is compacted.
        let mut scanned = mem::take(&mut self.scanned);
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
                if self.waits() {
                    self.scanned = scanned;
                    return None;
                }
                break None;
            }
        };

        let (offset, from) = (self.offset, self.start);
        let terminated = newline.is_some();
        let text_len = newline.unwrap_or(scanned);
        let len = text_len + usize::from(terminated);
        self.consume(len);
        let end = from + text_len;
        let (text, tail, kind) = if text_len > max_line {
            (from..from + max_line, end - text_len.min(keep_tail)..end, LineKind::TooLong)
        } else if terminated {
            (from..end, 0..0, LineKind::Whole)
        } else {
            (from..end, 0..0, LineKind::Unterminated)
        };
        Some(Cut { offset, len: len as u64, text, tail: Some(tail), terminated, kind })
    }

    /// Goes on with a line whose text has outgrown `max_line` before its newline came: its beginning stays
    /// where it is in the buffer, the rest passes through the room behind it.
    fn long_line(&mut self) -> Option<Cut> {
        let LineOptions { max_line, keep_tail, buffer } = self.options;
        let offset = self.offset;
        self.compact();
        self.tail.clear();
        push_tail(&mut self.tail, &self.buf[..self.end], keep_tail);
        self.consume(self.end);
        if !self.grow(max_line.saturating_add(buffer)) {
            return Some(self.end_long(offset, false));
        }
        self.long_rest(offset)
    }

    /// Reads on in the long line that began at `offset`.
    fn long_rest(&mut self, offset: u64) -> Option<Cut> {
        let LineOptions { max_line, keep_tail, .. } = self.options;
        let mut terminated = false;
        while !terminated && self.read_at(max_line) {
            let unread = &self.buf[self.start..self.end];
            let newline = memchr(b'\n', unread);
            let text_len = newline.unwrap_or(unread.len());
            push_tail(&mut self.tail, &unread[..text_len], keep_tail);
            terminated = newline.is_some();
            self.consume(text_len + usize::from(terminated));
        }
        if !terminated && self.waits() {
            self.long = Some(offset);
            return None;
        }
        Some(self.end_long(offset, terminated))
    }

    fn end_long(&mut self, offset: u64, terminated: bool) -> Cut {
        let max_line = self.options.max_line;
        self.long = None;
        self.kept.clear();
        self.kept_from = max_line.min(self.start);
        let len = self.offset - offset;
        Cut { offset, len, text: 0..max_line, tail: None, terminated, kind: LineKind::TooLong }
    }

    /// Whether bytes without a newline stay for later.
    fn waits(&self) -> bool {
        self.growing && !self.done
    }

    /// The only place where the offset moves.
    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Moves the bytes not yet accounted for to the front. They are one line's beginning, and stay there
    /// until that line is complete, so that no byte is moved twice.
    fn compact(&mut self) {
        push_tail(&mut self.kept, &self.buf[self.kept_from..self.start], BEFORE);
        self.kept_from = 0;
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
        self.done = read == 0 && !self.growing;
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
