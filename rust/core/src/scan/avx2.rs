//! The kernel with AVX2.
//!
//! [`Avx2`] is used by [`run`], [`container`] and the kernel with AVX-512 alone. All of them are compiled for AVX2 and its
//! companions, and called only where all of these were detected: whatever is inlined into them may use them.

#![expect(
    clippy::inline_always,
    reason = "it must become part of the work that is compiled for the SIMD level"
)]

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

use super::block::{self, BLOCK, Classify, Extent, Masks};
use super::level::{Kernel, Task};

/// Bytes of a vector.
const VECTOR: usize = 32;

pub(super) struct Avx2;

/// Whether this machine has every feature that the kernel is compiled for.
pub(super) fn is_available() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("popcnt")
        && std::arch::is_x86_feature_detected!("pclmulqdq")
}

impl Classify for Avx2 {
    #[inline(always)]
    fn classify(block: &[u8; BLOCK]) -> Masks {
        // SAFETY: AVX2 is there (see the module); both loads are unaligned and stay inside the 64 bytes of `block`.
        unsafe {
            let low = _mm256_loadu_si256(block.as_ptr().cast());
            let high = _mm256_loadu_si256(block.as_ptr().add(32).cast());
            let fold = _mm256_set1_epi8(0x20);
            let (low_folded, high_folded) = (_mm256_or_si256(low, fold), _mm256_or_si256(high, fold));
            let equal = |low: __m256i, high: __m256i, byte: u8| {
                let byte = _mm256_set1_epi8(byte as i8);
                let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte)) as u32;
                let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte)) as u32;
                u64::from(low) | (u64::from(high) << 32)
            };
            Masks {
                quote: equal(low, high, b'"'),
                backslash: equal(low, high, b'\\'),
                open: equal(low_folded, high_folded, b'{'),
                close: equal(low_folded, high_folded, b'}'),
            }
        }
    }

    #[inline(always)]
    fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: PCLMULQDQ is there (see the module). The product without carries by all ones is that parity.
        unsafe {
            let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
            _mm_cvtsi128_si64(product) as u64
        }
    }
}

impl Kernel for Avx2 {
    #[inline(always)]
    fn string_end(text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(vector) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let found = quotes_and_backslashes(vector);
            if found == 0 {
                at += VECTOR;
                continue;
            }
            at += found.trailing_zeros() as usize;
            if text[at] == b'"' {
                return Some(at + 1);
            }
            at += 2;
        }
        super::string_end(text, at)
    }

    #[inline(always)]
    fn plain_end(text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(vector) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let found = not_plain(vector);
            if found != 0 {
                return Some(at + found.trailing_zeros() as usize);
            }
            at += VECTOR;
        }
        // Too few bytes are left for a vector: the last one of the text holds them, and some before them.
        match text.last_chunk() {
            None => super::plain_end(text, at),
            Some(vector) => {
                let seen = VECTOR - text.len().checked_sub(at)?;
                let found = not_plain(vector).checked_shr(seen as u32).unwrap_or(0);
                (found != 0).then_some(at + found.trailing_zeros() as usize)
            }
        }
    }

    #[inline(always)]
    fn container(text: &[u8], from: usize) -> Option<Extent> {
        // SAFETY: every feature is there, see the module. Not inlined at each key: one copy stays in the cache.
        unsafe { container(text, from) }
    }

    #[inline(always)]
    fn is_ascii(bytes: &[u8]) -> bool {
        // The last ones overlap those in front of them.
        let Some(last) = bytes.last_chunk() else { return bytes.is_ascii() };
        // SAFETY: AVX2 is there (see the module).
        unsafe {
            let mut all = union_of_four(last);
            for four in bytes.as_chunks().0 {
                all = _mm256_or_si256(all, union_of_four(four));
            }
            _mm256_movemask_epi8(all) == 0
        }
    }
}

/// One bit a byte that ends a run of plain string content.
#[inline(always)]
fn quotes_and_backslashes(vector: &[u8; VECTOR]) -> u32 {
    // SAFETY: AVX2 is there (see the module); the load is unaligned and stays inside the 32 bytes of `vector`.
    unsafe {
        let vector = _mm256_loadu_si256(vector.as_ptr().cast());
        let quote = _mm256_cmpeq_epi8(vector, _mm256_set1_epi8(b'"' as i8));
        let backslash = _mm256_cmpeq_epi8(vector, _mm256_set1_epi8(b'\\' as i8));
        _mm256_movemask_epi8(_mm256_or_si256(quote, backslash)) as u32
    }
}

/// One bit a byte that is a quote, a backslash or a control character.
#[inline(always)]
fn not_plain(vector: &[u8; VECTOR]) -> u32 {
    // SAFETY: AVX2 is there (see the module); the load is unaligned and stays inside the 32 bytes of `vector`.
    unsafe {
        let vector = _mm256_loadu_si256(vector.as_ptr().cast());
        let quote = _mm256_cmpeq_epi8(vector, _mm256_set1_epi8(b'"' as i8));
        let backslash = _mm256_cmpeq_epi8(vector, _mm256_set1_epi8(b'\\' as i8));
        let control = _mm256_cmpeq_epi8(_mm256_min_epu8(vector, _mm256_set1_epi8(0x1f)), vector);
        _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, backslash), control)) as u32
    }
}

/// See [`super::level::run`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
pub(super) unsafe fn run<T: Task>(task: T) -> T::Output {
    task.run::<Avx2>()
}

/// The bits that any of four vectors has.
#[inline(always)]
fn union_of_four(four: &[u8; 4 * VECTOR]) -> __m256i {
    // SAFETY: AVX2 is there (see the module); the loads are unaligned and stay inside the 128 bytes of `four`.
    unsafe {
        let load = |at: usize| _mm256_loadu_si256(four.as_ptr().add(at).cast());
        let low = _mm256_or_si256(load(0), load(VECTOR));
        let high = _mm256_or_si256(load(2 * VECTOR), load(3 * VECTOR));
        _mm256_or_si256(low, high)
    }
}

/// See [`super::container`].
///
/// # Safety
/// [`is_available`].
#[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
unsafe fn container(text: &[u8], from: usize) -> Option<Extent> {
    block::container::<Avx2>(text, from)
}
