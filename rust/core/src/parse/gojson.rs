//! JSON strings exactly as Go's `encoding/json` reads and writes them.
//!
//! kube-apiserver writes its audit log with that package, so a line can only be written back byte for byte with the
//! same escapes, and a value only means what the server meant when it is unescaped by the same rules.

use std::borrow::Cow;

/// Bytes looked at between two looks at the result: long enough to fill vector registers, short enough that an early
/// escape in a long string is found early.
const CHUNK: usize = 256;

/// True when the text between the quotes of a JSON string is its own value: no backslash, no quote, no control
/// character.
///
/// Every byte of a chunk is folded without an early exit, which is the shape that compilers turn into vector code.
#[must_use]
pub fn is_plain_string(raw: &[u8]) -> bool {
    raw.chunks(CHUNK).all(|chunk| {
        chunk
            .iter()
            .fold(0u8, |bad, &b| bad | u8::from(b < 0x20) | u8::from(b == b'"') | u8::from(b == b'\\'))
            == 0
    })
}

/// The text of a whole raw JSON string that is its own value; `None` for one with escapes and for anything else.
#[must_use]
pub fn plain_string(raw: &str) -> Option<&str> {
    let end = raw.starts_with('"').then(|| plain_end(raw.as_bytes(), 1)).flatten()?;
    (end + 1 == raw.len()).then(|| &raw[1..end])
}

/// Position of the quote behind the plain text that begins at `from`; `None` when anything else ends it.
#[inline]
fn plain_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let plain = plain_prefix(*word);
        at += plain;
        if plain < WORD {
            return (text[at] == b'"').then_some(at);
        }
    }
    let rest = text.get(at..)?;
    let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
    (rest[plain] == b'"').then_some(at + plain)
}

/// The value of a JSON string, given the text between its quotes; borrowed when nothing is escaped.
///
/// `None` when the text is no valid JSON string content: an unescaped quote, a raw control character, or an escape
/// that JSON does not know. A surrogate without its partner becomes U+FFFD, as in Go's `unquoteBytes`
/// (`encoding/json/decode.go`), so such a string cannot be used to make a line unreadable.
#[must_use]
pub fn decode_string(raw: &str) -> Option<Cow<'_, str>> {
    if is_plain_string(raw.as_bytes()) {
        return Some(Cow::Borrowed(raw));
    }
    // No escape is shorter than what it stands for; the last word copied may reach beyond the end for a moment.
    let mut out = Vec::with_capacity(raw.len() + WORD);
    let mut rest = raw.as_bytes();
    loop {
        // A whole word is copied before it is known how much of it is plain: a copy of fixed size is one instruction,
        // and strings that hold JSON have an escape every few bytes.
        if let Some((word, after)) = rest.split_first_chunk::<WORD>() {
            out.extend_from_slice(word);
            let plain = plain_prefix(*word);
            if plain == WORD {
                rest = after;
                continue;
            }
            out.truncate(out.len() + plain - WORD);
            rest = rest.get(plain..)?;
        }
        match rest.split_first() {
            None => break,
            Some((b'\\', tail)) => rest = unescape(tail, &mut out)?,
            Some((b'"' | ..0x20, _)) => return None,
            Some((&byte, tail)) => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Whether the text between the quotes of a JSON string is one spelling of `text`, which has no U+FFFD in it.
#[must_use]
#[inline]
pub fn spells(raw: &[u8], text: &str) -> bool {
    let decoded = || decode_string(std::str::from_utf8(raw).ok()?);
    raw == text.as_bytes() || (raw.contains(&b'\\') && decoded().is_some_and(|decoded| decoded == text))
}

const WORD: usize = 8;

/// How many bytes come before the first one that [`is_plain_string`] refuses.
///
/// The usual test for a zero byte in a word, three times over. Its borrow can flag a byte above the first hit by
/// mistake but never one below, and only the lowest flag is used.
fn plain_prefix(word: [u8; WORD]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES * 0x80;
    let word = u64::from_le_bytes(word);
    let below = |limit: u64, word: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let special = below(0x20, word)
        | below(1, word ^ (ONES * u64::from(b'"')))
        | below(1, word ^ (ONES * u64::from(b'\\')));
    special.trailing_zeros() as usize / 8
}

/// Decodes one escape, given what follows its backslash, and returns the text after it.
fn unescape<'a>(tail: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&letter, rest) = tail.split_first()?;
    let decoded = match letter {
        b'"' | b'\\' | b'/' => letter,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let (decoded, rest) = unescape_unicode(rest)?;
            out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    };
    out.push(decoded);
    Some(rest)
}

fn unescape_unicode(tail: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = hex4(tail)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, rest));
    }
    // A surrogate. Only a high one directly before an escaped low one makes a character; otherwise the second
    // escape is left to be read on its own.
    if first < 0xdc00
        && let Some((low @ 0xdc00..=0xdfff, after)) = rest.strip_prefix(b"\\u").and_then(hex4)
        && let Some(c) = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00))
    {
        return Some((c, after));
    }
    Some((char::REPLACEMENT_CHARACTER, rest))
}

