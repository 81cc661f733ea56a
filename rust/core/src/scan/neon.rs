//! The kernel with NEON. Every 64-bit ARM for which Rust has a standard library has it, and all code for them is compiled
//! with it: nothing is detected, and any function may use it.

#![expect(clippy::inline_always, reason = "it must become part of the work, as in the other kernels")]

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vcltq_u8, vdupq_n_u8, vget_lane_u64, vgetq_lane_u64, vld1q_u8, vmaxvq_u8,
    vorrq_u8, vpaddq_u8, vreinterpret_u64_u8, vreinterpretq_u16_u8, vreinterpretq_u64_u8, vshrn_n_u16,
};

use super::block::{self, BLOCK, Classify, Extent, Masks};
use super::level::Kernel;

/// Bytes of a vector.
const VECTOR: usize = 16;

/// Bits that [`nibbles`] has for a byte.
const NIBBLE: usize = 4;

/// The bytes of a block.
type Vectors = [uint8x16_t; BLOCK / VECTOR];

pub(super) struct Neon;

impl Classify for Neon {
    #[inline(always)]
    fn classify(block: &[u8; BLOCK]) -> Masks {
        let vectors = load_block(block);
        let folded = vectors.map(|vector| or(vector, repeat(0x20)));
        Masks {
            quote: bits(vectors.map(|vector| equal(vector, b'"'))),
            backslash: bits(vectors.map(|vector| equal(vector, b'\\'))),
            open: bits(folded.map(|vector| equal(vector, b'{'))),
            close: bits(folded.map(|vector| equal(vector, b'}'))),
        }
    }

    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        // The product without carries is not part of every 64-bit ARM.
        block::Portable::prefix_xor(bits)
    }
}

impl Kernel for Neon {
    #[inline(always)]
    fn string_end(text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            at = first::<false>(text, at)?;
            if text[at] == b'"' {
                return Some(at + 1);
            }
            at += 2;
        }
    }

    #[inline(always)]
    fn plain_end(text: &[u8], from: usize) -> Option<usize> {
        first::<true>(text, from)
    }

    #[inline(always)]
    fn container(text: &[u8], from: usize) -> Option<Extent> {
        container(text, from)
    }

    #[inline(always)]
    fn is_ascii(bytes: &[u8]) -> bool {
        // The last ones overlap those in front of them.
        let Some(last) = bytes.last_chunk() else { return bytes.is_ascii() };
        let blocks = bytes.as_chunks().0.iter();
        largest(blocks.fold(union(last), |all, block| or(all, union(block)))).is_ascii()
    }
}

/// Position of the first quote or backslash, or control character if they count, at or behind `from`.
#[inline(always)]
fn first<const CONTROLS: bool>(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(vector) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let found = nibbles(ends::<CONTROLS>(load(vector)));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / NIBBLE);
        }
        at += VECTOR;
    }
    // Too few bytes are left for a vector: the text's last one holds them behind others, or they are all of the text.
    let rest = text.get(at..)?;
    let (vector, seen) = if let Some(vector) = text.last_chunk::<VECTOR>() {
        (*vector, VECTOR - rest.len())
    } else {
        let mut vector = [b' '; VECTOR];
        vector[..rest.len()].copy_from_slice(rest);
        (vector, 0)
    };
    let found = nibbles(ends::<CONTROLS>(load(&vector))).checked_shr((NIBBLE * seen) as u32).unwrap_or(0);
    (found != 0).then_some(at + found.trailing_zeros() as usize / NIBBLE)
}

/// All ones in each byte that ends a run of string content.
#[inline(always)]
fn ends<const CONTROLS: bool>(vector: uint8x16_t) -> uint8x16_t {
    let ends = or(equal(vector, b'"'), equal(vector, b'\\'));
    if CONTROLS { or(ends, controls(vector)) } else { ends }
}

#[inline(always)]
fn load_block(block: &[u8; BLOCK]) -> Vectors {
    let bytes = block.as_chunks().0;
    [load(&bytes[0]), load(&bytes[1]), load(&bytes[2]), load(&bytes[3])]
}

#[inline(always)]
fn load(vector: &[u8; VECTOR]) -> uint8x16_t {
    // SAFETY: NEON is there (see the module); the load is unaligned and stays inside the 16 bytes of `vector`.
    unsafe { vld1q_u8(vector.as_ptr()) }
}

#[inline(always)]
fn repeat(byte: u8) -> uint8x16_t {
    // SAFETY: NEON is there (see the module).
    unsafe { vdupq_n_u8(byte) }
}

#[inline(always)]
fn or(one: uint8x16_t, other: uint8x16_t) -> uint8x16_t {
    // SAFETY: NEON is there (see the module).
    unsafe { vorrq_u8(one, other) }
}

/// The bits that any vector of a block has.
#[inline(always)]
fn union(block: &[u8; BLOCK]) -> uint8x16_t {
    let [a, b, c, d] = load_block(block);
    or(or(a, b), or(c, d))
}

#[inline(always)]
fn largest(vector: uint8x16_t) -> u8 {
    // SAFETY: NEON is there (see the module).
    unsafe { vmaxvq_u8(vector) }
}

#[inline(always)]
fn equal(vector: uint8x16_t, byte: u8) -> uint8x16_t {
    // SAFETY: NEON is there (see the module).
    unsafe { vceqq_u8(vector, repeat(byte)) }
}

#[inline(always)]
fn controls(vector: uint8x16_t) -> uint8x16_t {
    // SAFETY: NEON is there (see the module).
    unsafe { vcltq_u8(vector, repeat(0x20)) }
}

/// Four bits a byte, each byte of `found` being all ones or all zeros.
#[inline(always)]
fn nibbles(found: uint8x16_t) -> u64 {
    // SAFETY: NEON is there (see the module).
    unsafe { vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(vreinterpretq_u16_u8(found)))) }
}

/// One bit a byte, each byte of `found` being all ones or all zeros.
#[inline(always)]
fn bits(found: Vectors) -> u64 {
    const BIT: [u8; VECTOR] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: NEON is there (see the module). Three sums of neighbours make one byte of eight.
    unsafe {
        let [a, b, c, d] = found.map(|found| vandq_u8(found, load(&BIT)));
        let sum = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
        vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)))
    }
}

/// See [`super::container`].
// Not inlined at each key: one copy stays in the cache.
#[inline(never)]
fn container(text: &[u8], from: usize) -> Option<Extent> {
    block::container::<Neon>(text, from)
}
