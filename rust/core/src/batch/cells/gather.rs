//! The rows of a batch gathered from cells, column by column.
//!
//! Arrow's `take` does it, on arrays that were checked once: to check the texts and codes of all rows costs more than to copy
//! them. It takes items of lists one by one like any other cells, since its own way with lists is a dynamic copier.

use std::cell::OnceCell;
use std::sync::{Arc, LazyLock};

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{
    ArrayRef, BooleanArray, ListArray, MapArray, PrimitiveArray, StringArray, StructArray, UInt32Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef};
use arrow_select::nullif::nullif;
use arrow_select::take::take;

use super::super::text::Ends;
use super::bits::Bitmaps;

/// The rows of a batch as places of cells.
pub(in super::super) struct Rows<'a> {
    places: &'a [u32],
    /// The same as `take` wants it, made when the first column needs it.
    indices: OnceCell<ScalarBuffer<u32>>,
    /// Which rows have a value or a flag, for the columns that were announced or asked for.
    bits: Bitmaps<'a>,
}

/// The items of lists, for some of the lists.
struct Items {
    /// Where each list ends among them.
    ends: OffsetBuffer<i32>,
    /// Where each item stands among those of all lists.
    places: UInt32Array,
}

/// Items that are written at once; what is too much of a short list is overwritten by the next one.
const AT_ONCE: usize = 8;

impl Items {
    fn of(lists: &Ends, places: &[u32]) -> Self {
        // The values of a user's extra are lists, and nearly all of them have one item.
        if lists.are_single() {
            return Self { ends: single_ends(places.len()), places: UInt32Array::from(places.to_vec()) };
        }
        let mut end = 0;
        let mut ends = Vec::with_capacity(places.len() + 1);
        ends.push(0);
        ends.extend(places.iter().map(|&place| {
            end += lists.span(place as usize).len();
            end as i32
        }));
        let mut items: Vec<u32> = Vec::with_capacity(end + AT_ONCE);
        for &place in places {
            let list = lists.span(place as usize);
            if list.len() <= AT_ONCE {
                let (start, end) = (list.start as u32, items.len() + list.len());
                let these: [u32; AT_ONCE] = std::array::from_fn(|i| start.wrapping_add(i as u32));
                items.extend_from_slice(&these);
                items.truncate(end);
            } else {
                items.extend(list.map(|item| item as u32));
            }
        }
        Self { ends: OffsetBuffer::new(ScalarBuffer::from(ends)), places: UInt32Array::from(items) }
    }

    fn take(&self, from: &ArrayRef) -> Option<ArrayRef> {
        take(from, &self.places, None).ok()
    }
}

/// Where lists of one item end. They share memory, since to touch new memory costs more than all else about them.
fn single_ends(lists: usize) -> OffsetBuffer<i32> {
    const SHARED: usize = 1 << 16;
    static ENDS: LazyLock<OffsetBuffer<i32>> = LazyLock::new(|| count(SHARED));
    fn count(lists: usize) -> OffsetBuffer<i32> {
        OffsetBuffer::new((0..=lists as i32).collect())
    }
    if lists <= SHARED { ENDS.slice(0, lists) } else { count(lists) }
}

impl<'a> Rows<'a> {
    /// The rows of a batch, and the flags that will be asked for.
    pub(in super::super) fn new(places: &'a [u32], flags: impl Iterator<Item = &'a [bool]>) -> Self {
        Self { places, indices: OnceCell::new(), bits: Bitmaps::of(places, flags) }
    }

    /// The rows as `take` wants them, null where `nulls` says so.
    fn indices(&self, nulls: Option<NullBuffer>) -> UInt32Array {
        let indices = self.indices.get_or_init(|| ScalarBuffer::from(self.places.to_vec()));
        UInt32Array::new(indices.clone(), nulls)
    }

    /// Which rows have a value where these cells have one; `None` when all rows have.
    fn nulls(&mut self, valid: &'a [bool]) -> Option<NullBuffer> {
        let nulls = NullBuffer::new(self.bits.get(self.places, valid));
        (nulls.null_count() > 0).then_some(nulls)
    }

