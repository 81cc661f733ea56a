//! Where JSON values end. Nothing here recurses, allocates or looks at more bytes than it must: a body of any depth is
//! one pass over its bytes. A value's *extent* is exact for every valid JSON text; for an invalid one it is whatever
//! quotes and brackets say, and the caller decides what that is worth.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
mod grammar;
mod level;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;

pub use block::Extent;
pub use grammar::{Checked, checked_members, is_json};
pub(crate) use level::{Kernel, Task, dispatch};
pub use level::{SimdLevel, simd_level};

/// The bytes as a text, `None` when they are no UTF-8. Nearly all lines are ASCII, which costs less to see.
#[must_use]
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if dispatch(IsAscii(bytes)) {
        // SAFETY: ASCII is UTF-8.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    simdutf8::basic::from_utf8(bytes).ok()
}

/// Whether no byte has its high bit.
#[derive(Clone, Copy)]
struct IsAscii<'a>(&'a [u8]);

impl Task for IsAscii<'_> {
    type Output = bool;

    #[expect(clippy::inline_always, reason = "as every task")]
    #[inline(always)]
    fn run<K: Kernel>(self) -> bool {
        K::is_ascii(self.0)
    }
}

/// Where the container that opens at `text[from]` closes, and how deep it goes; `None` when it does not close. Both kinds
/// of bracket count alike: `[}` closes.
#[must_use]
pub fn container(text: &[u8], from: usize) -> Option<Extent> {
    dispatch(Container { text, from })
}

/// See [`container`].
#[derive(Clone, Copy)]
struct Container<'a> {
    text: &'a [u8],
    from: usize,
}

impl Task for Container<'_> {
    type Output = Option<Extent>;

    #[expect(clippy::inline_always, reason = "as every task")]
    #[inline(always)]
    fn run<K: Kernel>(self) -> Option<Extent> {
        K::container(self.text, self.from)
    }
}

/// Position behind the bracket that closes the container opening at `text[from]`.
#[must_use]
pub fn container_end(text: &[u8], from: usize) -> Option<usize> {
    container(text, from).map(|extent| extent.end)
}

/// Position behind the quote that closes the string whose first content byte is `text[from]`.
#[must_use]
#[inline]
pub fn string_end(text: &[u8], from: usize) -> Option<usize> {
    // Keys and most values are short: a few words in a register find their end before a call to memchr would begin.
    let mut at = from;
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        if at >= from + 32 {
            return long_string_end(text, at);
        }
        let word = u64::from_le_bytes(*word);
        let found = has_byte(word, b'"') | has_byte(word, b'\\');
        if found != 0 {
            at += (found.trailing_zeros() / 8) as usize;
            return if text[at] == b'"' { Some(at + 1) } else { long_string_end(text, at) };
        }
        at += 8;
    }
    long_string_end(text, at)
}

fn long_string_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The high bit of the lowest byte of `word` that equals `byte` is set, and no lower bit; zero when none does.
#[inline]
fn has_byte(word: u64, byte: u8) -> u64 {
    let x = word ^ (0x0101_0101_0101_0101 * u64::from(byte));
    x.wrapping_sub(0x0101_0101_0101_0101) & !x & 0x8080_8080_8080_8080
}

/// See [`Kernel::plain_end`].
#[inline]
fn plain_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*word);
        // Control characters: the borrow can flag a byte above the first hit by mistake, but only the lowest flag is used.
        let control = word.wrapping_sub(0x2020_2020_2020_2020) & !word & 0x8080_8080_8080_8080;
        let found = has_byte(word, b'"') | has_byte(word, b'\\') | control;
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    Some(at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?)
}

/// First position at or behind `from` that holds no JSON white space (the end of the text counts).
#[must_use]
pub fn skip_space(text: &[u8], mut from: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(from) {
        from += 1;
    }
    from
}

/// Position behind the value that begins at `text[from]`. Numbers and literals end at the next delimiter and are not
/// checked here.
#[must_use]
pub fn value_end(text: &[u8], from: usize) -> Option<usize> {
    value(text, from).map(|extent| extent.end)
}

/// The extent of the value that begins at `text[from]`.
#[inline]
pub(crate) fn value(text: &[u8], from: usize) -> Option<Extent> {
    let flat = |end| Some(Extent { end, depth: 0 });
    match text.get(from)? {
        b'"' => string_end(text, from + 1).and_then(flat),
        b'{' | b'[' => container(text, from),
        b',' | b'}' | b']' | b':' => None,
        _ => {
            let rest = &text[from..];
            let delimiter = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            flat(from + rest.iter().position(delimiter).unwrap_or(rest.len()))
        }
    }
}