fn hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let value = digits.iter().try_fold(0, |value, &b| Some(value << 4 | char::from(b).to_digit(16)?))?;
    Some((value, rest))
}

const COPY: u8 = 0;
/// First byte of the UTF-8 forms of U+2028 and U+2029, shared with thousands of characters that need no escape.
const MAYBE_SEPARATOR: u8 = 1;
const ESCAPE_HEX: u8 = 2;

/// What to do with each byte: copy it, look closer, write it as `\u00XX`, or write a backslash and this very letter.
const ACTIONS: [u8; 256] = {
    let mut table = [COPY; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = ESCAPE_HEX;
        control += 1;
    }
    table[b'<' as usize] = ESCAPE_HEX;
    table[b'>' as usize] = ESCAPE_HEX;
    table[b'&' as usize] = ESCAPE_HEX;
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[0xe2] = MAYBE_SEPARATOR;
    table
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a quoted JSON string in the form that Go's `Encoder` gives it with HTML escaping on, which is
/// how the audit log backend calls it.
///
/// `\b` and `\f` are written as two characters, as Go does since 1.22; older servers wrote `\u0008` and `\u000c`.
/// Go writes a byte that was no UTF-8 as `\ufffd` but a real U+FFFD as itself. A `str` cannot tell the two apart:
/// here it is always written as itself.
pub fn encode_string(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    // Room for a few escapes, so that most strings are written without growing twice.
    out.reserve(rest.len() + rest.len() / 8 + 2);
    out.push(b'"');
    while !rest.is_empty() {
        let block_end = match rest.split_first_chunk::<BLOCK>() {
            Some((block, after)) if is_clean(block) => {
                out.extend_from_slice(block);
                rest = after;
                continue;
            }
            Some((_, after)) => after.len(),
            None => 0,
        };
        while let Some((&byte, tail)) = rest.split_first()
            && tail.len() >= block_end
        {
            rest = encode_byte(out, byte, tail);
        }
    }
    out.push(b'"');
}

const BLOCK: usize = 16;

/// One vector compare per kind of byte; the table would be one load per byte.
fn is_clean(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(0, |bad, &b| {
        bad | u8::from(b < 0x20)
            | u8::from(b == b'"')
            | u8::from(b == b'\\')
            | u8::from(b == b'<')
            | u8::from(b == b'>')
            | u8::from(b == b'&')
            | u8::from(b == 0xe2)
    }) == 0
}

/// Writes one byte, or the separator that it begins, and returns what is still to be written.
fn encode_byte<'a>(out: &mut Vec<u8>, byte: u8, tail: &'a [u8]) -> &'a [u8] {
    match (ACTIONS[usize::from(byte)], tail) {
        (MAYBE_SEPARATOR, [0x80, last @ (0xa8 | 0xa9), after @ ..]) => {
            out.extend_from_slice(&[b'\\', b'u', b'2', b'0', b'2', HEX[usize::from(last & 0xf)]]);
            return after;
        }
        (COPY | MAYBE_SEPARATOR, _) => out.push(byte),
        (ESCAPE_HEX, _) => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
        (letter, _) => out.extend_from_slice(&[b'\\', letter]),
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        encode_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(decode_string("system:node:é"), Some(Cow::Borrowed("system:node:é"))));
        assert!(matches!(decode_string(""), Some(Cow::Borrowed(""))));
    }

    #[test]
    fn every_escape_is_decoded() {
        let raw = r#"\"\\\/\b\f\n\r\t\u0026\u003C\u00e9\u2028\ud83d\ude00 end"#;
        assert_eq!(decode_string(raw).unwrap(), "\"\\/\u{8}\u{c}\n\r\t&<é\u{2028}😀 end");
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        for (raw, value) in [
            (r"\ud800", "\u{fffd}"),
            (r"\udc00x", "\u{fffd}x"),
            (r"\ud800\ud800\udc00", "\u{fffd}\u{10000}"),
            (r"\udc00\ud800", "\u{fffd}\u{fffd}"),
            (r"\ud800\u0041", "\u{fffd}A"),
            (r"\ud800\n", "\u{fffd}\n"),
        ] {
            assert_eq!(decode_string(raw).unwrap(), value, "{raw}");
        }
    }

    #[test]
    fn what_is_no_json_string_is_refused() {
        for raw in [
            "a\"b",
            "\n",
            "\\n\n",
            "\\",
            r"\x41",
            r"\'",
            r"\u12",
            r"\u12g4",
            r"\u+123",
            "\\u12é",
            "\u{1f}",
            r"\ud800\u12",
            "\\é",
        ] {
            assert_eq!(decode_string(raw), None, "{raw:?}");
        }
    }

    #[test]
    fn the_whole_of_a_long_string_is_checked() {
        for len in [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let mut bytes = vec![b'a'; len];
            assert!(is_plain_string(&bytes));
            bytes[len - 1] = b'\\';
            assert!(!is_plain_string(&bytes), "{len}");
        }
    }

    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(
            encoded("<a href=\"x\">&\\\u{2028}\u{2029}\u{202a}â\n\r\t\u{8}\u{c}\0\u{1f}\u{7f}/😀"),
            concat!(
                r#""\u003ca href=\"x\"\u003e\u0026\\\u2028\u2029"#,
                "\u{202a}â",
                r"\n\r\t\b\f\u0000\u001f",
                "\u{7f}/😀\""
            )
        );
        assert_eq!(encoded(""), "\"\"");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), odd in "[\\x00-\\x7f\u{2020}-\u{2030}]{0,100}") {
            for text in [text, odd] {
                let written = encoded(&text);
                let read = decode_string(&written[1..written.len() - 1]);
                prop_assert_eq!(read.as_deref(), Some(text.as_str()));
                prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            }
        }

        #[test]
        fn serde_json_agrees(raw in r#"([ -~\n]|\\[nrtbf"/\\]|\\u[0-9a-fA-C][0-9a-fA-F]{3}|\\ud83d\\ude[0-9a-f]{2}|é)*"#) {
            let ours = decode_string(&raw).map(Cow::into_owned);
            let theirs = serde_json::from_str::<String>(&format!("\"{raw}\"")).ok();
            // serde_json refuses a lone surrogate; what Go makes of one is a table above.
            if theirs.is_some() || !ours.as_ref().is_some_and(|value| value.contains('\u{fffd}')) {
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn no_input_panics(raw in any::<String>(), escapes in r"(\\u[dD][89a-fA-F]?[0-9a-f]{0,3}|\\.|[^\\])*") {
            let _ = decode_string(&raw);
            let _ = decode_string(&escapes);
        }

        #[test]
        fn a_plain_string_is_its_own_value(raw in "\"?[a-zé]{0,20}[a-z\"\\\\\n]{0,2}[a-z]{0,12}\"?") {
            let content = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
            let expected = content.filter(|content| is_plain_string(content.as_bytes()));
            prop_assert_eq!(plain_string(&raw), expected);
        }

        #[test]
        fn plain_means_no_special_byte(bytes in any::<Vec<u8>>()) {
            let special = bytes.iter().any(|&b| b < 0x20 || b == b'"' || b == b'\\');
            prop_assert_eq!(is_plain_string(&bytes), !special);
        }
    }
}
