//! The container kernel with AVX2.

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

use super::block::{self, BLOCK, Classify, Extent, Masks};

struct Avx2;

impl Classify for Avx2 {
    #[expect(
        clippy::inline_always,
        reason = "it must become part of the kernel that is compiled for the SIMD level"
    )]
    #[inline(always)]
    fn classify(block: &[u8; BLOCK]) -> Masks {
        // SAFETY: only `container` below uses this type, and it is compiled for AVX2 and called only where AVX2 was
        // detected; both loads are unaligned and stay inside the 64 bytes of `block`.
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
}

/// See [`super::container`].
///
/// # Safety
/// The CPU has AVX2, BMI1 and POPCNT.
#[target_feature(enable = "avx2,bmi1,popcnt")]
pub(super) unsafe fn container(text: &[u8], from: usize) -> Option<Extent> {
    block::container::<Avx2>(text, from)
}
