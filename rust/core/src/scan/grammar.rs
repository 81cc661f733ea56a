//! Whether a text is one JSON value by RFC 8259's grammar: no limit of depth or of the size of numbers, no recursion.

#![expect(clippy::inline_always, reason = "the whole walk is compiled for one SIMD level")]

use std::ops::Range;

use super::{Kernel, Task, dispatch, skip_space};

/// What may come next.
enum Next {
    Value,
    /// A value, or the end of the array that just opened.
    FirstElement,
    /// A key, or the end of the object that just opened.
    FirstKey,
    Key,
    /// A comma, or the end of the container on top of the stack.
    CommaOrEnd,
}

/// Whether `text` is one valid JSON value with nothing but white space around it.
#[must_use]
pub fn is_json(text: &str) -> bool {
    dispatch(Walk { text: text.as_bytes(), member: |_, _| {} }).is_ok()
}

/// Calls `member` with the extents of key (quotes included) and value of each member of the object that `text` is, while
/// all of it is checked: nothing that was told counts when this fails.
///
/// # Errors
/// Where `text` stops being one JSON value with nothing but white space around it: the first byte that may not stand where
/// it stands, or the length of the text when it ends too early. Strings may hold bytes that are no UTF-8: quotes and
/// backslashes are what they are whatever stands between them.
pub fn checked_members(text: &[u8], member: impl FnMut(Range<usize>, Range<usize>)) -> Result<(), usize> {
    dispatch(Walk { text, member })
}

/// The walk before its SIMD level is known.
struct Walk<'a, M> {
    text: &'a [u8],
    /// Is told of the outermost object's members.
    member: M,
}

impl<M: FnMut(Range<usize>, Range<usize>)> Task for Walk<'_, M> {
    type Output = Result<(), usize>;

    #[inline(always)]
    fn run<K: Kernel>(self) -> Result<(), usize> {
        let Self { text, mut member } = self;
        // The closing brackets that are due.
        let mut stack: Vec<u8> = Vec::new();
        let (mut key, mut value) = (0..0, 0);
        let mut next = Next::Value;
        let mut at = skip_space(text, 0);
        loop {
            let byte = *text.get(at).ok_or(at)?;
            match next {
                Next::Value | Next::FirstElement if byte != b']' || matches!(next, Next::Value) => {
                    if stack.len() == 1 {
                        value = at;
                    }
                    if let b'{' | b'[' = byte {
                        stack.push(byte + 2);
                        next = if byte == b'{' { Next::FirstKey } else { Next::FirstElement };
                        at = skip_space(text, at + 1);
                        continue;
                    }
                    at = scalar::<K>(text, at)?;
                }
                Next::FirstKey | Next::Key if byte != b'}' || matches!(next, Next::Key) => {
                    let end = string::<K>(text, at)?;
                    if stack.len() == 1 {
                        key = at..end;
                    }
                    at = skip_space(text, end);
                    if text.get(at) != Some(&b':') {
                        return Err(at);
                    }
                    at = skip_space(text, at + 1);
                    next = Next::Value;
                    continue;
                }
                Next::CommaOrEnd if byte == b',' => {
                    next = if *stack.last().ok_or(at)? == b'}' { Next::Key } else { Next::Value };
                    at = skip_space(text, at + 1);
                    continue;
                }
                _ => {
                    if stack.pop() != Some(byte) {
                        return Err(at);
                    }
                    at += 1;
                }
            }
            // A value ends here.
            next = Next::CommaOrEnd;
            match &stack[..] {
                [] => {
                    at = skip_space(text, at);
                    return if at == text.len() { Ok(()) } else { Err(at) };
                }
                [b'}'] if key.end > 0 => member(std::mem::replace(&mut key, 0..0), value..at),
                _ => {}
            }
            at = skip_space(text, at);
        }
    }
}

/// Position behind the string that begins at `at`.
#[inline(always)]
fn string<K: Kernel>(text: &[u8], at: usize) -> Result<usize, usize> {
    if text[at] != b'"' {
        return Err(at);
    }
    let mut at = at + 1;
    loop {
        at = K::plain_end(text, at).ok_or(text.len())?;
        match text[at] {
            b'"' => return Ok(at + 1),
            b'\\' => at = escape(text, at + 1)?,
            _ => return Err(at),
        }
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

/// Position behind the string, number or literal that begins at `at`.
#[inline(always)]
fn scalar<K: Kernel>(text: &[u8], at: usize) -> Result<usize, usize> {
    match text[at] {
        b'"' => string::<K>(text, at),
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
