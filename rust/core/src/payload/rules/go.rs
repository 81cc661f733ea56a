//! A regular expression of Go's `regexp` (RE2's syntax) in the spelling of the `regex` crate.
//!
//! | Go | here |
//! | --- | --- |
//! | `\d`, `\w`, `\s`, `\b` and their negations are of ASCII | classes that say so |
//! | `{` that opens no repetition, as in `{"kind":`, is itself | `\{` |
//! | `\Q...\E` is what stands between | escaped |
//! | `[`, `&&`, `--`, `~~` in a class are themselves | escaped |
//! | `\<`, `\>` are themselves | unescaped |
//! | `\101` is an octal number, `\p{^Greek}` a negation | `\x{41}`, `\P{Greek}` |
//!
//! What neither knows is left for the compiler to refuse.

use std::fmt::Write;

/// Translates a pattern.
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\\' => escape(rest, false, &mut out),
            '[' => class(rest, &mut out),
            '{' if !is_repetition(rest) => literal(r"\{", rest, &mut out),
            _ => copy(rest, first, &mut out),
        };
    }
    out
}

/// Writes `text` in place of the first byte.
fn literal<'a>(text: &str, rest: &'a str, out: &mut String) -> &'a str {
    out.push_str(text);
    &rest[1..]
}

fn copy<'a>(rest: &'a str, first: char, out: &mut String) -> &'a str {
    out.push(first);
    &rest[first.len_utf8()..]
}

/// Whether a brace opens `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inner, _)) = rest[1..].split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

/// Translates what begins with a backslash.
fn escape<'a>(rest: &'a str, in_class: bool, out: &mut String) -> &'a str {
    let Some(letter) = rest[1..].chars().next() else { return literal(r"\", rest, out) };
    let after = &rest[1 + letter.len_utf8()..];
    if letter == 'Q' && !in_class {
        let (quoted, after) = after.split_once(r"\E").unwrap_or((after, ""));
        out.push_str(&regex::escape(quoted));
        return after;
    }
    if matches!(letter, '0'..='7') {
        return octal(rest, out);
    }
    if matches!(letter, 'p' | 'P' | 'x')
        && let Some((name, after)) = after.strip_prefix('{').and_then(|name| name.split_once('}'))
    {
        let (letter, name) = match (letter, name.strip_prefix('^')) {
            ('p', Some(name)) => ('P', name),
            ('P', Some(name)) => ('p', name),
            _ => (letter, name),
        };
        out.extend(['\\', letter, '{']);
        out.push_str(name);
        out.push('}');
        return after;
    }
    match ascii(letter, in_class) {
        Some(text) => out.push_str(text),
        None if matches!(letter, '<' | '>') => out.push(letter),
        None => out.extend(['\\', letter]),
    }
    after
}

/// The ASCII meaning of a class or an assertion.
fn ascii(letter: char, in_class: bool) -> Option<&'static str> {
    Some(match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\x0C\r ]",
        'S' => r"[^\t\n\x0C\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        'b' if !in_class => r"(?-u:\b)",
        'B' if !in_class => r"(?-u:\B)",
        _ => return None,
    })
}

/// `\0` and up to two more digits, or two or three digits: a single other digit would be a group of before, which neither
/// knows.
fn octal<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let digits = rest[1..].bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    if digits == 1 && !rest[1..].starts_with('0') {
        return literal(r"\", rest, out);
    }
    let number = u32::from_str_radix(&rest[1..=digits], 8).expect("octal digits");
    write!(out, r"\x{{{number:X}}}").expect("memory takes everything");
    &rest[1 + digits..]
}

/// Translates a class. One that does not close is left for the compiler to refuse.
fn class<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let mut rest = literal("[", rest, out);
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    while let Some(letter) = rest.chars().next() {
        rest = match letter {
            ']' if first => literal(r"\]", rest, out),
            ']' => return literal("]", rest, out),
            '\\' => escape(rest, true, out),
            '[' => match rest.find(":]").filter(|_| rest.starts_with("[:")) {
                Some(end) => {
                    out.push_str(&rest[..end + 2]);
                    &rest[end + 2..]
                }
                None => literal(r"\[", rest, out),
            },
            '&' | '~' => {
                out.push('\\');
                copy(rest, letter, out)
            }
            '-' if first => literal(r"\-", rest, out),
            '-' if rest.starts_with("--") => {
                out.push_str(r"-\-");
                &rest[2..]
            }
            _ => copy(rest, letter, out),
        };
        first = false;
    }
    rest
}
