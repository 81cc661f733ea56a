//! Brackets outside strings, 64 bytes at a time, with the quote-parity method of simdjson (Langdale and Lemire, "Parsing
//! gigabytes of JSON per second", VLDB Journal 28, 2019, section 3.1).

#![expect(
    clippy::inline_always,
    reason = "all of it must become part of a kernel that is compiled for one SIMD level"
)]

use super::level::Kernel;

/// Bytes that one step looks at.
pub(crate) const BLOCK: usize = 64;

/// One bit a byte: which bytes of a block are which.
#[derive(Clone, Copy)]
pub(super) struct Masks {
    pub(super) quote: u64,
    pub(super) backslash: u64,
    /// `{` or `[`
    pub(super) open: u64,
    /// `}` or `]`
    pub(super) close: u64,
}

/// A way to classify the bytes of a block.
pub(super) trait Classify {
    /// The masks of one block.
    fn classify(block: &[u8; BLOCK]) -> Masks;

    /// Bit i of the result is the parity of bits 0 to i.
    fn prefix_xor(bits: u64) -> u64;
}

/// Eight bytes at a time in a general register.
pub(super) struct Portable;

impl Classify for Portable {
    #[inline(always)]
    fn classify(block: &[u8; BLOCK]) -> Masks {
        let mut masks = Masks { quote: 0, backslash: 0, open: 0, close: 0 };
        for (i, word) in block.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let folded = word | repeat(0x20);
            masks.quote |= equal(word, b'"') << (8 * i);
            masks.backslash |= equal(word, b'\\') << (8 * i);
            masks.open |= equal(folded, b'{') << (8 * i);
            masks.close |= equal(folded, b'}') << (8 * i);
        }
        masks
    }

    #[inline(always)]
    fn prefix_xor(mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }
}

impl Kernel for Portable {
    #[inline(always)]
    fn string_end(text: &[u8], from: usize) -> Option<usize> {
        super::string_end(text, from)
    }

    #[inline(always)]
    fn plain_end(text: &[u8], from: usize) -> Option<usize> {
        super::plain_end(text, from)
    }

    #[inline(always)]
    fn container(text: &[u8], from: usize) -> Option<Extent> {
        container::<Self>(text, from)
    }

    #[inline(always)]
    fn is_ascii(bytes: &[u8]) -> bool {
        bytes.is_ascii()
    }
}

const fn repeat(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// Eight bits: which bytes of the word equal `byte`.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    let x = word ^ repeat(byte);
    // The high bit of each byte is set where that byte of `x` is zero; no carry crosses a byte.
    let low = (x & repeat(0x7f)) + repeat(0x7f);
    let zero = !(low | x | repeat(0x7f));
    // Gathers the eight high bits into the top byte.
    (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// What one block hands to the next.
struct State {
    /// 1 when the next block's first byte is escaped by a backslash in front of it.
    escaped: u64,
    /// All ones inside a string, all zeros outside.
    string: u64,
    /// Open containers; at least 1 until the end is found.
    depth: i64,
    /// The largest depth at the end of a block.
    deepest: i64,
}

/// Where a container ends, and how deep it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Position behind the closing bracket.
    pub end: usize,
    /// A lower bound of the deepest nesting: the depth is looked at once every 64 bytes.
    pub depth: i64,
}

/// See [`super::container`]; `C` says how the bytes are classified.
#[inline(always)]
pub(super) fn container<C: Classify>(text: &[u8], from: usize) -> Option<Extent> {
    let mut state = State { escaped: 0, string: 0, depth: 0, deepest: 0 };
    let (blocks, rest) = text.get(from..)?.as_chunks::<BLOCK>();
    for (i, block) in blocks.iter().enumerate() {
        if let Some(end) = step::<C>(block, &mut state) {
            return Some(Extent { end: from + i * BLOCK + end, depth: state.deepest });
        }
    }
    let mut last = [b' '; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    let end = step::<C>(&last, &mut state)?;
    Some(Extent { end: from + blocks.len() * BLOCK + end, depth: state.deepest })
}

/// Position in the block behind the bracket that brings the depth to zero.
#[inline(always)]
fn step<C: Classify>(block: &[u8; BLOCK], state: &mut State) -> Option<usize> {
    let masks = C::classify(block);
    let quotes = masks.quote & !escaped_bytes(masks.backslash, &mut state.escaped);
    let string = C::prefix_xor(quotes) ^ state.string;
    state.string = ((string as i64) >> 63) as u64;
    let open = masks.open & !string;
    let mut close = masks.close & !string;
    let closed = i64::from(close.count_ones());
    // The depth cannot reach zero in this block unless as many brackets close.
    if state.depth > closed {
        state.depth += i64::from(open.count_ones()) - closed;
        state.deepest = state.deepest.max(state.depth);
        return None;
    }
    let mut closed_before = 0;
    while close != 0 {
        let bit = close.trailing_zeros();
        let opened = i64::from((open & ((1 << bit) - 1)).count_ones());
        closed_before += 1;
        if state.depth + opened - closed_before == 0 {
            return Some(bit as usize + 1);
        }
        close &= close - 1;
    }
    state.depth += i64::from(open.count_ones()) - closed;
    None
}

/// Bytes that a backslash escapes: those behind an odd run of backslashes.
#[inline(always)]
fn escaped_bytes(backslash: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    if backslash == 0 {
        return std::mem::take(carry);
    }
    let backslash = backslash & !*carry;
    let follows = (backslash << 1) | *carry;
    let odd_starts = backslash & !EVEN & !follows;
    let (sum, overflow) = odd_starts.overflowing_add(backslash);
    *carry = u64::from(overflow);
    (EVEN ^ (sum << 1)) & follows
}
