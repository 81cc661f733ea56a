//! Which input is which, whatever it is called: rotation renames files and compresses them.

use std::io::{self, Cursor, Read};

use sha2::{Digest, Sha256};

use crate::input::open::decode;
use crate::reader::Input;

/// Decoded bytes that the identity is made from. The first event is among them, with its audit ID and microseconds.
const HEAD: usize = 4096;

/// The identity of an input by its first decoded bytes: 16 hex digits.
pub(super) fn of_head(head: &[u8]) -> String {
    let digest = Sha256::digest(head);
    let (first, _) = digest.as_slice().split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    format!("{:016x}", u64::from_be_bytes(*first))
}

/// The first decoded bytes of a file; fewer when the file has no more, or is cut there.
pub(super) fn head_of(file: Input) -> io::Result<Vec<u8>> {
    let mut decoded = decode(file)?;
    Ok(read_head(&mut decoded))
}

/// The first decoded bytes of a stream, and the whole stream, decoded.
pub(super) fn peek(stream: Input) -> io::Result<(Vec<u8>, Input)> {
    let mut decoded = decode(stream)?;
    let head = read_head(&mut decoded);
    let whole = Cursor::new(head.clone()).chain(decoded);
    Ok((head, Box::new(whole)))
}

/// Reads until the head is full. An error ends it: whoever reads the rest meets the error again.
fn read_head(input: &mut impl Read) -> Vec<u8> {
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match input.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    head.truncate(filled);
    head
}
