//! Rows gathered from cells: Arrow's `take` for lists goes item by item through a dynamic copier, while here the items
//! of one cell are one copy.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Int32Array, ListArray, MapArray, StringArray, StructArray, UInt32Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef};

use super::super::interner::Interner;
use super::super::table::ABSENT;
use super::super::text::{Ends, TextVec};
use super::{Items, Lists};

/// The rows of a batch as places of cells.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a>(pub(super) &'a [u32]);

/// What each row takes of the items that the cells of a column hold.
struct Picked {
    /// The items of each row; none for a row without a list.
    ranges: Vec<Range<u32>>,
    /// Zero, then the end of each row's items among all that are taken.
    ends: Vec<i32>,
    /// Which rows have a list, `None` when all have.
    nulls: Option<NullBuffer>,
}

impl Picked {
    /// Items that are taken.
    fn count(&self) -> usize {
        self.ends.last().map_or(0, |&end| end as usize)
    }

    fn ranges(&self) -> impl Iterator<Item = Range<usize>> + Clone {
        self.ranges.iter().map(|range| range.start as usize..range.end as usize)
    }

    fn codes(&self, codes: &[i32]) -> Vec<i32> {
        let mut picked = Vec::with_capacity(self.count());
        self.ranges().for_each(|range| picked.extend_from_slice(&codes[range]));
        picked
    }

    fn items(&self, items: &Items) -> ArrayRef {
        match items {
            Items::Plain(texts) => self::texts(self.count(), self.ranges(), texts),
            Items::Coded { codes, dict } => dictionary(Int32Array::from(self.codes(codes)), dict),
        }
    }

    fn buffers(self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        (OffsetBuffer::new(ScalarBuffer::from(self.ends)), self.nulls)
    }
}

