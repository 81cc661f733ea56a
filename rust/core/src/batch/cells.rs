//! Growing columns: one cell for each prepared value.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Int16Builder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Int32Array, ListArray, MapArray, StructArray, new_null_array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef};

use crate::schema::Kind;

use super::interner::Interner;

/// The cells of one column, in the shapes of [`Kind`]. `Off` takes values and keeps nothing: the column is not selected.
pub(super) enum Cells {
    Off,
    On { store: Store, data_type: DataType, any: bool },
}

/// What holds the cells.
pub(super) enum Store {
    Dict { codes: Vec<Option<i32>>, dict: Interner },
    Text(StringBuilder),
    Int64(Int64Builder),
    Int32(Int32Builder),
    Int16(Int16Builder),
    Bool(BooleanBuilder),
    ListText(ListBuilder<StringBuilder>),
    ListDict { lists: Lists, codes: Vec<i32>, dict: Interner },
    MapText { lists: Lists, keys: Vec<i32>, dict: Interner, values: StringBuilder },
    MapList { lists: Lists, keys: Vec<i32>, dict: Interner, values: ListBuilder<StringBuilder> },
}

/// Offsets and validity of list-like cells.
#[derive(Default)]
pub(super) struct Lists {
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Lists {
    fn push(&mut self, length: Option<usize>) {
        self.lengths.push(length.unwrap_or(0));
        self.valid.push(length.is_some());
    }

    fn offsets(&self) -> OffsetBuffer<i32> {
        OffsetBuffer::from_lengths(self.lengths.iter().copied())
    }

    fn nulls(&self) -> NullBuffer {
        NullBuffer::from(self.valid.as_slice())
    }
}

impl Cells {
    /// An empty column of that kind. Times, bodies and raw bytes are row-wise and never prepared.
    pub(super) fn new(kind: Kind) -> Self {
        let store = match kind {
            Kind::Dict => Store::Dict { codes: Vec::new(), dict: Interner::default() },
            Kind::Text | Kind::Json | Kind::Bytes => Store::Text(StringBuilder::new()),
            Kind::Int64 | Kind::Time => Store::Int64(Int64Builder::new()),
            Kind::Int32 => Store::Int32(Int32Builder::new()),
            Kind::Int16 => Store::Int16(Int16Builder::new()),
            Kind::Bool => Store::Bool(BooleanBuilder::new()),
            Kind::ListText => Store::ListText(ListBuilder::new(StringBuilder::new())),
            Kind::ListDict => {
                Store::ListDict { lists: Lists::default(), codes: Vec::new(), dict: Interner::default() }
            }
            Kind::MapText => Store::MapText {
                lists: Lists::default(),
                keys: Vec::new(),
                dict: Interner::default(),
                values: StringBuilder::new(),
            },
            Kind::MapList => Store::MapList {
                lists: Lists::default(),
                keys: Vec::new(),
                dict: Interner::default(),
                values: ListBuilder::new(StringBuilder::new()),
            },
        };
        Self::On { store, data_type: kind.data_type(), any: false }
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
            Some(Store::Dict { codes, dict }) => codes.push(value.map(|text| dict.code(text))),
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
    pub(super) fn list<S: AsRef<str>>(&mut self, items: Option<&[S]>) {
        match self.on(items.is_some()) {
            Some(Store::ListText(builder)) => append_list(builder, items),
            Some(Store::ListDict { lists, codes, dict }) => {
                codes.extend(items.unwrap_or_default().iter().map(|item| dict.code(item.as_ref())));
                lists.push(items.map(<[S]>::len));
            }
            _ => {}
        }
    }

    /// Adds a map cell with string values.
    pub(super) fn map<S: AsRef<str>>(&mut self, entries: Option<&[(S, S)]>) {
        if let Some(Store::MapText { lists, keys, dict, values }) = self.on(entries.is_some()) {
            for (key, value) in entries.unwrap_or_default() {
                keys.push(dict.code(key.as_ref()));
                values.append_value(value.as_ref());
            }
            lists.push(entries.map(<[(S, S)]>::len));
        }
    }

    /// Adds a map cell with list values.
    pub(super) fn map_of_lists<S: AsRef<str>>(&mut self, entries: Option<&[(S, Vec<S>)]>) {
        if let Some(Store::MapList { lists, keys, dict, values }) = self.on(entries.is_some()) {
            for (key, items) in entries.unwrap_or_default() {
                keys.push(dict.code(key.as_ref()));
                append_list(values, Some(items));
            }
            lists.push(entries.map(<[(S, Vec<S>)]>::len));
        }
    }

    /// The column, or `None` when no cell has a value: it is all null, whatever rows are taken from it.
    pub(super) fn array(&self) -> Option<ArrayRef> {
        let Self::On { store, data_type, any: true } = self else { return None };
        Some(match store {
            Store::Dict { codes, dict } => dictionary(Int32Array::from(codes.clone()), dict),
            Store::Text(builder) => Arc::new(builder.finish_cloned()),
            Store::Int64(builder) => Arc::new(builder.finish_cloned()),
            Store::Int32(builder) => Arc::new(builder.finish_cloned()),
            Store::Int16(builder) => Arc::new(builder.finish_cloned()),
            Store::Bool(builder) => Arc::new(builder.finish_cloned()),
            Store::ListText(builder) => Arc::new(builder.finish_cloned()),
            Store::ListDict { lists, codes, dict } => {
                let items = dictionary(Int32Array::from(codes.clone()), dict);
                Arc::new(ListArray::new(child(data_type), lists.offsets(), items, Some(lists.nulls())))
            }
            Store::MapText { lists, keys, dict, values } => {
                let keys = dictionary(Int32Array::from(keys.clone()), dict);
                map_array(data_type, lists, vec![keys, Arc::new(values.finish_cloned())])
            }
            Store::MapList { lists, keys, dict, values } => {
                let keys = dictionary(Int32Array::from(keys.clone()), dict);
                map_array(data_type, lists, vec![keys, Arc::new(values.finish_cloned())])
            }
        })
    }

    /// Bytes of the dictionary and the cells, roughly: enough to say when a table has grown too large.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Off => 0,
            Self::On { store, .. } => match store {
                Store::Dict { codes, dict } => 8 * codes.len() + dict.size(),
                Store::ListDict { codes, dict, .. } => 4 * codes.len() + dict.size(),
                Store::MapText { keys, dict, values, .. } => {
                    4 * keys.len() + dict.size() + values.values_slice().len()
                }
                Store::MapList { keys, dict, .. } => 4 * keys.len() + dict.size(),
                Store::Text(builder) => builder.values_slice().len(),
                _ => 0,
            },
        }
    }
}

