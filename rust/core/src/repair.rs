//! What can be repaired on a line without losing its event.

/// One kind of repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Repair {
    /// Bytes that are no UTF-8 became U+FFFD in the text columns; `raw` keeps them.
    InvalidUtf8,
    /// NUL bytes stood in front of or behind the event.
    NulRun,
    /// A byte order mark stood in front of the event.
    Bom,
    /// The line ends inside or behind a body: metadata kept, the rest lost before it reached us.
    Truncated,
    /// A key stood twice; the last value counts, as in Go.
    DuplicateKey,
    /// A known key had a value of another type; it is kept in `extra_fields`.
    WrongType,
    /// A timestamp is no RFC 3339 time; it is kept in `extra_fields`.
    Time,
    /// A torn fragment stood in front of the event on its line; the fragment is rejected.
    Resynchronised,
    /// A value is nested deeper than about 1,000; it is kept as it stands, but strict parsers refuse the line.
    DeepNesting,
    /// One of several events of the record was rejected.
    ItemRejected,
}

impl Repair {
    /// Every repair.
    pub const ALL: [Self; 10] = [
        Self::InvalidUtf8,
        Self::NulRun,
        Self::Bom,
        Self::Truncated,
        Self::DuplicateKey,
        Self::WrongType,
        Self::Time,
        Self::Resynchronised,
        Self::DeepNesting,
        Self::ItemRejected,
    ];

    /// The word in the column `repairs` and in the outcomes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::NulRun => "nul_run",
            Self::Bom => "bom",
            Self::Truncated => "truncated",
            Self::DuplicateKey => "duplicate_key",
            Self::WrongType => "wrong_type",
            Self::Time => "time",
            Self::Resynchronised => "resynchronised",
            Self::DeepNesting => "deep_nesting",
            Self::ItemRejected => "item_rejected",
        }
    }
}

/// A set of repairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs(u16);

impl Repairs {
    /// The set with one repair.
    #[must_use]
    pub fn one(repair: Repair) -> Self {
        Self(1 << repair as u16)
    }

    /// Adds a repair.
    pub fn add(&mut self, repair: Repair) {
        self.0 |= 1 << repair as u16;
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether nothing was repaired.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the repair is in the set.
    #[must_use]
    pub fn has(self, repair: Repair) -> bool {
        self.0 & (1 << repair as u16) != 0
    }

    /// The repairs of the set.
    pub fn iter(self) -> impl Iterator<Item = Repair> {
        Repair::ALL.into_iter().filter(move |repair| self.has(*repair))
    }
}