/// The texts at those places, `count` of them. They came as strings, so they are UTF-8 and the array is never refused.
fn texts(count: usize, ranges: impl Iterator<Item = Range<usize>> + Clone, texts: &TextVec) -> ArrayRef {
    // A vector that grows is copied again and again.
    let size = ranges.clone().map(|range| texts.ends.span(range).len()).sum();
    let mut bytes: Vec<u8> = Vec::with_capacity(size);
    let mut offsets = Vec::with_capacity(count + 1);
    offsets.push(0);
    for range in ranges {
        let span = texts.ends.span(range.clone());
        let moved = (bytes.len() as i32).wrapping_sub(span.start as i32);
        offsets.extend(texts.ends.of(range).iter().map(|&end| moved.wrapping_add(end as i32)));
        bytes.extend_from_slice(texts.bytes(span));
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Arc::new(StringArray::new(offsets, Buffer::from_vec(bytes), None))
}

impl Rows<'_> {
    /// The rows as Arrow's kernels want them.
    pub(super) fn indices(self) -> UInt32Array {
        if !self.0.contains(&ABSENT) {
            return UInt32Array::new(ScalarBuffer::from(self.0.to_vec()), None);
        }
        let valid = BooleanBuffer::collect_bool(self.0.len(), |i| self.0[i] != ABSENT);
        let places = self.0.iter().map(|&row| if row == ABSENT { 0 } else { row }).collect::<Vec<_>>();
        UInt32Array::new(ScalarBuffer::from(places), Some(NullBuffer::new(valid)))
    }

    fn pick(self, lists: &Lists) -> Picked {
        let mut nulls = 0;
        let ranges = self.0.iter().map(|&row| {
            let range = lists.range(row);
            nulls += usize::from(range.is_none());
            range.unwrap_or(0..0)
        });
        let ranges: Vec<Range<u32>> = ranges.collect();
        let mut ends = vec![0; self.0.len() + 1];
        let mut end = 0;
        for (slot, range) in ends[1..].iter_mut().zip(&ranges) {
            end += (range.end - range.start) as i32;
            *slot = end;
        }
        let valid = || BooleanBuffer::collect_bool(self.0.len(), |i| lists.range(self.0[i]).is_some());
        Picked { ranges, ends, nulls: (nulls > 0).then(|| NullBuffer::new(valid())) }
    }

    pub(super) fn list_of_texts(self, data_type: &DataType, lists: &Lists, items: &Items) -> ArrayRef {
        let picked = self.pick(lists);
        let items = picked.items(items);
        let (ends, nulls) = picked.buffers();
        Arc::new(ListArray::new(child(data_type), ends, items, nulls))
    }

    pub(super) fn list_of_codes(
        self,
        data_type: &DataType,
        lists: &Lists,
        codes: &[i32],
        dict: &Interner,
    ) -> ArrayRef {
        let picked = self.pick(lists);
        let items = dictionary(Int32Array::from(picked.codes(codes)), dict);
        let (ends, nulls) = picked.buffers();
        Arc::new(ListArray::new(child(data_type), ends, items, nulls))
    }

    pub(super) fn map_of_texts(
        self,
        data_type: &DataType,
        lists: &Lists,
        keys: &[i32],
        dict: &Interner,
        values: &Items,
    ) -> Option<ArrayRef> {
        let picked = self.pick(lists);
        let keys = dictionary(Int32Array::from(picked.codes(keys)), dict);
        let values = picked.items(values);
        map(data_type, picked, keys, values)
    }

    pub(super) fn map_of_lists(
        self,
        data_type: &DataType,
        lists: &Lists,
        keys: &[i32],
        dict: &Interner,
        (values, items): (&Ends, &Items),
    ) -> Option<ArrayRef> {
        let picked = self.pick(lists);
        let keys = dictionary(Int32Array::from(picked.codes(keys)), dict);
        // The lists of one row stand side by side, so their items are one copy.
        let mut inner = Picked {
            ranges: Vec::with_capacity(self.0.len()),
            ends: Vec::with_capacity(picked.count() + 1),
            nulls: None,
        };
        inner.ends.push(0);
        let mut count = 0;
        for entries in picked.ranges() {
            let span = values.span(entries.clone());
            let moved = (count as i32).wrapping_sub(span.start as i32);
            inner.ends.extend(values.of(entries).iter().map(|&end| moved.wrapping_add(end as i32)));
            count += span.end - span.start;
            inner.ranges.push(span.start as u32..span.end as u32);
        }
        let DataType::Struct(fields) = child(data_type).data_type().clone() else { return None };
        let items = inner.items(items);
        let list = ListArray::new(child(fields[1].data_type()), inner.buffers().0, items, None);
        map(data_type, picked, keys, Arc::new(list))
    }
}

fn map(data_type: &DataType, picked: Picked, keys: ArrayRef, values: ArrayRef) -> Option<ArrayRef> {
    let entries = child(data_type);
    let DataType::Struct(fields) = entries.data_type() else { return None };
    let columns = StructArray::new(fields.clone(), vec![keys, values], None);
    let (ends, nulls) = picked.buffers();
    Some(Arc::new(MapArray::new(entries, ends, columns, nulls, false)))
}

/// The cells of a dictionary column, -1 for null, as an array: to take rows from it costs less than to check the codes of
/// all rows once more.
pub(super) fn dictionary_of_cells(codes: &[i32], dict: &Interner) -> ArrayRef {
    let nulls: NullBuffer = codes.iter().map(|&code| code >= 0).collect();
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    let codes = codes.iter().map(|&code| code.max(0)).collect();
    dictionary(Int32Array::new(codes, nulls), dict)
}

/// A dictionary array over an interner. The codes come from that interner, so they are in its range.
fn dictionary(codes: Int32Array, dict: &Interner) -> ArrayRef {
    Arc::new(DictionaryArray::<Int32Type>::new(codes, dict.values()))
}

/// The field of a list's items or a map's entries.
fn child(data_type: &DataType) -> FieldRef {
    match data_type {
        DataType::List(field) | DataType::Map(field, _) => Arc::clone(field),
        other => Arc::new(Field::new("item", other.clone(), true)),
    }
}
