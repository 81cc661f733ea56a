//! The first and the last of some bytes.

/// Length of the run of NUL bytes at the front; the blocks are summed up with vector instructions.
pub(super) fn leading_nuls(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let is_zero = |block: &&[u8]| block.iter().fold(0, |all, byte| all | byte) == 0;
    let blocks = BLOCK * bytes.chunks_exact(BLOCK).take_while(is_zero).count();
    blocks + bytes[blocks..].iter().take_while(|byte| **byte == 0).count()
}

pub(super) fn last(bytes: &[u8], keep: usize) -> &[u8] {
    &bytes[bytes.len().saturating_sub(keep)..]
}

/// Lets up to `keep` bytes more than needed pile up, so that short reads do not move the tail each time.
pub(super) fn push_tail(tail: &mut Vec<u8>, bytes: &[u8], keep: usize) {
    let bytes = last(bytes, keep);
    if tail.len() + bytes.len() > keep.saturating_mul(2) {
        let drop = tail.len().saturating_sub(keep - bytes.len());
        tail.drain(..drop);
    }
    tail.extend_from_slice(bytes);
}
