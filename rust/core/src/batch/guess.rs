//! Where to look for a value first.

/// A number below `limit`, a power of two, from a few bytes of a value, spread over its length: values of one key begin
/// alike, and many end alike. It is no hash: whoever chooses the values can make all of them equal, so it may decide where
/// one comparison is made, and nothing else.
#[inline]
pub(super) fn guess(value: &[u8], limit: usize) -> usize {
    let word =
        |at: usize| value.get(at..).and_then(<[u8]>::first_chunk).map(|word| u64::from_le_bytes(*word));
    let last = value.len().saturating_sub(8);
    let mixed = match word(last) {
        Some(end) if last > 8 => {
            let other = |at: usize| word(at).unwrap_or_default();
            end ^ other(last / 2).rotate_left(16)
                ^ other(last / 4).rotate_left(32)
                ^ other(last - last / 4).rotate_left(48)
        }
        Some(end) => end ^ word(0).unwrap_or_default().rotate_left(32),
        None => {
            let half = |half: Option<&[u8; 4]>| half.map_or(0, |half| u64::from(u32::from_le_bytes(*half)));
            half(value.first_chunk()) << 32 | half(value.last_chunk())
        }
    };
    let spread = (mixed ^ value.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (64 - limit.ilog2())) as usize
}
