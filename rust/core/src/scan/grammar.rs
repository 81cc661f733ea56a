//! Whether a text is one JSON value by RFC 8259's grammar: no limit of depth or of the size of numbers, no recursion.

use super::{plain_end, skip_space};

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
    json_fault(text.as_bytes()).is_none()
}

/// Where `text` stops being one JSON value with nothing but white space around it: the first byte that may not stand
/// where it stands, or the length of the text when it ends too early. `None` for a valid one. Strings may hold bytes that
/// are no UTF-8: quotes and backslashes are what they are whatever stands between them.
#[must_use]
pub fn json_fault(text: &[u8]) -> Option<usize> {
    check(text).err()
}

fn check(text: &[u8]) -> Result<(), usize> {
    let mut stack: Vec<u8> = Vec::new();
    let mut next = Next::Value;
    let mut at = skip_space(text, 0);
    loop {
        let byte = *text.get(at).ok_or(at)?;
        match next {
            Next::FirstElement if byte == b']' => (at, next) = close(text, at, &mut stack)?,
            Next::FirstKey if byte == b'}' => (at, next) = close(text, at, &mut stack)?,
            Next::Value | Next::FirstElement => match byte {
                b'{' | b'[' => {
                    stack.push(byte + 2);
                    next = if byte == b'{' { Next::FirstKey } else { Next::FirstElement };
                    at += 1;
                }
                _ => {
                    at = scalar(text, at)?;
                    next = Next::CommaOrEnd;
                }
            },
            Next::FirstKey | Next::Key => {
                at = skip_space(text, string(text, at)?);
                if text.get(at) != Some(&b':') {
                    return Err(at);
                }
                at += 1;
                next = Next::Value;
            }
            Next::CommaOrEnd if byte == b',' => {
                next = if *stack.last().ok_or(at)? == b'}' { Next::Key } else { Next::Value };
                at += 1;
            }
            Next::CommaOrEnd => (at, next) = close(text, at, &mut stack)?,
        }
        at = skip_space(text, at);
        if stack.is_empty() && matches!(next, Next::CommaOrEnd) {
            return if at == text.len() { Ok(()) } else { Err(at) };
        }
    }
}

fn close(text: &[u8], at: usize, stack: &mut Vec<u8>) -> Result<(usize, Next), usize> {
    if stack.pop() == Some(text[at]) { Ok((at + 1, Next::CommaOrEnd)) } else { Err(at) }
}

fn string(text: &[u8], at: usize) -> Result<usize, usize> {
    if text[at] != b'"' {
        return Err(at);
    }
    let mut at = at + 1;
    loop {
        at = plain_end(text, at).ok_or(text.len())?;
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

fn scalar(text: &[u8], at: usize) -> Result<usize, usize> {
    match text[at] {
        b'"' => string(text, at),
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
