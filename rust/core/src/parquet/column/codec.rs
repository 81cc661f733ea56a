//! Compresses pages.

use std::io;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, compress_bound};

use super::TEXT_PAGE_BYTES;

/// Bytes up to which the windows of all levels are as long as the page.
const SHORT: usize = 512 << 10;

/// Room for a page that is kept: one huge page must not stay for good.
const KEPT: usize = 2 * TEXT_PAGE_BYTES;

/// The lowest level whose own window is long enough for any page.
const LONG_WINDOWS: i32 = 3;

/// Compresses pages. What a page takes on its way is kept for the next one, so that pages are held at their own size.
pub(in super::super) struct Codec {
    /// `None` where pages stay as they are.
    zstd: Option<(Compressor<'static>, ZstdLevel)>,
    /// Room for a page as it is encoded.
    encoded: Vec<u8>,
    /// Room for what comes of it.
    compressed: Vec<u8>,
}

impl Codec {
    /// The codec of that name, where pages can be written with it here.
    pub(in super::super) fn new(compression: Compression) -> io::Result<Option<Self>> {
        let zstd = match compression {
            Compression::UNCOMPRESSED => None,
            Compression::ZSTD(level) => Some((Compressor::new(level.compression_level())?, level)),
            _ => return Ok(None),
        };
        Ok(Some(Self { zstd, encoded: Vec::new(), compressed: Vec::new() }))
    }

    pub(super) fn compression(&self) -> Compression {
        self.zstd.as_ref().map_or(Compression::UNCOMPRESSED, |(_, level)| Compression::ZSTD(*level))
    }

    /// Empty room to encode a page in, which [`Self::take_back`] keeps for the next one.
    pub(super) fn room(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.encoded)
    }

    /// Takes the room of a page back.
    pub(super) fn take_back(&mut self, mut room: Vec<u8>) {
        room.clear();
        room.shrink_to(KEPT);
        self.encoded = room;
    }

    /// A page as the file has it.
    pub(super) fn compress(&mut self, page: &[u8]) -> io::Result<Bytes> {
        let Some((zstd, level)) = &mut self.zstd else { return Ok(Bytes::copy_from_slice(page)) };
        if level.compression_level() < LONG_WINDOWS {
            reach(zstd, page.len())?;
        }
        let room = compress_bound(page.len());
        if !(room..=KEPT).contains(&self.compressed.capacity()) {
            // Not grown: that would copy what nobody wants any more.
            self.compressed = Vec::with_capacity(room + room / 16);
        }
        zstd.compress_to_buffer(page, &mut self.compressed)?;
        Ok(Bytes::copy_from_slice(&self.compressed))
    }
}

/// Lets the compressor see a whole page. The window of the lowest levels is half a megabyte, and bodies of one kind of
/// object repeat each other from further away: with a window of the page they are a third smaller, and sooner done
/// (`docs/design/parquet.md`).
fn reach(compressor: &mut Compressor<'_>, length: usize) -> io::Result<()> {
    let long = length > SHORT;
    let window = length.next_power_of_two().trailing_zeros();
    // One place for 32 bytes, as the level has by itself for its own window; zero is what the level says.
    compressor.set_parameter(CParameter::WindowLog(if long { window } else { 0 }))?;
    compressor.set_parameter(CParameter::HashLog(if long { window - 5 } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec() -> Codec {
        Codec::new(Compression::ZSTD(ZstdLevel::default())).unwrap().unwrap()
    }

    fn compressed(codec: &mut Codec, page: &[u8]) -> Bytes {
        codec.compress(page).unwrap()
    }

    /// Bytes without any repetition.
    fn noise(count: usize) -> Vec<u8> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn what_repeats_in_a_page_is_found_however_far_away() {
        let far = noise(3 << 20);
        let page = [&far[..], &far[..1 << 20]].concat();
        let compressed = compressed(&mut codec(), &page);
        assert!(compressed.len() < far.len() + (far.len() >> 4), "{}", compressed.len());
        assert_eq!(zstd::bulk::decompress(&compressed, page.len()).unwrap(), page);
    }

    #[test]
    fn a_short_page_after_a_long_one_is_compressed_as_before_it() {
        let short = [b"{\"a\":1}".repeat(1000), noise(5000)].concat();
        let mut codec = codec();
        let first = compressed(&mut codec, &short);
        compressed(&mut codec, &noise(SHORT + 1));
        assert_eq!(compressed(&mut codec, &short), first);
    }
}