    pub(super) fn dictionary(&mut self, cells: &ArrayRef, valid: &'a [bool]) -> Option<ArrayRef> {
        let taken = take(cells, &self.indices(None), None).ok()?;
        match self.nulls(valid) {
            None => Some(taken),
            Some(nulls) => nullif(&taken, &BooleanArray::new(!nulls.inner(), None)).ok(),
        }
    }

    pub(super) fn texts(&mut self, cells: &StringArray, valid: &'a [bool]) -> Option<ArrayRef> {
        let nulls = self.nulls(valid);
        take(cells, &self.indices(nulls), None).ok()
    }

    pub(super) fn numbers<T: ArrowPrimitiveType>(
        &mut self,
        cells: &[T::Native],
        valid: &'a [bool],
    ) -> ArrayRef {
        let numbers: Vec<T::Native> = self.places.iter().map(|&place| cells[place as usize]).collect();
        Arc::new(PrimitiveArray::<T>::new(numbers.into(), self.nulls(valid)))
    }

    pub(super) fn flags(&mut self, cells: &'a [bool], valid: &'a [bool]) -> ArrayRef {
        Arc::new(BooleanArray::new(self.bits.get(self.places, cells), self.nulls(valid)))
    }

    pub(super) fn list(
        &mut self,
        data_type: &DataType,
        lists: &Ends,
        items: &ArrayRef,
        valid: &'a [bool],
    ) -> Option<ArrayRef> {
        let these = Items::of(lists, self.places);
        let items = these.take(items)?;
        Some(Arc::new(ListArray::new(child(data_type), these.ends, items, self.nulls(valid))))
    }

    pub(super) fn map(
        &mut self,
        data_type: &DataType,
        lists: &Ends,
        (keys, values): (&ArrayRef, &ArrayRef),
        valid: &'a [bool],
    ) -> Option<ArrayRef> {
        let these = Items::of(lists, self.places);
        let columns = vec![these.take(keys)?, these.take(values)?];
        map(data_type, these.ends, columns, self.nulls(valid))
    }

    pub(super) fn map_of_lists(
        &mut self,
        data_type: &DataType,
        lists: &Ends,
        keys: &ArrayRef,
        (values, items): (&Ends, &ArrayRef),
        valid: &'a [bool],
    ) -> Option<ArrayRef> {
        let these = Items::of(lists, self.places);
        let inner = Items::of(values, these.places.values());
        let DataType::Struct(fields) = child(data_type).data_type().clone() else { return None };
        let items = inner.take(items)?;
        let values = ListArray::new(child(fields[1].data_type()), inner.ends, items, None);
        let columns = vec![these.take(keys)?, Arc::new(values)];
        map(data_type, these.ends, columns, self.nulls(valid))
    }
}

fn map(
    data_type: &DataType,
    ends: OffsetBuffer<i32>,
    columns: Vec<ArrayRef>,
    nulls: Option<NullBuffer>,
) -> Option<ArrayRef> {
    let entries = child(data_type);
    let DataType::Struct(fields) = entries.data_type() else { return None };
    let columns = StructArray::new(fields.clone(), columns, None);
    Some(Arc::new(MapArray::new(entries, ends, columns, nulls, false)))
}

