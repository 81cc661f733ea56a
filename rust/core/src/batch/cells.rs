//! Growing columns: one cell for each prepared value, and the rows of a batch gathered from them.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{Int16Type, Int32Type, Int64Type};
use arrow_array::{ArrayRef, new_null_array};
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
    /// Codes into `dict`.
    Dict {
        codes: Vec<i32>,
        dict: Interner,
    },
    Text(StringBuilder),
    Int64(Vec<i64>),
    Int32(Vec<i32>),
    Int16(Vec<i16>),
    Bool(Vec<bool>),
    ListText {
        lists: Ends,
        items: Items,
    },
    ListDict {
        lists: Ends,
        codes: Vec<i32>,
        dict: Interner,
    },
    MapText {
        /// Where the entries of each cell end.
        lists: Ends,
        keys: Vec<i32>,
        dict: Interner,
        values: Items,
    },
    MapList {
        lists: Ends,
        keys: Vec<i32>,
        dict: Interner,
        /// Where the list of each entry ends among the items.
        values: Ends,
        items: Items,
    },
}

/// Texts inside lists and maps.
pub(super) enum Items {
    Plain(StringBuilder),
    Coded { codes: Vec<i32>, dict: Interner },
}

impl Items {
    fn new(coded: bool) -> Self {
        if coded {
            Self::Coded { codes: Vec::new(), dict: Interner::default() }
        } else {
            Self::Plain(StringBuilder::new())
        }
    }

    fn push(&mut self, text: &str) {
        match self {
            Self::Plain(texts) => texts.append_value(text),
            Self::Coded { codes, dict } => codes.push(dict.code(text)),
        }
    }

    /// All of them.
    fn array(&self) -> ArrayRef {
        match self {
            Self::Plain(texts) => Arc::new(texts.finish_cloned()),
            Self::Coded { codes, dict } => dict.array_of(codes),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Plain(texts) => texts.values_slice().len() + 4 * texts.offsets_slice().len(),
            Self::Coded { codes, dict } => 4 * codes.len() + dict.size(),
        }
    }
}

impl Cells {
    /// An empty column of that kind, with every text as a code where `coded`. Times, bodies and raw bytes are row-wise and
    /// never prepared.
    pub(super) fn new(kind: Kind, coded: bool) -> Self {
        let (lists, dict) = (Ends::default(), Interner::default());
        let store = match kind {
            Kind::Dict => Store::Dict { codes: Vec::new(), dict },
            Kind::Text if coded => Store::Dict { codes: Vec::new(), dict },
            Kind::Text | Kind::Json | Kind::Bytes => Store::Text(StringBuilder::new()),
            Kind::Int64 | Kind::Time => Store::Int64(Vec::new()),
            Kind::Int32 => Store::Int32(Vec::new()),
            Kind::Int16 => Store::Int16(Vec::new()),
            Kind::Bool => Store::Bool(Vec::new()),
            Kind::ListText => Store::ListText { lists, items: Items::new(coded) },
            Kind::ListDict => Store::ListDict { lists, codes: Vec::new(), dict },
            Kind::MapText => Store::MapText { lists, keys: Vec::new(), dict, values: Items::new(coded) },
            Kind::MapList => Store::MapList {
                lists,
                keys: Vec::new(),
                dict,
                values: Ends::default(),
                items: Items::new(coded),
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
            Kind::ListText | Kind::ListDict => self.list::<&str>(None),
            Kind::MapText => self.map::<&str>(None),
            Kind::MapList => self.map_of_lists::<&str>(None),
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
            Some(Store::Dict { codes, dict }) => codes.push(value.map_or(0, |text| dict.code(text))),
            Some(Store::Text(builder)) => builder.append_value(value.unwrap_or_default()),
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
        let all = value.unwrap_or_default().iter().map(AsRef::as_ref);
        match self.on(value.is_some()) {
            Some(Store::ListText { lists, items }) => {
                lists.push(lists.last() + all.len());
                all.for_each(|item| items.push(item));
            }
            Some(Store::ListDict { lists, codes, dict }) => {
                lists.push(lists.last() + all.len());
                codes.extend(all.map(|item| dict.code(item)));
            }
            _ => {}
        }
    }

    /// Adds a map cell with string values.
    pub(super) fn map<S: AsRef<str>>(&mut self, entries: Option<&[(S, S)]>) {
        if let Some(Store::MapText { lists, keys, dict, values }) = self.on(entries.is_some()) {
            for (key, value) in entries.unwrap_or_default() {
                keys.push(dict.code(key.as_ref()));
                values.push(value.as_ref());
            }
            lists.push(keys.len());
        }
    }

    /// Adds a map cell with list values.
    pub(super) fn map_of_lists<S: AsRef<str>>(&mut self, entries: Option<&[(S, Vec<S>)]>) {
        if let Some(Store::MapList { lists, keys, dict, values, items }) = self.on(entries.is_some()) {
            for (key, value) in entries.unwrap_or_default() {
                keys.push(dict.code(key.as_ref()));
                for item in value {
                    items.push(item.as_ref());
                }
                values.push(values.last() + value.len());
            }
            lists.push(keys.len());
        }
    }

    /// The cells of the rows; `None` when no cell has a value.
    pub(super) fn gather<'a>(&'a self, rows: &mut Rows<'a>) -> Option<ArrayRef> {
        let Self::On { store, data_type, valid, any: true } = self else { return None };
        match &**store {
            Store::Dict { codes, dict } => rows.dictionary(&dict.array_of(codes), valid),
            Store::Text(builder) => rows.texts(&builder.finish_cloned(), valid),
            Store::Int64(cells) => Some(rows.numbers::<Int64Type>(cells, valid)),
            Store::Int32(cells) => Some(rows.numbers::<Int32Type>(cells, valid)),
            Store::Int16(cells) => Some(rows.numbers::<Int16Type>(cells, valid)),
            Store::Bool(cells) => Some(rows.flags(cells, valid)),
            Store::ListText { lists, items } => rows.list(data_type, lists, &items.array(), valid),
            Store::ListDict { lists, codes, dict } => {
                rows.list(data_type, lists, &dict.array_of(codes), valid)
            }
            Store::MapText { lists, keys, dict, values } => {
                rows.map(data_type, lists, (&dict.array_of(keys), &values.array()), valid)
            }
            Store::MapList { lists, keys, dict, values, items } => {
                rows.map_of_lists(data_type, lists, &dict.array_of(keys), (values, &items.array()), valid)
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
            Store::Dict { codes, dict } | Store::ListDict { codes, dict, .. } => {
                4 * codes.len() + dict.size()
            }
            Store::MapText { keys, dict, values, .. } => 4 * keys.len() + dict.size() + values.size(),
            Store::MapList { keys, dict, items, .. } => 4 * keys.len() + dict.size() + items.size(),
            Store::ListText { items, .. } => items.size(),
            Store::Text(builder) => builder.values_slice().len(),
            _ => 0,
        }
    }
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
