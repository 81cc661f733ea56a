//! Growing columns: one cell for each prepared value, and the rows of a batch gathered from them.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int16Builder, Int32Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, UInt32Array, new_null_array};
use arrow_schema::DataType;
use arrow_select::take::take;

use crate::schema::Kind;

use super::interner::Interner;
use super::text::{Ends, TextVec};

mod gather;

use gather::Rows;

/// The cells of one column, in the shapes of [`Kind`]. `Off` takes values and keeps nothing: the column is not selected.
pub(super) enum Cells {
    Off,
    On {
        store: Box<Store>,
        data_type: DataType,
        /// Whether any cell has a value.
        any: bool,
    },
}

/// What holds the cells.
pub(super) enum Store {
    /// Codes into `dict`, -1 for null.
    Dict {
        codes: Vec<i32>,
        dict: Interner,
    },
    Text(StringBuilder),
    Int64(Int64Builder),
    Int32(Int32Builder),
    Int16(Int16Builder),
    Bool(BooleanBuilder),
    ListText {
        lists: Lists,
        items: Items,
    },
    ListDict {
        lists: Lists,
        codes: Vec<i32>,
        dict: Interner,
    },
    MapText {
        lists: Lists,
        keys: Vec<i32>,
        dict: Interner,
        values: Items,
    },
    MapList {
        lists: Lists,
        keys: Vec<i32>,
        dict: Interner,
        /// Where the list of each entry ends among the items.
        values: Ends,
        items: Items,
    },
}

/// Texts inside lists and maps.
pub(super) enum Items {
    Plain(TextVec),
    Coded { codes: Vec<i32>, dict: Interner },
}

impl Items {
    fn new(coded: bool) -> Self {
        if coded {
            Self::Coded { codes: Vec::new(), dict: Interner::default() }
        } else {
            Self::Plain(TextVec::default())
        }
    }

    fn push(&mut self, text: &str) {
        match self {
            Self::Plain(texts) => {
                texts.push(text.as_bytes());
            }
            Self::Coded { codes, dict } => codes.push(dict.code(text)),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Plain(texts) => texts.size(),
            Self::Coded { codes, dict } => 4 * codes.len() + dict.size(),
        }
    }
}

/// Where the items of list-like cells stand.
#[derive(Default)]
pub(super) struct Lists {
    cells: Vec<Range<u32>>,
    /// Where the last one ends.
    end: u32,
}

/// How a cell without a list stands among the others.
const NULL: Range<u32> = u32::MAX..u32::MAX;

impl Lists {
    fn push(&mut self, length: Option<usize>) {
        self.cells.push(length.map_or(NULL, |length| {
            let start = self.end;
            self.end += length as u32;
            start..self.end
        }));
    }

    /// The items of a cell; `None` for a null or absent one.
    #[inline]
    fn range(&self, row: u32) -> Option<Range<u32>> {
        self.cells.get(row as usize).filter(|range| **range != NULL).cloned()
    }
}

impl Cells {
    /// An empty column of that kind, with every text as a code where `coded`. Times, bodies and raw bytes are row-wise and
    /// never prepared.
    pub(super) fn new(kind: Kind, coded: bool) -> Self {
        let (lists, dict) = (Lists::default(), Interner::default());
        let store = match kind {
            Kind::Dict => Store::Dict { codes: Vec::new(), dict },
            Kind::Text if coded => Store::Dict { codes: Vec::new(), dict },
            Kind::Text | Kind::Json | Kind::Bytes => Store::Text(StringBuilder::new()),
            Kind::Int64 | Kind::Time => Store::Int64(Int64Builder::new()),
            Kind::Int32 => Store::Int32(Int32Builder::new()),
            Kind::Int16 => Store::Int16(Int16Builder::new()),
            Kind::Bool => Store::Bool(BooleanBuilder::new()),
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
        Self::On { store: Box::new(store), data_type, any: false }
    }

    fn on(&mut self, value: bool) -> Option<&mut Store> {
        match self {
            Self::Off => None,
            Self::On { store, any, .. } => {
                *any |= value;
                Some(store)
            }
        }
    }

    /// Adds a string cell.
    pub(super) fn text(&mut self, value: Option<&str>) {
        match self.on(value.is_some()) {
            Some(Store::Dict { codes, dict }) => codes.push(value.map_or(-1, |text| dict.code(text))),
            Some(Store::Text(builder)) => builder.append_option(value),
            _ => {}
        }
    }

    /// Adds an integer cell; one that its column cannot hold is null.
    pub(super) fn int(&mut self, value: Option<i64>) {
        match self.on(value.is_some()) {
            Some(Store::Int64(builder)) => builder.append_option(value),
            Some(Store::Int32(builder)) => builder.append_option(value.and_then(|v| v.try_into().ok())),
            Some(Store::Int16(builder)) => builder.append_option(value.and_then(|v| v.try_into().ok())),
            _ => {}
        }
    }

    /// Adds a boolean cell.
    pub(super) fn flag(&mut self, value: Option<bool>) {
        if let Some(Store::Bool(builder)) = self.on(value.is_some()) {
            builder.append_option(value);
        }
    }

    /// Adds a list cell.
    pub(super) fn list<S: AsRef<str>>(&mut self, value: Option<&[S]>) {
        let all = value.unwrap_or_default().iter().map(AsRef::as_ref);
        match self.on(value.is_some()) {
            Some(Store::ListText { lists, items }) => {
                all.for_each(|item| items.push(item));
                lists.push(value.map(<[S]>::len));
            }
            Some(Store::ListDict { lists, codes, dict }) => {
                codes.extend(all.map(|item| dict.code(item)));
                lists.push(value.map(<[S]>::len));
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
            lists.push(entries.map(<[(S, S)]>::len));
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
            lists.push(entries.map(<[(S, Vec<S>)]>::len));
        }
    }

    /// The cells of the rows, `ABSENT` giving null; `None` when no cell has a value. `indices` are the rows as Arrow's
    /// kernels want them, made when the first column needs them.
    pub(super) fn gather(&self, rows: &[u32], indices: &mut Option<UInt32Array>) -> Option<ArrayRef> {
        let Self::On { store, data_type, any: true } = self else { return None };
        let rows = Rows(rows);
        let plain: ArrayRef = match &**store {
            Store::Dict { codes, dict } => gather::dictionary_of_cells(codes, dict),
            Store::ListText { lists, items } => return Some(rows.list_of_texts(data_type, lists, items)),
            Store::ListDict { lists, codes, dict } => {
                return Some(rows.list_of_codes(data_type, lists, codes, dict));
            }
            Store::MapText { lists, keys, dict, values } => {
                return rows.map_of_texts(data_type, lists, keys, dict, values);
            }
            Store::MapList { lists, keys, dict, values, items } => {
                return rows.map_of_lists(data_type, lists, keys, dict, (values, items));
            }
            Store::Text(builder) => Arc::new(builder.finish_cloned()),
            Store::Int64(builder) => Arc::new(builder.finish_cloned()),
            Store::Int32(builder) => Arc::new(builder.finish_cloned()),
            Store::Int16(builder) => Arc::new(builder.finish_cloned()),
            Store::Bool(builder) => Arc::new(builder.finish_cloned()),
        };
        take(&plain, indices.get_or_insert_with(|| rows.indices()), None).ok()
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
