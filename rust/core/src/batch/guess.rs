//! Where to look for a value first.

/// A number below `limit`, a power of two, from a few bytes of a value, spread over its length: values of one key begin
/// alike, and many end alike. It is no hash: whoever chooses the values can make all of them equal, so it may decide where
/// one comparison is made, and nothing else.
#[inline]
pub(super) fn guess(value: &[u8], limit: usize) -> usize {
    let end = value.len().saturating_sub(8);
    let word =
        |at: usize| value.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word));
    let mixed = if end > 0 {
        word(end)
            ^ word(end / 2).rotate_left(16)
            ^ word(end / 4).rotate_left(32)
            ^ word(end - end / 4).rotate_left(48)
    } else {
        let half = |half: Option<&[u8; 4]>| half.map_or(0, |half| u64::from(u32::from_le_bytes(*half)));
        half(value.first_chunk()) << 32 | half(value.last_chunk())
    };
    let spread = (mixed ^ value.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (64 - limit.ilog2())) as usize
}