fn append_list<S: AsRef<str>>(builder: &mut ListBuilder<StringBuilder>, items: Option<&[S]>) {
    for item in items.unwrap_or_default() {
        builder.values().append_value(item.as_ref());
    }
    builder.append(items.is_some());
}

/// A dictionary array over an interner. The codes come from that interner, so they are in its range.
pub(super) fn dictionary(codes: Int32Array, dict: &Interner) -> ArrayRef {
    Arc::new(DictionaryArray::<Int32Type>::new(codes, dict.values()))
}

fn child(data_type: &DataType) -> FieldRef {
    match data_type {
        DataType::List(field) | DataType::Map(field, _) => Arc::clone(field),
        other => Arc::new(Field::new("item", other.clone(), true)),
    }
}

fn map_array(data_type: &DataType, lists: &Lists, columns: Vec<ArrayRef>) -> ArrayRef {
    let entries_field = child(data_type);
    let entries = match entries_field.data_type() {
        DataType::Struct(fields) => StructArray::new(fields.clone(), columns, None),
        other => return new_null_array(other, lists.valid.len()),
    };
    Arc::new(MapArray::new(entries_field, lists.offsets(), entries, Some(lists.nulls()), false))
}

/// An array of nulls for a column of that kind.
pub(super) fn nulls(kind: Kind, rows: usize) -> ArrayRef {
    new_null_array(&kind.data_type(), rows)
}
