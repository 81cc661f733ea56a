//! Growing columns: one cell for each prepared value, and the rows of a batch gathered from them.

use std::cell::RefCell;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{Int16Type, Int32Type, Int64Type};
use arrow_array::{ArrayRef, StringArray, new_null_array};
use arrow_schema::DataType;

use crate::schema::Kind;

use super::interner::Interner;
use super::text::Ends;

mod bits;
mod gather;

pub(super) use gather::Rows;

/// The cells of one column, in the shapes of [`Kind`]. The first is the null of rows without a value of the column's table.
/// `Off` takes values and keeps nothing: the column is not selected.
pub(super) enum Cells {
    Off,
    On {
        store: Box<Store>,
        data_type: DataType,
        /// Which cells have a value. One without is zero, empty or the first code in `store`.
        valid: Vec<bool>,
        /// Whether any cell has a value.
        any: bool,
    },
}

/// What holds the cells.
pub(super) enum Store {
    Dict(Codes),
    /// In a cell of Rust's, since it is an array for as long as rows are taken from it.
    Text(RefCell<StringBuilder>),
    Int64(Vec<i64>),
    Int32(Vec<i32>),
    Int16(Vec<i16>),
    Bool(Vec<bool>),
    /// Lists of codes.
    List {
        /// Where the items of each cell end.
        lists: Ends,
        items: Codes,
    },
    Map {
        /// Where the entries of each cell end.
        lists: Ends,
        keys: Codes,
        values: Codes,
    },
    MapOfLists {
        lists: Ends,
        keys: Codes,
        /// Where the list of each entry ends among the items.
        values: Ends,
        items: Codes,
    },
}

/// Texts as codes.
#[derive(Default)]
pub(super) struct Codes {
    codes: Vec<i32>,
    dict: Interner,
}

impl Codes {
    fn push(&mut self, text: &str) {
        self.codes.push(self.dict.code(text));
    }

    /// Adds a text or, where there is none, a code that no row will show.
    fn push_some(&mut self, text: Option<&str>) {
        let code = text.map_or(0, |text| self.dict.code(text));
        self.codes.push(code);
    }

    /// All of them.
    fn array(&self) -> ArrayRef {
        self.dict.array_of(&self.codes)
    }

    fn size(&self) -> usize {
        4 * self.codes.len() + self.dict.size()
    }
}

impl Cells {
    /// An empty column of that kind, with every text as a code where `coded`. Times, bodies and raw bytes are row-wise and
    /// never prepared.
    pub(super) fn new(kind: Kind, coded: bool) -> Self {
        let store = match kind {
            Kind::Dict => Store::Dict(Codes::default()),
            Kind::Text if coded => Store::Dict(Codes::default()),
            Kind::Text | Kind::Json | Kind::Bytes => Store::Text(RefCell::default()),
            Kind::Int64 | Kind::Time => Store::Int64(Vec::new()),
            Kind::Int32 => Store::Int32(Vec::new()),
            Kind::Int16 => Store::Int16(Vec::new()),
            Kind::Bool => Store::Bool(Vec::new()),
            Kind::List => Store::List { lists: Ends::default(), items: Codes::default() },
            Kind::Map => {
                Store::Map { lists: Ends::default(), keys: Codes::default(), values: Codes::default() }
            }
            Kind::MapOfLists => Store::MapOfLists {
                lists: Ends::default(),
                keys: Codes::default(),
                values: Ends::default(),
                items: Codes::default(),
            },
        };
        let data_type = if coded { kind.coded_type() } else { kind.data_type() };
        let mut cells = Self::On { store: Box::new(store), data_type, valid: Vec::new(), any: false };
        cells.null(kind);
        cells
    }

    /// Adds a cell without a value.
    fn null(&mut self, kind: Kind) {
        match kind {
            Kind::Dict | Kind::Text | Kind::Json | Kind::Bytes => self.text(None),
            Kind::Int64 | Kind::Time | Kind::Int32 | Kind::Int16 => self.int(None),
            Kind::Bool => self.flag(None),
            Kind::List => self.list::<&str>(None),
            Kind::Map => self.map::<&str>(None),
            Kind::MapOfLists => self.map_of_lists::<&str>(None),
        }
    }

    fn on(&mut self, value: bool) -> Option<&mut Store> {
        match self {
            Self::Off => None,
            Self::On { store, valid, any, .. } => {
                valid.push(value);
                *any |= value;
                Some(store)
            }
        }
    }

    /// Adds a string cell.
    pub(super) fn text(&mut self, value: Option<&str>) {
        match self.on(value.is_some()) {
            Some(Store::Dict(codes)) => codes.push_some(value),
            Some(Store::Text(texts)) => texts.get_mut().append_value(value.unwrap_or_default()),
            _ => {}
        }
    }

    /// Adds an integer cell; one that its column cannot hold is null.
    pub(super) fn int(&mut self, value: Option<i64>) {
        let value = match self {
            Self::On { store, .. } => match **store {
                Store::Int32(_) => value.filter(|&value| i32::try_from(value).is_ok()),
                Store::Int16(_) => value.filter(|&value| i16::try_from(value).is_ok()),
                _ => value,
            },
            Self::Off => None,
        };
        let number = value.unwrap_or_default();
        match self.on(value.is_some()) {
            Some(Store::Int64(cells)) => cells.push(number),
            Some(Store::Int32(cells)) => cells.push(number as i32),
            Some(Store::Int16(cells)) => cells.push(number as i16),
            _ => {}
        }
    }

