//! Which kernel runs: the best that this machine has, or the one that the environment forces.

use std::sync::OnceLock;

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use super::{block, block::Extent};

/// Which kernel finds the ends of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimdLevel {
    /// Eight bytes at a time in plain Rust; runs everywhere.
    Portable,
    /// 64 bytes at a time, by vectors of 16, on every 64-bit ARM (little-endian, as nearly all are).
    Neon,
    /// 64 bytes at a time, by vectors of 32.
    Avx2,
    /// 64 bytes at a time, by vectors of 64.
    Avx512,
}

impl SimdLevel {
    /// Every level, the better one later.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Neon, Self::Avx2, Self::Avx512];

    /// The name that `auditwake --version` prints and `AUDITWAKE_SIMD` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this machine has every instruction that the level's kernel is compiled for.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            // Part of the architecture.
            Self::Neon => cfg!(all(target_arch = "aarch64", target_endian = "little")),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// The level of that name if this machine has it, else its best one.
    fn picked(name: Option<&str>) -> Self {
        let available = || Self::ALL.into_iter().filter(|level| level.is_available());
        let named = available().find(|level| Some(level.name()) == name);
        named.or_else(|| available().next_back()).unwrap_or(Self::Portable)
    }
}

/// The level in use: the one that `AUDITWAKE_SIMD` names, or the best of this machine when it names none that the machine
/// has. It is looked up once a process.
///
/// ```
/// use auditwake_core::scan::{SimdLevel, simd_level};
/// assert!(simd_level().is_available());
/// assert_eq!(SimdLevel::Portable.name(), "portable");
/// ```
pub fn simd_level() -> SimdLevel {
    static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
    *LEVEL.get_or_init(|| SimdLevel::picked(std::env::var("AUDITWAKE_SIMD").ok().as_deref()))
}

/// Ends of values, compiled for one level.
pub(crate) trait Kernel {
    /// See [`super::string_end`].
    fn string_end(text: &[u8], from: usize) -> Option<usize>;

    /// Position of the first quote, backslash or control character at or behind `from`.
    fn plain_end(text: &[u8], from: usize) -> Option<usize>;

    /// See [`super::container`].
    fn container(text: &[u8], from: usize) -> Option<Extent>;

    /// Whether no byte has its high bit.
    fn is_ascii(bytes: &[u8]) -> bool;
}

/// Work on a text that is compiled once for each level, with the kernel as a part of it: a call for each value would cost
/// more than most values.
pub(crate) trait Task {
    /// What comes of it.
    type Output;

    /// Does the work. Implementations are `#[inline(always)]`, or they are not compiled for the level.
    fn run<K: Kernel>(self) -> Self::Output;
}

/// Does the work with the kernel of the level in use.
#[inline]
pub(crate) fn dispatch<T: Task>(task: T) -> T::Output {
    // SAFETY: the level in use is one that is available.
    unsafe { run(simd_level(), task) }
}

/// Does the work with the kernel of a level.
///
/// # Safety
/// The level is available.
#[inline]
pub(super) unsafe fn run<T: Task>(level: SimdLevel, task: T) -> T::Output {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is available, so the machine has every feature that `run` is compiled for.
        SimdLevel::Avx512 => unsafe { avx512::run(task) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx2 => unsafe { avx2::run(task) },
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        SimdLevel::Neon => task.run::<neon::Neon>(),
        _ => task.run::<block::Portable>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_picked_by_its_name_where_the_machine_has_it() {
        let best = SimdLevel::picked(None);
        assert!(best.is_available());
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        assert_eq!(best, SimdLevel::Neon);
        for level in SimdLevel::ALL {
            let picked = SimdLevel::picked(Some(level.name()));
            assert_eq!(picked, if level.is_available() { level } else { best });
        }
        assert_eq!(SimdLevel::picked(Some("sse9")), best);
        assert_eq!(SimdLevel::picked(Some("")), best);
    }
}
