//! Parquet's hybrid of run lengths and bit-packed groups (parquet-format `Encodings.md`, "Run Length Encoding / Bit-Packing
//! Hybrid"), for levels and for dictionary codes.

/// Values in a bit-packed group; runs shorter than one are packed.
const GROUP: usize = 8;

/// Bits that the largest value needs, at least one: not every reader takes a width of zero.
pub(super) fn width_of(largest: u32) -> u32 {
    (u32::BITS - largest.leading_zeros()).max(1)
}

/// Appends the values, each of `width` bits.
pub(super) fn encode<T: Copy + Eq + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    // Values from here on wait to be packed.
    let mut packed = 0;
    let mut at = 0;
    while at < values.len() {
        let run = run_length(&values[at..]);
        // Only the last group of a file's run may be padded, so a run first fills the group in front of it.
        let fill = (at - packed).next_multiple_of(GROUP) - (at - packed);
        if run >= fill + GROUP {
            pack(&values[packed..at + fill], width, out);
            repeat(values[at].into(), run - fill, width, out);
            packed = at + run;
        }
        at += run;
    }
    pack(&values[packed..], width, out);
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
fn pack<T: Copy + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    varint(((groups as u64) << 1) | 1, out);
    out.reserve(groups * width as usize + 4);
    // Fewer than 32 bits wait between two values, so 64 are enough for any width.
    let (mut waiting, mut bits) = (0u64, 0);
    let padding = groups * GROUP - values.len();
    for value in values.iter().map(|value| (*value).into()).chain(std::iter::repeat_n(0, padding)) {
        waiting |= u64::from(value) << bits;
        bits += width;
        if bits >= 32 {
            out.extend_from_slice(&(waiting as u32).to_le_bytes());
            waiting >>= 32;
            bits -= 32;
        }
    }
    // Eight values of any width end at a byte.
    out.extend_from_slice(&waiting.to_le_bytes()[..bits as usize / 8]);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
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

    /// Runs of every length around the size of a group, so that each way into and out of a run is taken.
    fn runs() -> impl Strategy<Value = (u32, Vec<u32>)> {
        (1..=32u32).prop_flat_map(|width| {
            let value = any::<u32>().prop_map(move |value| value >> (32 - width));
            let run = (value, 1..40usize).prop_map(|(value, count)| vec![value; count]);
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
    }
}
