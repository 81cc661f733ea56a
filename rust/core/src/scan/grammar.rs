//! Whether a text is one JSON value by RFC 8259's grammar: no limit of depth or of the size of numbers, no recursion.

use super::{skip_space, string_end};

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
    check(text.as_bytes()).is_some()
}

fn check(text: &[u8]) -> Option<()> {
    let mut stack: Vec<u8> = Vec::new();
    let mut next = Next::Value;
    let mut at = skip_space(text, 0);
    loop {
        let byte = *text.get(at)?;
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
                    return None;
                }
                at += 1;
                next = Next::Value;
            }
            Next::CommaOrEnd if byte == b',' => {
                next = if *stack.last()? == b'}' { Next::Key } else { Next::Value };
                at += 1;
            }
            Next::CommaOrEnd => (at, next) = close(text, at, &mut stack)?,
        }
        at = skip_space(text, at);
        if stack.is_empty() && matches!(next, Next::CommaOrEnd) {
            return (at == text.len()).then_some(());
        }
    }
}

fn close(text: &[u8], at: usize, stack: &mut Vec<u8>) -> Option<(usize, Next)> {
    (stack.pop()? == text[at]).then_some((at + 1, Next::CommaOrEnd))
}

fn string(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let end = string_end(text, at + 1)?;
    let mut content = text[at + 1..end - 1].iter();
    while let Some(&byte) = content.next() {
        match byte {
            b'\\' => match content.next()? {
                b'u' => {
                    let (hex, rest) = content.as_slice().split_at_checked(4)?;
                    if !hex.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    content = rest.iter();
                }
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                _ => return None,
            },
            0..0x20 => return None,
            _ => {}
        }
    }
    Some(end)
}

fn scalar(text: &[u8], at: usize) -> Option<usize> {
    if text[at] == b'"' {
        return string(text, at);
    }
    let literal =
        [&b"null"[..], b"true", b"false"].into_iter().find(|literal| text[at..].starts_with(literal));
    match literal {
        Some(literal) => Some(at + literal.len()),
        None => number(text, at),
    }
}

fn number(text: &[u8], mut at: usize) -> Option<usize> {
    let digits = |from: usize| from + text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    at += usize::from(text[at] == b'-');
    let int_end = digits(at);
    if int_end == at || (text[at] == b'0' && int_end > at + 1) {
        return None;
    }
    at = int_end;
    if text.get(at) == Some(&b'.') {
        let end = digits(at + 1);
        if end == at + 1 {
            return None;
        }
        at = end;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let start = at + 1 + sign;
        let end = digits(start.min(text.len()));
        if end == start.min(text.len()) {
            return None;
        }
        at = end;
    }
    Some(at)
}
