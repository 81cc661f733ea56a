//! Parquet's `DELTA_BINARY_PACKED` (parquet-format `Encodings.md`, "Delta Encoding"): differences of neighbours above the
//! smallest one of their block, in as few bits as the largest of their miniblock needs.

use super::hybrid::varint;

/// Values of a miniblock, which share a width.
const MINIBLOCK: usize = 32;

/// Miniblocks of a block, which share a smallest difference.
const MINIBLOCKS: usize = 4;

/// An integer that Parquet has a type for. Differences wrap, so that each fits the type.
pub(super) trait Integer: Copy {
    /// `self - other`.
    fn minus(self, other: Self) -> i64;

    /// How far a difference is above a smaller one.
    fn above(difference: i64, smallest: i64) -> u64;

    fn wide(self) -> i64;
}

impl Integer for i64 {
    #[inline]
    fn minus(self, other: Self) -> i64 {
        self.wrapping_sub(other)
    }

    #[inline]
    fn above(difference: i64, smallest: i64) -> u64 {
        difference.wrapping_sub(smallest) as u64
    }

    fn wide(self) -> i64 {
        self
    }
}

impl Integer for i32 {
    #[inline]
    fn minus(self, other: Self) -> i64 {
        self.wrapping_sub(other).into()
    }

    #[inline]
    fn above(difference: i64, smallest: i64) -> u64 {
        u64::from(difference.wrapping_sub(smallest) as u32)
    }

    fn wide(self) -> i64 {
        self.into()
    }
}

/// Appends the values.
pub(super) fn encode<T: Integer>(values: &[T], out: &mut Vec<u8>) {
    varint((MINIBLOCKS * MINIBLOCK) as u64, out);
    varint(MINIBLOCKS as u64, out);
    varint(values.len() as u64, out);
    let Some((&first, rest)) = values.split_first() else {
        varint(0, out);
        return;
    };
    varint(zigzag(first.wide()), out);
    let mut before = first;
    for block in rest.chunks(MINIBLOCKS * MINIBLOCK) {
        let mut differences = [0; MINIBLOCKS * MINIBLOCK];
        for (difference, &value) in differences.iter_mut().zip(block) {
            *difference = value.minus(before);
            before = value;
        }
        encode_block::<T>(&differences[..block.len()], out);
    }
}

fn encode_block<T: Integer>(differences: &[i64], out: &mut Vec<u8>) {
    let smallest = differences.iter().copied().min().unwrap_or(0);
    varint(zigzag(smallest), out);
    let widths = out.len();
    out.extend_from_slice(&[0; MINIBLOCKS]);
    for (place, miniblock) in differences.chunks(MINIBLOCK).enumerate() {
        // What a short one is filled up with is never read.
        let mut above = [0; MINIBLOCK];
        for (above, &difference) in above.iter_mut().zip(miniblock) {
            *above = T::above(difference, smallest);
        }
        let all = above.iter().fold(0, |all, value| all | value);
        let width = u64::BITS - all.leading_zeros();
        out[widths + place] = width as u8;
        pack(&above, width, out);
    }
}

/// Appends the lowest bits of each value; a miniblock ends at a byte for any width.
fn pack(values: &[u64; MINIBLOCK], width: u32, out: &mut Vec<u8>) {
    let (mut word, mut bits) = (0, 0);
    for &value in values {
        word |= value << bits;
        bits += width;
        if bits >= u64::BITS {
            out.extend_from_slice(&word.to_le_bytes());
            bits -= u64::BITS;
            // What did not fit; nothing if all of it did.
            word = value.checked_shr(width - bits).unwrap_or(0);
        }
    }
    out.extend_from_slice(&word.to_le_bytes()[..bits as usize / 8]);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads the encoding back, straight from the format's description.
    struct Decoder<'a>(&'a [u8]);

    impl Decoder<'_> {
        fn bytes(&mut self, count: usize) -> Vec<u8> {
            let (bytes, rest) = self.0.split_at(count);
            self.0 = rest;
            bytes.to_vec()
        }

        fn varint(&mut self) -> u64 {
            let byte = self.bytes(1)[0];
            let low = u64::from(byte & 0x7f);
            if byte < 0x80 { low } else { low | (self.varint() << 7) }
        }

        fn zigzag(&mut self) -> i64 {
            let value = self.varint();
            (value >> 1) as i64 ^ -((value & 1) as i64)
        }

        fn values(mut self) -> Vec<i64> {
            let (block, miniblocks, count) = (self.varint(), self.varint() as usize, self.varint() as usize);
            let size = block as usize / miniblocks;
            let mut values = vec![self.zigzag()];
            while values.len() < count {
                let smallest = self.zigzag();
                for width in self.bytes(miniblocks).into_iter().map(usize::from) {
                    let packed = self.bytes(size * width / 8);
                    let bit = |bit: usize| u64::from(packed[bit / 8] >> (bit % 8) & 1);
                    let above =
                        |place: usize| (0..width).map(|low| bit(place * width + low) << low).sum::<u64>();
                    for above in (0..size).map(above) {
                        let last = values[values.len() - 1];
                        values.push(last.wrapping_add(smallest).wrapping_add(above as i64));
                    }
                }
            }
            assert!(self.0.is_empty());
            values.truncate(count);
            values
        }
    }

    fn encoded<T: Integer>(values: &[T]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(values, &mut out);
        out
    }

    /// Neighbours that differ by next to nothing, by anything, and by all that there is.
    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let value = prop_oneof![-3..3i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX), 0..1i64 << 40];
        prop_oneof![prop::collection::vec(value, 1..400), prop::collection::vec(0..900i64, 1..400)]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in numbers()) {
            prop_assert_eq!(Decoder(&encoded(&values)).values(), values);
        }

        #[test]
        fn short_numbers_wrap_as_their_type_does(values in numbers()) {
            let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
            let read: Vec<i32> = Decoder(&encoded(&values)).values().into_iter().map(|value| value as i32).collect();
            prop_assert_eq!(read, values);
        }
    }

    #[test]
    fn a_width_is_no_wider_than_the_type() {
        let out = encoded(&[i32::MIN, i32::MAX, i32::MIN, 0]);
        // The header is 2 + 1 + 1 + 5 bytes, the smallest difference 1 or more.
        let smallest = out[9..].iter().position(|byte| *byte < 0x80).unwrap() + 1;
        assert!(out[9 + smallest..][..MINIBLOCKS].iter().all(|width| *width <= 32), "{out:?}");
    }

    #[test]
    fn equal_steps_cost_nothing() {
        let values: Vec<i64> = (0..20_000).map(|step| 7 * step).collect();
        assert!(encoded(&values).len() < 20_000 / 128 * 6 + 20);
    }
}
