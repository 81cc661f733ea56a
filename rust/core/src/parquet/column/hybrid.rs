//! Parquet's hybrid of run lengths and bit-packed groups (parquet-format `Encodings.md`, "Run Length Encoding / Bit-Packing
//! Hybrid"), for levels and for dictionary codes.

/// Values in a bit-packed group.
const GROUP: usize = 8;

/// Values that are looked at together for a run. Shorter ones are packed: in a page that is compressed later, a run in
/// the middle costs more than it saves.
const STRIDE: usize = 4 * GROUP;

/// Bits that the largest value needs, at least one: not every reader takes a width of zero.
pub(super) fn width_of(largest: u32) -> u32 {
    (u32::BITS - largest.leading_zeros()).max(1)
}

/// Bits for codes up to the largest: whole bytes, or an even part of one. Values that cross bytes in ever other ways look
/// random to a compressor; measured in `docs/design/parquet.md`.
pub(super) fn width_of_codes(largest: u32) -> u32 {
    match width_of(largest) {
        width @ 1..=2 => width,
        3..=4 => 4,
        width => width.next_multiple_of(8),
    }
}

/// Appends the values, each of `width` bits: up to eight, or whole bytes. A run is written as one from the first stride of
/// which it has every value; only the last group of all may be padded, so what stands in front of that is packed.
pub(super) fn encode<T: Copy + Default + Eq + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    // Values from here on wait to be packed.
    let mut packed = 0;
    let mut at = 0;
    while let Some(stride) = values[at..].first_chunk() {
        if !is_uniform(stride) {
            at += STRIDE;
            continue;
        }
        let run = run_length(&values[at..]);
        pack(&values[packed..at], width, out);
        repeat(values[at].into(), run, width, out);
        at += run;
        packed = at;
    }
    pack(&values[packed..], width, out);
}

/// Whether all values are the same; no early exit, so that it becomes vector code.
fn is_uniform<T: Copy + Into<u32>>(stride: &[T; STRIDE]) -> bool {
    let first = stride[0].into();
    stride.iter().fold(0, |differences, &value| differences | (value.into() ^ first)) == 0
}

/// Appends one value many times.
pub(super) fn repeat(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    if count == 0 {
        return;
    }
    varint((count as u64) << 1, out);
    let bytes = width.div_ceil(8) as usize;
    out.extend_from_slice(&value.to_le_bytes()[..bytes]);
}

/// Appends bits, the first one lowest in its byte: a byte is a group of eight values of width 1 as it stands.
pub(super) fn encode_bits(bytes: &[u8], count: usize, out: &mut Vec<u8>) {
    let whole = &bytes[..count / GROUP];
    let mut packed = 0;
    let mut at = 0;
    while at < whole.len() {
        let run = run_length(&whole[at..]);
        // Two bytes of literals cost what a run costs.
        if run > 2 && matches!(whole[at], 0x00 | 0xff) {
            literals(&whole[packed..at], out);
            repeat(u32::from(whole[at] & 1), run * GROUP, 1, out);
            packed = at + run;
        }
        at += run;
    }
    literals(&whole[packed..], out);
    let rest = count % GROUP;
    if rest > 0 {
        literals(&[bytes[count / GROUP] & ((1 << rest) - 1)], out);
    }
}

/// Appends groups of width 1.
fn literals(groups: &[u8], out: &mut Vec<u8>) {
    if !groups.is_empty() {
        varint(((groups.len() as u64) << 1) | 1, out);
        out.extend_from_slice(groups);
    }
}

fn run_length<T: Copy + Eq>(values: &[T]) -> usize {
    let first = values[0];
    values.iter().position(|value| *value != first).unwrap_or(values.len())
}

/// Appends groups of eight; the last one is filled up with zeros.
fn pack<T: Copy + Default + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let (groups, rest) = values.as_chunks::<GROUP>();
    let count = values.len().div_ceil(GROUP);
    varint(((count as u64) << 1) | 1, out);
    out.reserve(count * width as usize + size_of::<u64>());
    let mut pack_all = |groups: &[[T; GROUP]]| match width {
        16 => groups.iter().for_each(|group| pack_bytes::<T, 2>(group, out)),
        24 => groups.iter().for_each(|group| pack_bytes::<T, 3>(group, out)),
        32 => groups.iter().for_each(|group| pack_bytes::<T, 4>(group, out)),
        _ => groups.iter().for_each(|group| pack_bits(group, width, out)),
    };
    pack_all(groups);
    if !rest.is_empty() {
        let mut last = [T::default(); GROUP];
        last[..rest.len()].copy_from_slice(rest);
        pack_all(&[last]);
    }
}

