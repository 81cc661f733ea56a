//! The kernel with AVX-512: a comparison gives its mask at once, and a load with a mask touches no byte behind a text.
//!
//! [`Avx512`] is used by [`run`] and [`container`] alone, and those are compiled for AVX-512 and its companions and called
//! only where all of them were detected: whatever is inlined into them may use them.

#![expect(
    clippy::inline_always,
    reason = "it must become part of the work that is compiled for the SIMD level"
)]

use std::arch::x86_64::{
    __m512i, _bzhi_u64, _mm512_cmpeq_epi8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512,
    _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8,
};

use super::avx2;
use super::block::{self, BLOCK, Classify, Extent, Masks};
use super::level::{Kernel, Task};

struct Avx512;

/// Whether this machine has every feature that the kernel is compiled for.
pub(super) fn is_available() -> bool {
    avx2::is_available()
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
}

impl Classify for Avx512 {
    #[inline(always)]
    fn classify(block: &[u8; BLOCK]) -> Masks {
        let vector = load(block);
        // SAFETY: AVX-512 is there (see the module).
        let folded = unsafe { _mm512_or_si512(vector, _mm512_set1_epi8(0x20)) };
        Masks {
            quote: equal(vector, b'"'),
            backslash: equal(vector, b'\\'),
            open: equal(folded, b'{'),
            close: equal(folded, b'}'),
        }
    }

    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        avx2::Avx2::prefix_xor(bits)
    }
}

impl Kernel for Avx512 {
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
        // SAFETY: every feature is there, see the module. Not inlined at each key: one copy stays in the cache.
        unsafe { container(text, from) }
    }

    #[inline(always)]
    fn is_ascii(bytes: &[u8]) -> bool {
        let (vectors, rest) = bytes.as_chunks();
        let mut all = load_some(rest);
        for vector in vectors {
            // SAFETY: AVX-512 is there (see the module).
            all = unsafe { _mm512_or_si512(all, load(vector)) };
        }
        // SAFETY: as above.
        unsafe { _mm512_movepi8_mask(all) == 0 }
    }
}

/// Position of the first quote or backslash, or control character if they count, at or behind `from`.
#[inline(always)]
fn first<const CONTROLS: bool>(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(vector) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let found = ends::<CONTROLS>(load(vector));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += BLOCK;
    }
    let rest = text.get(at..)?;
    let found = ends::<CONTROLS>(load_some(rest)) & ones(rest.len());
    (found != 0).then_some(at + found.trailing_zeros() as usize)
}

/// One bit a byte that ends a run of string content.
#[inline(always)]
fn ends<const CONTROLS: bool>(vector: __m512i) -> u64 {
    let ends = equal(vector, b'"') | equal(vector, b'\\');
    if CONTROLS { ends | controls(vector) } else { ends }
}

#[inline(always)]
fn load(vector: &[u8; BLOCK]) -> __m512i {
    // SAFETY: AVX-512 is there (see the module); the load is unaligned and stays inside the 64 bytes of `vector`.
    unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) }
}

/// The bytes of a text that is shorter than a vector, and zeros.
#[inline(always)]
fn load_some(bytes: &[u8]) -> __m512i {
    debug_assert!(bytes.len() < BLOCK);
    // SAFETY: AVX-512 is there (see the module); the mask never has more ones than there are bytes, and what stands behind
    // those is neither read nor can it fault.
    unsafe { _mm512_maskz_loadu_epi8(ones(bytes.len()), bytes.as_ptr().cast()) }
}

/// As many ones from the lowest bit on.
#[inline(always)]
fn ones(count: usize) -> u64 {
    // SAFETY: BMI2 is there (see the module).
    unsafe { _bzhi_u64(!0, count as u32) }
}

#[inline(always)]
fn equal(vector: __m512i, byte: u8) -> u64 {
    // SAFETY: AVX-512 is there (see the module).
    unsafe { _mm512_cmpeq_epi8_mask(vector, _mm512_set1_epi8(byte as i8)) }
}

#[inline(always)]
fn controls(vector: __m512i) -> u64 {
    // SAFETY: AVX-512 is there (see the module).
    unsafe { _mm512_cmplt_epu8_mask(vector, _mm512_set1_epi8(0x20)) }
}

/// See [`super::level::run`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,popcnt,pclmulqdq")]
pub(super) unsafe fn run<T: Task>(task: T) -> T::Output {
    task.run::<Avx512>()
}

/// See [`super::container`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,popcnt,pclmulqdq")]
unsafe fn container(text: &[u8], from: usize) -> Option<Extent> {
    block::container::<Avx512>(text, from)
}