/// The field of a list's items or a map's entries.
fn child(data_type: &DataType) -> FieldRef {
    match data_type {
        DataType::List(field) | DataType::Map(field, _) => Arc::clone(field),
        other => Arc::new(Field::new("item", other.clone(), true)),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Array, Int64Array};
    use proptest::prelude::*;

    use super::super::Cells;
    use super::*;
    use crate::schema::Kind;

    type Entries = Vec<(String, Vec<String>)>;

    /// What a row holds, spelt out.
    fn told(column: Option<&ArrayRef>, row: usize) -> String {
        column.map_or_else(|| "null".to_owned(), |column| spell(column, row))
    }

    fn spell(column: &ArrayRef, row: usize) -> String {
        let list = |values: &ArrayRef| {
            format!("{:?}", (0..values.len()).map(|i| spell(values, i)).collect::<Vec<_>>())
        };
        match column.data_type() {
            _ if column.is_null(row) => "null".to_owned(),
            DataType::Dictionary(..) => {
                let column = column.as_dictionary::<arrow_array::types::Int32Type>();
                spell(column.values(), column.keys().value(row) as usize)
            }
            DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
            DataType::Boolean => column.as_boolean().value(row).to_string(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Int16 => column.as_primitive::<arrow_array::types::Int16Type>().value(row).to_string(),
            DataType::List(_) => list(&column.as_list::<i32>().value(row)),
            DataType::Map(..) => {
                let entries = column.as_map().value(row);
                list(entries.column(0)) + &list(entries.column(1))
            }
            other => unreachable!("{other}"),
        }
    }

    fn words(value: &Entries) -> Vec<String> {
        value.iter().map(|(key, _)| key.clone()).collect()
    }

    fn pairs(value: &Entries) -> Vec<(String, String)> {
        value.iter().map(|(key, items)| (key.clone(), items.concat())).collect()
    }

    /// Adds a cell of a kind that is made of these entries; answers what it is to be, spelt out.
    fn push(cells: &mut Cells, kind: Kind, value: Option<&Entries>) -> String {
        let size = value.map(|entries| entries.len() as i64 * 20_000);
        let spelt = match kind {
            Kind::Dict | Kind::Text => {
                let text = value.map(|entries| words(entries).concat());
                cells.text(text.as_deref());
                text
            }
            Kind::Int64 | Kind::Int16 => {
                cells.int(size);
                size.filter(|&size| kind == Kind::Int64 || size < 32_768).map(|size| size.to_string())
            }
            Kind::Bool => {
                cells.flag(value.map(Vec::is_empty));
                value.map(|entries| entries.is_empty().to_string())
            }
            Kind::List => {
                let list = value.map(words);
                cells.list(list.as_deref());
                list.map(|list| format!("{list:?}"))
            }
            Kind::Map => {
                let entries = value.map(pairs);
                cells.map(entries.as_deref());
                let spell = |entries: Vec<(String, String)>| {
                    let (keys, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
                    format!("{keys:?}{values:?}")
                };
                entries.map(spell)
            }
            _ => {
                cells.map_of_lists(value.map(Vec::as_slice));
                let spell = |entries: &Entries| {
                    let lists: Vec<_> = entries.iter().map(|(_, items)| format!("{items:?}")).collect();
                    format!("{:?}{lists:?}", words(entries))
                };
                value.map(spell)
            }
        };
        spelt.unwrap_or_else(|| "null".to_owned())
    }

    proptest! {
        #[test]
        fn rows_hold_what_their_cells_hold(
            values in prop::collection::vec(
                prop::option::weighted(0.8, prop::collection::vec(("[a-cé]{0,2}", prop::collection::vec("[ab]{0,2}", 0..3)), 0..4)),
                0..6,
            ),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..150),
            coded: bool,
        ) {
            let kinds = [Kind::Dict, Kind::Text, Kind::Int64, Kind::Int16, Kind::Bool];
            let lists = [Kind::List, Kind::Map, Kind::MapOfLists];
            let places: Vec<u32> = picks.iter().map(|pick| pick.index(values.len() + 1) as u32).collect();
            let columns: Vec<(Cells, Vec<String>)> = kinds.into_iter().chain(lists).map(|kind| {
                let mut cells = Cells::new(kind, coded);
                let mut told = vec!["null".to_owned()];
                told.extend(values.iter().map(|value| push(&mut cells, kind, value.as_ref())));
                (cells, told)
            }).collect();
            let mut rows = Rows::new(&places, columns.iter().flat_map(|(cells, _)| cells.flags()));
            // Twice, as in the next batch: the cells are still there.
            for (cells, expected) in columns.iter().chain(&columns) {
                let column = cells.gather(&mut rows);
                prop_assert!(column.as_ref().is_none_or(|column| column.len() == places.len()));
                for (row, &place) in places.iter().enumerate() {
                    prop_assert_eq!(&told(column.as_ref(), row), &expected[place as usize]);
                }
            }
        }
    }

    #[test]
    fn a_column_without_a_value_is_none() {
        let mut cells = Cells::new(Kind::Int64, false);
        cells.int(None);
        assert!(cells.gather(&mut Rows::new(&[0, 1], std::iter::empty())).is_none());
        cells.int(Some(7));
        let column = cells.gather(&mut Rows::new(&[0, 2, 1], cells.flags())).unwrap();
        assert_eq!(column.as_primitive::<Int64Type>(), &Int64Array::from(vec![None, Some(7), None]));
    }
}
