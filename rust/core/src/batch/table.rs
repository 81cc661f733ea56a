//! Whole values by their raw bytes: a value that was met before costs one look-up, whatever it holds.

#![expect(
    clippy::inline_always,
    reason = "on the way of every line: what the compiler leaves as a call costs more than it does"
)]

use std::hash::BuildHasher;

use arrow_array::ArrayRef;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::parse::values::{Invalid, Rest};
use crate::repair::Repairs;
use crate::schema::{COLUMNS, Kind, Selection};

use super::cells::{Cells, Rows};
use super::guess::guess;
use super::text::{TextVec, same};

/// The first row of every table stands for an absent value: its cells are null, its key is the empty text, which no value has,
/// and it tells nothing.
pub(super) const ABSENT: u32 = 0;

/// Places that are remembered by a guess.
const LATELY: usize = 1 << 12;

/// What a prepared value tells beside its cells.
#[derive(Default)]
pub(super) struct Aside {
    /// Raw JSON for `extra_fields`.
    pub(super) json: Option<Box<str>>,
    /// What was repaired in the value.
    pub(super) repairs: Repairs,
    /// One small number for columns that derive from several values; each group says what it means.
    pub(super) fact: i32,
}

impl Aside {
    pub(super) fn new(rest: Rest, fact: i32) -> Self {
        Self { json: rest.json, repairs: rest.repairs, fact }
    }
}

/// Distinct values of one key of the event, each parsed once, with the cells of all columns that come from it. A value
/// equal byte for byte to one that was parsed has the same parse; equality is always checked, never the hash alone.
pub(super) struct Table {
    /// Raw bytes of each value.
    keys: TextVec,
    /// Places of `keys`, found by the hash of the bytes there.
    places: HashTable<u32>,
    seed: RandomState,
    /// Places of values that were met lately, by a [`guess`] at their bytes: a comparison with the right one costs less than
    /// a hash. A wrong place costs one comparison, whatever values the log holds.
    lately: Box<[Recent]>,
    /// Columns in the order in which the group writes them.
    columns: Vec<(&'static str, Kind)>,
    /// One growing column each, `Off` where it is not selected.
    cells: Vec<Cells>,
    asides: Vec<Aside>,
    /// The fact of each aside, close together: they are read for every row.
    facts: Vec<i32>,
    /// Whether texts leave as codes.
    coded: bool,
    /// Whether any aside has JSON or repairs; most tables never do, and need not be asked then.
    odd: bool,
    /// Whether any column of the batch needs this table.
    pub(super) active: bool,
}

/// A value that was met lately: its row, and where its bytes stand among all keys. With these beside the row, a wrong guess is
/// nearly always known by the length, and a right one by one look at memory that is far away.
#[derive(Clone, Copy, Default)]
struct Recent {
    place: u32,
    start: u32,
    len: u32,
}

/// Writes the cells of one new value, one call a column, in the order of the group's columns.
pub(super) struct Writer<'a> {
    cells: std::slice::IterMut<'a, Cells>,
}

impl Writer<'_> {
    /// The cells of the next column. A group that asks for more than it has columns is a mistake that the tests see.
    pub(super) fn next(&mut self) -> &mut Cells {
        self.cells.next().expect("a group writes one cell a column")
    }

    /// Adds a string cell.
    pub(super) fn text(&mut self, value: Option<&str>) {
        self.next().text(value);
    }

    /// Whether any of the columns that are still to be written is selected.
    pub(super) fn wants_more(&self) -> bool {
        self.cells.as_slice().iter().any(|cells| matches!(cells, Cells::On { .. }))
    }
}