/// Appends one group of values of up to eight bits, which fits a word.
#[inline]
fn pack_bits<T: Copy + Into<u32>>(group: &[T; GROUP], width: u32, out: &mut Vec<u8>) {
    debug_assert!(width <= 8);
    let bits = group.iter().rfold(0, |bits, &value| (bits << width) | u64::from(value.into()));
    // A fixed number of bytes is one instruction; what is too much is taken away again.
    let end = out.len() + width as usize;
    out.extend_from_slice(&bits.to_le_bytes());
    out.truncate(end);
}

/// Appends one group of values of so many bytes.
#[inline]
fn pack_bytes<T: Copy + Into<u32>, const BYTES: usize>(group: &[T; GROUP], out: &mut Vec<u8>) {
    let mut bytes = [[0; BYTES]; GROUP];
    for (place, &value) in bytes.iter_mut().zip(group) {
        place.copy_from_slice(&value.into().to_le_bytes()[..BYTES]);
    }
    out.extend_from_slice(bytes.as_flattened());
}

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads the hybrid back, straight from the format's description.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        let byte = |bytes: &mut &[u8]| {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            *first
        };
        while values.len() < count {
            let (mut header, mut shift) = (0u64, 0);
            loop {
                let next = byte(&mut bytes);
                header |= u64::from(next & 0x7f) << shift;
                shift += 7;
                if next < 0x80 {
                    break;
                }
            }
            let number = (header >> 1) as usize;
            if header & 1 == 0 {
                let value =
                    (0..width.div_ceil(8)).map(|i| u32::from(byte(&mut bytes)) << (8 * i)).sum::<u32>();
                values.extend(std::iter::repeat_n(value, number));
            } else {
                let packed: Vec<u8> = (0..number * width as usize).map(|_| byte(&mut bytes)).collect();
                let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
                let value =
                    |i: usize| (0..width as usize).map(|b| bit(i * width as usize + b) << b).sum::<u32>();
                values.extend((0..8 * number).map(value));
            }
        }
        assert!(bytes.is_empty() && values.len() < count + GROUP);
        assert!(values[count..].iter().all(|value: &u32| *value == 0));
        values.truncate(count);
        values
    }

    /// Runs of every length around the sizes of a group and a stride, so that each way into and out of a run is taken.
    fn runs() -> impl Strategy<Value = (u32, Vec<u32>)> {
        let widths = prop::sample::select((1..=32).filter(|&w| w <= 8 || w % 8 == 0).collect::<Vec<u32>>());
        widths.prop_flat_map(|width| {
            let value = any::<u32>().prop_map(move |value| value >> (32 - width));
            let run =
                (value, prop_oneof![1..4usize, 1..100usize]).prop_map(|(value, count)| vec![value; count]);
            (Just(width), prop::collection::vec(run, 0..30).prop_map(|runs| runs.concat()))
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back((width, values) in runs()) {
            let mut out = Vec::new();
            encode(&values, width, &mut out);
            prop_assert_eq!(decode(&out, width, values.len()), values);
        }
    }

    proptest! {
        #[test]
        fn bits_are_values_of_width_one(runs in prop::collection::vec((any::<bool>(), 1..60usize), 0..30)) {
            let bits: Vec<bool> = runs.iter().flat_map(|(bit, count)| vec![*bit; *count]).collect();
            let mut bytes = vec![0; bits.len().div_ceil(8)];
            for (at, _) in bits.iter().enumerate().filter(|(_, bit)| **bit) {
                bytes[at / 8] |= 1 << (at % 8);
            }
            let mut out = Vec::new();
            encode_bits(&bytes, bits.len(), &mut out);
            let values: Vec<u32> = bits.iter().map(|bit| u32::from(*bit)).collect();
            prop_assert_eq!(decode(&out, 1, bits.len()), values);
        }
    }

    #[test]
    fn a_run_is_a_few_bytes() {
        let mut out = Vec::new();
        encode(&vec![7u8; 20_000], 3, &mut out);
        assert_eq!(out.len(), 4);
        assert_eq!(decode(&out, 3, 20_000), vec![7; 20_000]);
    }

    #[test]
    fn a_width_holds_the_largest_value() {
        let widths = [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (255, 8), (256, 9), (u32::MAX, 32)];
        for (largest, width) in widths {
            assert_eq!(width_of(largest), width, "{largest}");
        }
        let widths =
            [(0, 1), (3, 2), (4, 4), (15, 4), (16, 8), (255, 8), (256, 16), (1 << 16, 24), (u32::MAX, 32)];
        for (largest, width) in widths {
            assert_eq!(width_of_codes(largest), width, "{largest}");
        }
    }
}