    /// Adds a boolean cell.
    pub(super) fn flag(&mut self, value: Option<bool>) {
        if let Some(Store::Bool(cells)) = self.on(value.is_some()) {
            cells.push(value.unwrap_or_default());
        }
    }

    /// Adds a list cell.
    pub(super) fn list<S: AsRef<str>>(&mut self, value: Option<&[S]>) {
        if let Some(Store::List { lists, items }) = self.on(value.is_some()) {
            for item in value.unwrap_or_default() {
                items.push(item.as_ref());
            }
            lists.push(items.codes.len());
        }
    }

    /// Adds a map cell with string values.
    pub(super) fn map<S: AsRef<str>>(&mut self, entries: Option<&[(S, S)]>) {
        if let Some(Store::Map { lists, keys, values }) = self.on(entries.is_some()) {
            for (key, value) in entries.unwrap_or_default() {
                keys.push(key.as_ref());
                values.push(value.as_ref());
            }
            lists.push(keys.codes.len());
        }
    }

    /// Adds a map cell with list values.
    pub(super) fn map_of_lists<S: AsRef<str>>(&mut self, entries: Option<&[(S, Vec<S>)]>) {
        if let Some(Store::MapOfLists { lists, keys, values, items }) = self.on(entries.is_some()) {
            for (key, value) in entries.unwrap_or_default() {
                keys.push(key.as_ref());
                for item in value {
                    items.push(item.as_ref());
                }
                values.push(items.codes.len());
            }
            lists.push(keys.codes.len());
        }
    }

    /// The cells of the rows; `None` when no cell has a value.
    pub(super) fn gather<'a>(&'a self, rows: &mut Rows<'a>) -> Option<ArrayRef> {
        let Self::On { store, data_type, valid, any: true } = self else { return None };
        match &**store {
            Store::Dict(codes) => rows.dictionary(&codes.array(), valid),
            Store::Text(texts) => lend(texts, |texts| rows.texts(texts, valid)),
            Store::Int64(cells) => Some(rows.numbers::<Int64Type>(cells, valid)),
            Store::Int32(cells) => Some(rows.numbers::<Int32Type>(cells, valid)),
            Store::Int16(cells) => Some(rows.numbers::<Int16Type>(cells, valid)),
            Store::Bool(cells) => Some(rows.flags(cells, valid)),
            Store::List { lists, items } => rows.list(data_type, lists, &items.array(), valid),
            Store::Map { lists, keys, values } => {
                rows.map(data_type, lists, (&keys.array(), &values.array()), valid)
            }
            Store::MapOfLists { lists, keys, values, items } => {
                rows.map_of_lists(data_type, lists, &keys.array(), (values, &items.array()), valid)
            }
        }
    }

    /// The flags that [`Self::gather`] will ask the rows for.
    pub(super) fn flags(&self) -> impl Iterator<Item = &[bool]> {
        let all = match self {
            Self::On { store, valid, any: true, .. } => match &**store {
                Store::Bool(cells) => [Some(&valid[..]), Some(&cells[..])],
                _ => [Some(&valid[..]), None],
            },
            _ => [None, None],
        };
        all.into_iter().flatten()
    }

    /// Bytes of the dictionary and the cells, roughly: enough to say when a table has grown too large.
    pub(super) fn size(&self) -> usize {
        let Self::On { store, .. } = self else { return 0 };
        match &**store {
            Store::Dict(codes) | Store::List { items: codes, .. } => codes.size(),
            Store::Map { keys, values, .. } => keys.size() + values.size(),
            Store::MapOfLists { keys, items, .. } => keys.size() + items.size(),
            Store::Text(texts) => texts.borrow().values_slice().len(),
            _ => 0,
        }
    }
}

/// Makes a builder an array, looks at it, and makes it a builder again: none of the texts is copied for that.
fn lend(
    texts: &RefCell<StringBuilder>,
    look: impl FnOnce(&StringArray) -> Option<ArrayRef>,
) -> Option<ArrayRef> {
    let array = texts.take().finish();
    let answer = look(&array);
    let again = array.into_builder().or_else(|shared| {
        let mut copy = StringBuilder::new();
        copy.append_array(&shared).map(|()| copy)
    });
    texts.replace(again.ok()?);
    answer
}

/// Columns without any value: one array a kind, kept from batch to batch and cut to size.
#[derive(Default)]
pub(super) struct Nulls(Vec<(Kind, ArrayRef)>);

impl Nulls {
    /// A column of that kind.
    pub(super) fn column(&mut self, kind: Kind, rows: usize) -> ArrayRef {
        if let Some((_, column)) = self.0.iter().find(|(of, column)| *of == kind && column.len() >= rows) {
            return column.slice(0, rows);
        }
        let column = new_null_array(&kind.data_type(), rows);
        self.0.retain(|(of, _)| *of != kind);
        self.0.push((kind, Arc::clone(&column)));
        column
    }
}