/// Why a container could not be walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanError {
    /// The text ends inside the value that begins at this position, or where a key, comma or bracket is due.
    Cut(usize),
    /// Something else than JSON's grammar wants stands here.
    Unexpected(usize),
}

/// Members of an object: `(key, value)` spans in order, keys as they stand between their quotes.
pub struct Members<'a> {
    text: &'a [u8],
    /// Where to go on; behind the closing brace once `done`.
    at: usize,
    /// Whether the next thing may be a key without a comma in front.
    first: bool,
    done: bool,
}

/// One member: the key between its quotes and the extent of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Position of the quote in front of the key.
    pub at: usize,
    /// Key as it stands, escapes included.
    pub key: &'a [u8],
    /// Position of the first byte of the value.
    pub start: usize,
    /// Position behind the value.
    pub end: usize,
    /// A lower bound of the value's nesting; see [`Extent`].
    pub depth: i64,
}

impl<'a> Members<'a> {
    /// Walks the object that opens at `text[from]`; `None` when no object does.
    #[must_use]
    pub fn new(text: &'a [u8], from: usize) -> Option<Self> {
        (text.get(from) == Some(&b'{')).then(|| Self { text, at: from + 1, first: true, done: false })
    }

    /// Walks the rest of an object behind one of its values, which ends at `at`.
    #[must_use]
    pub fn behind(text: &'a [u8], at: usize) -> Self {
        Self { text, at, first: false, done: false }
    }

    /// Position behind the closing brace, after the last member was read.
    #[must_use]
    pub fn end(&self) -> usize {
        self.at
    }

    /// The next member, `None` behind the last.
    ///
    /// # Errors
    /// [`ScanError`] says where the object is cut or malformed. A value that is cut is reported at its first byte.
    pub fn next_member(&mut self) -> Result<Option<Member<'a>>, ScanError> {
        if self.done {
            return Ok(None);
        }
        let text = self.text;
        let mut at = skip_space(text, self.at);
        if text.get(at) == Some(&b'}') {
            self.at = at + 1;
            self.done = true;
            return Ok(None);
        }
        if !self.first {
            at = skip_space(text, expect(text, at, b',')?);
        }
        let key_start = expect(text, at, b'"')?;
        let key_end = string_end(text, key_start).ok_or(ScanError::Cut(at))?;
        let colon = skip_space(text, key_end);
        let start = skip_space(text, expect(text, colon, b':')?);
        let Extent { end, depth } = match value(text, start) {
            Some(extent) if extent.end > start => extent,
            _ if start >= text.len() || matches!(text[start], b'"' | b'{' | b'[') => {
                return Err(ScanError::Cut(start.min(text.len())));
            }
            _ => return Err(ScanError::Unexpected(start)),
        };
        self.first = false;
        self.at = end;
        Ok(Some(Member { at, key: &text[key_start..key_end - 1], start, end, depth }))
    }
}

/// Elements of an array: `(start, end)` spans in order.
pub struct Elements<'a> {
    text: &'a [u8],
    at: usize,
    first: bool,
    done: bool,
}

impl<'a> Elements<'a> {
    /// Walks the array that opens at `text[from]`; `None` when no array does.
    #[must_use]
    pub fn new(text: &'a [u8], from: usize) -> Option<Self> {
        (text.get(from) == Some(&b'[')).then(|| Self { text, at: from + 1, first: true, done: false })
    }

    /// Position behind the closing bracket, after the last element was read.
    #[must_use]
    pub fn end(&self) -> usize {
        self.at
    }

    /// The next element's extent, `None` behind the last.
    ///
    /// # Errors
    /// As [`Members::next_member`].
    pub fn next_element(&mut self) -> Result<Option<(usize, usize)>, ScanError> {
        if self.done {
            return Ok(None);
        }
        let text = self.text;
        let mut at = skip_space(text, self.at);
        if text.get(at) == Some(&b']') {
            self.at = at + 1;
            self.done = true;
            return Ok(None);
        }
        if !self.first {
            at = skip_space(text, expect(text, at, b',')?);
        }
        let end = match value_end(text, at) {
            Some(end) if end > at => end,
            _ if at >= text.len() || matches!(text[at], b'"' | b'{' | b'[') => {
                return Err(ScanError::Cut(at.min(text.len())));
            }
            _ => return Err(ScanError::Unexpected(at)),
        };
        self.first = false;
        self.at = end;
        Ok(Some((at, end)))
    }
}

#[inline]
fn expect(text: &[u8], at: usize, byte: u8) -> Result<usize, ScanError> {
    match text.get(at) {
        Some(found) if *found == byte => Ok(at + 1),
        Some(_) => Err(ScanError::Unexpected(at)),
        None => Err(ScanError::Cut(at)),
    }
}

#[cfg(test)]
mod tests;
