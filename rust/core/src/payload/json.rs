//! JSON strings of any bytes.

/// Bytes that are looked at together.
const BLOCK: usize = 16;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a JSON string, quotes included; what is no UTF-8 becomes U+FFFD.
pub(super) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    if simdutf8::basic::from_utf8(text).is_ok() {
        push_escaped(out, text);
    } else {
        for chunk in text.utf8_chunks() {
            push_escaped(out, chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
    out.push(b'"');
}

/// Appends bytes as UTF-8; what is none becomes U+FFFD. Of a valid JSON text, only strings can have such bytes.
pub(super) fn push_utf8(out: &mut Vec<u8>, text: &[u8]) {
    if simdutf8::basic::from_utf8(text).is_ok() {
        out.extend_from_slice(text);
    } else {
        out.extend_from_slice(String::from_utf8_lossy(text).as_bytes());
    }
}

/// Appends what stands between the quotes. Text that is JSON itself has a quote every few bytes: a block of it is written
/// without a branch, a backslash in front of each byte, which the byte overwrites unless it is needed.
fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    // Control characters stand in no valid line.
    if text.iter().fold(0, |found, byte| found | u8::from(*byte < 0x20)) != 0 {
        return push_bytes(out, text);
    }
    let mut at = out.len();
    out.resize(at + 2 * text.len(), 0);
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        let room: &mut [u8; 2 * BLOCK] = (&mut out[at..at + 2 * BLOCK]).try_into().expect("so long");
        if is_plain(block) {
            room[..BLOCK].copy_from_slice(block);
            at += BLOCK;
        } else {
            at += escape(block, room);
        }
    }
    out.truncate(at);
    push_bytes(out, rest);
}

fn escape(block: &[u8; BLOCK], room: &mut [u8; 2 * BLOCK]) -> usize {
    let mut at = 0;
    for byte in block {
        room[at] = b'\\';
        at += usize::from(matches!(byte, b'"' | b'\\'));
        room[at] = *byte;
        at += 1;
    }
    at
}

fn is_plain(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(0, |found, byte| found | u8::from(matches!(byte, b'"' | b'\\'))) == 0
}

fn push_bytes(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        push_byte(out, *byte);
    }
}

fn push_byte(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0x20.. => out.push(byte),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    }
}
