//! Whether a text is one JSON value by RFC 8259's grammar: no limit of depth or of the size of numbers, no recursion.

#![expect(clippy::inline_always, reason = "the whole walk is compiled for one SIMD level")]

use std::ops::Range;

use super::{Kernel, Task, dispatch, skip_space};

/// A member of the outermost object, as [`checked_members`] tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Extent of the key, quotes included.
    pub key: Range<usize>,
    /// Whether the key has an escape.
    pub escaped: bool,
    /// Extent of the value.
    pub value: Range<usize>,
}

/// Whether `text` is one valid JSON value with nothing but white space around it.
#[must_use]
pub fn is_json(text: &str) -> bool {
    checked_members(text.as_bytes(), |_| {}).is_ok()
}

/// Tells each member of the object that `text` is, while all of it is checked: nothing that was told counts when this
/// fails. A text that is another value has no members.
///
/// # Errors
/// Where `text` stops being one JSON value with nothing but white space around it: the first byte that may not stand where
/// it stands, or the length of the text when it ends too early. Strings may hold bytes that are no UTF-8: quotes and
/// backslashes are what they are whatever stands between them.
pub fn checked_members(text: &[u8], tell: impl FnMut(Checked)) -> Result<(), usize> {
    dispatch(Walk { text, tell })
}

/// The walk before its SIMD level is known.
struct Walk<'a, T> {
    text: &'a [u8],
    tell: T,
}

impl<T: FnMut(Checked)> Task for Walk<'_, T> {
    type Output = Result<(), usize>;

    #[inline(always)]
    fn run<K: Kernel>(mut self) -> Result<(), usize> {
        let text = self.text;
        let mut open = Open::default();
        let mut member = Checked { key: 0..0, escaped: false, value: 0..0 };
        let mut at = skip_space(text, 0);
        loop {
            // A value is due.
            if open.depth == 1 {
                member.value.start = at;
            }
            match *text.get(at).ok_or(at)? {
                b'{' => {
                    open.push(OBJECT);
                    at = skip_space(text, at + 1);
                    if text.get(at) != Some(&b'}') {
                        at = key::<K>(text, at, &open, &mut member)?;
                        continue;
                    }
                    open.pop();
                    at += 1;
                }
                b'[' => {
                    open.push(ARRAY);
                    at = skip_space(text, at + 1);
                    if text.get(at) != Some(&b']') {
                        continue;
                    }
                    open.pop();
                    at += 1;
                }
                b'"' => at = string::<K>(text, at)?.0,
                _ => at = bare(text, at)?,
            }
            // A value is over, and containers may be as well.
            loop {
                if open.depth == 1 && open.top() == OBJECT {
                    member.value.end = at;
                    (self.tell)(member.clone());
                }
                at = skip_space(text, at);
                if open.depth == 0 {
                    return if at == text.len() { Ok(()) } else { Err(at) };
                }
                match (*text.get(at).ok_or(at)?, open.top()) {
                    (b',', OBJECT) => {
                        at = key::<K>(text, skip_space(text, at + 1), &open, &mut member)?;
                        break;
                    }
                    (b',', _) => {
                        at = skip_space(text, at + 1);
                        break;
                    }
                    (b'}', OBJECT) | (b']', ARRAY) => {
                        open.pop();
                        at += 1;
                    }
                    _ => return Err(at),
                }
            }
        }
    }
}

const OBJECT: u64 = 1;
const ARRAY: u64 = 0;

/// The containers that are open, one bit each. Nothing is allocated for the depth that texts have.
#[derive(Default)]
struct Open {
    depth: usize,
    /// The innermost ones, the last in the lowest bit.
    bits: u64,
    /// The ones around them, 64 a word.
    outer: Vec<u64>,
}

impl Open {
    #[inline(always)]
    fn push(&mut self, kind: u64) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.depth += 1;
        self.bits = self.bits << 1 | kind;
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    #[inline(always)]
    fn top(&self) -> u64 {
        self.bits & 1
    }
}

/// Position of the value behind the key that begins at `at`.
#[inline(always)]
fn key<K: Kernel>(text: &[u8], at: usize, open: &Open, member: &mut Checked) -> Result<usize, usize> {
    if text.get(at) != Some(&b'"') {
        return Err(at);
    }
    let (end, escaped) = string::<K>(text, at)?;
    if open.depth == 1 {
        member.key = at..end;
        member.escaped = escaped;
    }
    let colon = skip_space(text, end);
    if text.get(colon) == Some(&b':') { Ok(skip_space(text, colon + 1)) } else { Err(colon) }
}

/// Position behind the string that begins at `at`, and whether it has an escape.
#[inline(always)]
fn string<K: Kernel>(text: &[u8], at: usize) -> Result<(usize, bool), usize> {
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        at = K::plain_end(text, at).ok_or(text.len())?;
        match text[at] {
            b'"' => return Ok((at + 1, escaped)),
            b'\\' => at = escape(text, at + 1)?,
            _ => return Err(at),
        }
        escaped = true;
    }
}

/// Position behind the escape whose backslash stands in front of `at`.
fn escape(text: &[u8], at: usize) -> Result<usize, usize> {
    match text.get(at).ok_or(at)? {
        b'u' => {
            let hex = text[at + 1..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
            if hex == 4 { Ok(at + 5) } else { Err(at + 1 + hex) }
        }
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 1),
        _ => Err(at),
    }
}

/// Position behind the number or literal that begins at `at`.
fn bare(text: &[u8], at: usize) -> Result<usize, usize> {
    match text[at] {
        b'n' => literal(text, at, b"null"),
        b't' => literal(text, at, b"true"),
        b'f' => literal(text, at, b"false"),
        _ => number(text, at),
    }
}

fn literal(text: &[u8], at: usize, word: &[u8]) -> Result<usize, usize> {
    let same = text[at..].iter().zip(word).take_while(|(found, wanted)| found == wanted).count();
    if same == word.len() { Ok(at + same) } else { Err(at + same) }
}

fn number(text: &[u8], at: usize) -> Result<usize, usize> {
    let first = at + usize::from(text[at] == b'-');
    let mut at = digits(text, first)?;
    if text[first] == b'0' && at > first + 1 {
        return Err(first + 1);
    }
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at = digits(text, at + 1 + sign)?;
    }
    Ok(at)
}

/// Position behind the digits at `at`, of which there is at least one.
fn digits(text: &[u8], at: usize) -> Result<usize, usize> {
    let count = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count > 0 { Ok(at + count) } else { Err(at) }
}