impl Table {
    /// The table of the columns of that name, of which the selection may want none.
    pub(super) fn new(names: &[&'static str], selection: &Selection, coded: bool, needed: bool) -> Self {
        let kind = |name| COLUMNS.iter().find(|column| column.name == name).map_or(Kind::Text, |c| c.kind);
        let columns: Vec<_> = names.iter().map(|&name| (name, kind(name))).collect();
        let cells: Vec<_> = columns
            .iter()
            .map(|&(name, kind)| if selection.has(name) { Cells::new(kind, coded) } else { Cells::Off })
            .collect();
        let active = needed || cells.iter().any(|cells| matches!(cells, Cells::On { .. }));
        let mut table = Self {
            keys: TextVec::default(),
            places: HashTable::new(),
            seed: RandomState::default(),
            lately: vec![Recent::default(); LATELY].into_boxed_slice(),
            columns,
            cells,
            asides: Vec::new(),
            facts: Vec::new(),
            coded,
            odd: false,
            active,
        };
        table.begin();
        table
    }

    /// Adds the row of an absent value; the cells have theirs.
    fn begin(&mut self) {
        self.keys.push(b"");
        self.asides.push(Aside::default());
        self.facts.push(0);
    }

    /// The row of a value. `prepare` writes its cells when it is new.
    ///
    /// # Errors
    /// What `prepare` says; nothing is added then.
    #[inline]
    pub(super) fn row(
        &mut self,
        key: &[u8],
        prepare: impl FnOnce(&mut Writer<'_>) -> Result<Aside, Invalid>,
    ) -> Result<u32, Invalid> {
        match self.lately(key) {
            Some(place) => Ok(place),
            None => self.row_by_hash(key, prepare),
        }
    }

    /// Whether that is the row of a value, [`ABSENT`] for an absent one or a table that no column needs. Any number may be
    /// asked for: rows that were given out before the table was emptied as well.
    #[inline(always)]
    pub(super) fn is_row(&self, row: u32, value: Option<&[u8]>) -> bool {
        match value {
            Some(value) if self.active => {
                (row as usize) < self.keys.len() && same(self.keys.get(row as usize), value)
            }
            _ => row == ABSENT,
        }
    }

    /// The row of a value that was met lately.
    #[inline(always)]
    pub(super) fn lately(&self, key: &[u8]) -> Option<u32> {
        let Recent { place, start, len } = self.lately[guess(key, LATELY)];
        let start = start as usize;
        (len as usize == key.len()
            && self.keys.at(start..start + key.len()).is_some_and(|known| same(known, key)))
        .then_some(place)
    }

    /// As [`Self::row`], for a value that was not met lately. Apart from it, so that the usual way has few instructions.
    #[inline(never)]
    pub(super) fn row_by_hash(
        &mut self,
        key: &[u8],
        prepare: impl FnOnce(&mut Writer<'_>) -> Result<Aside, Invalid>,
    ) -> Result<u32, Invalid> {
        let hash = self.seed.hash_one(key);
        let place = match self.places.find(hash, |&place| self.keys.get(place as usize) == key) {
            Some(&place) => place,
            None => self.add(hash, key, prepare)?,
        };
        let start = self.keys.span(place).start;
        self.lately[guess(key, LATELY)] = Recent { place, start: start as u32, len: key.len() as u32 };
        Ok(place)
    }

    #[cold]
    fn add(
        &mut self,
        hash: u64,
        key: &[u8],
        prepare: impl FnOnce(&mut Writer<'_>) -> Result<Aside, Invalid>,
    ) -> Result<u32, Invalid> {
        let aside = prepare(&mut Writer { cells: self.cells.iter_mut() })?;
        self.odd |= aside.json.is_some() || !aside.repairs.is_empty();
        self.facts.push(aside.fact);
        self.asides.push(aside);
        let place = self.keys.push(key);
        let (keys, seed) = (&self.keys, &self.seed);
        self.places.insert_unique(hash, place, |&place| seed.hash_one(keys.get(place as usize)));
        Ok(place)
    }

    /// Raw bytes of the value at a row.
    pub(super) fn key(&self, row: u32) -> &[u8] {
        self.keys.get(row as usize)
    }

    /// Whether the value at a row tells anything beside its cells but its fact.
    #[inline]
    pub(super) fn tells(&self, row: u32) -> bool {
        self.aside(row).is_some_and(|aside| aside.json.is_some() || !aside.repairs.is_empty())
    }

    /// What the value at a row tells beside its cells, when any value of the table tells anything.
    #[inline]
    pub(super) fn aside(&self, row: u32) -> Option<&Aside> {
        if self.odd { self.asides.get(row as usize) } else { None }
    }

    /// The fact of the value at a row; zero for an absent one.
    #[inline]
    pub(super) fn fact(&self, row: u32) -> i32 {
        self.facts.get(row as usize).copied().unwrap_or(0)
    }

    /// The selected columns that have a value, for the rows of a batch.
    pub(super) fn take(&self, rows: &[u32]) -> Vec<(&'static str, ArrayRef)> {
        let mut rows = Rows::new(rows, self.cells.iter().flat_map(Cells::flags));
        let columns = self.columns.iter().zip(&self.cells);
        columns.filter_map(|(&(name, _), cells)| Some((name, cells.gather(&mut rows)?))).collect()
    }

    /// Bytes held, roughly.
    pub(super) fn size(&self) -> usize {
        self.keys.size() + 64 * self.asides.len() + self.cells.iter().map(Cells::size).sum::<usize>()
    }

    /// Forgets every value. Rows given out before are void.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.places.clear();
        self.lately.fill(Recent::default());
        self.asides.clear();
        self.facts.clear();
        self.odd = false;
        for (cells, &(_, kind)) in self.cells.iter_mut().zip(&self.columns) {
            if matches!(cells, Cells::On { .. }) {
                *cells = Cells::new(kind, self.coded);
            }
        }
        self.begin();
    }
}
