//! Where a row stands: the place of its file in the list of files, and its number in that file.

/// Bits of a position that are the number of the row: a file of a trillion rows is none that anybody has.
pub const ROW_BITS: u32 = 40;

/// The place of a file and the number of a row, in one number that sorts as both.
///
/// ```
/// use auditwake_core::stored::position::Position;
///
/// let position = Position::new(2, 7);
/// assert_eq!((position.file(), position.row()), (2, 7));
/// assert!(Position::new(1, 900) < position);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(
    /// The file in the upper bits, the row in the lower [`ROW_BITS`].
    pub u64,
);

impl Position {
    /// The position of a row in a file.
    #[must_use]
    pub fn new(file: usize, row: u64) -> Self {
        Self((file as u64) << ROW_BITS | row)
    }

    /// The place of the file in the list of files.
    #[must_use]
    pub fn file(self) -> usize {
        (self.0 >> ROW_BITS) as usize
    }

    /// The number of the row in its file, from 0.
    #[must_use]
    pub fn row(self) -> u64 {
        self.0 & ((1 << ROW_BITS) - 1)
    }
}
