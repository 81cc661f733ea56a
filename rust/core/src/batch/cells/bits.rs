//! Flags of cells gathered for the rows of a batch, eight columns at a time.

use arrow_buffer::{BooleanBuffer, Buffer};

/// Columns that are gathered at once: one bit each of a byte.
const COLUMNS: usize = 8;

/// The bits of the rows, for each choice of cells that was asked for. The columns of a table have few choices.
#[derive(Default)]
pub(super) struct Bitmaps<'a>(Vec<(&'a [bool], BooleanBuffer)>);

impl<'a> Bitmaps<'a> {
    /// The bits of all these columns, whose rows are at these places of the cells.
    pub(super) fn of(places: &[u32], columns: impl Iterator<Item = &'a [bool]>) -> Self {
        let mut distinct: Vec<&[bool]> = Vec::new();
        for column in columns {
            if !distinct.contains(&column) {
                distinct.push(column);
            }
        }
        let bitmaps = distinct.chunks(COLUMNS).flat_map(|columns| {
            let bits = gather(places, columns);
            columns.iter().copied().zip(bits)
        });
        Self(bitmaps.collect())
    }

    /// The bits of a column, from those that were gathered if they are there.
    pub(super) fn get(&mut self, places: &[u32], column: &'a [bool]) -> BooleanBuffer {
        if let Some((_, bits)) = self.0.iter().find(|(known, _)| *known == column) {
            return bits.clone();
        }
        let bits = gather(places, &[column]).swap_remove(0);
        self.0.push((column, bits.clone()));
        bits
    }
}

/// The bits of at most eight columns.
fn gather(places: &[u32], columns: &[&[bool]]) -> Vec<BooleanBuffer> {
    let cells = columns.first().map_or(0, |column| column.len());
    let mut masks = vec![0; cells];
    for (bit, column) in columns.iter().enumerate() {
        masks.iter_mut().zip(*column).for_each(|(mask, &flag)| *mask |= u8::from(flag) << bit);
    }
    let word = |eight: &[u32; 8]| {
        let mask = |row: usize| u64::from(masks[eight[row] as usize]) << (8 * row);
        transposed(mask(0) | mask(1) | mask(2) | mask(3) | mask(4) | mask(5) | mask(6) | mask(7))
    };
    let (eights, rest) = places.as_chunks::<8>();
    let mut words: Vec<u64> = eights.iter().map(word).collect();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    words.push(word(&last));
    let bits = (0..columns.len()).map(|column| {
        let bytes: Vec<u8> = words.iter().map(|word| (word >> (8 * column)) as u8).collect();
        BooleanBuffer::new(Buffer::from_vec(bytes), 0, places.len())
    });
    bits.collect()
}

/// The 8 × 8 bits of a word with rows for columns: bit `i` of byte `j` becomes bit `j` of byte `i`
/// (Warren, "Hacker's Delight", section 7-3).
fn transposed(mut bits: u64) -> u64 {
    for (distance, mask) in
        [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)]
    {
        let swapped = (bits ^ (bits >> distance)) & mask;
        bits ^= swapped ^ (swapped << distance);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_those_of_the_places(
            cells in prop::collection::vec(prop::collection::vec(any::<bool>(), 11), 5),
            picks in prop::collection::vec((0..5usize).prop_map(|pick| pick as u32), 0..40),
        ) {
            let columns: Vec<Vec<bool>> = (0..11).map(|c| cells.iter().map(|cell| cell[c]).collect()).collect();
            let (early, late) = columns.split_at(9);
            let mut bitmaps = Bitmaps::of(&picks, early.iter().map(Vec::as_slice));
            for column in early.iter().chain(late).chain(early) {
                let expected: BooleanBuffer = picks.iter().map(|&place| column[place as usize]).collect();
                prop_assert_eq!(bitmaps.get(&picks, column), expected);
            }
        }
    }
}
