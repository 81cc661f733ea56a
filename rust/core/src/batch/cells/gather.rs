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
use super::super::text::TextVec;
use super::{Items, Lists};

/// The rows of a batch as places of cells.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a>(pub(super) &'a [u32]);

impl Lists {
    /// The items of a cell; `None` for a null or absent one.
    fn range(&self, row: u32) -> Option<Range<usize>> {
        if row == ABSENT || !self.valid[row as usize] {
            return None;
        }
        let start = if row == 0 { 0 } else { self.ends[row as usize - 1] };
        Some(start as usize..self.ends[row as usize] as usize)
    }

    /// The items of consecutive cells.
    fn span(&self, cells: Range<usize>) -> Range<usize> {
        if cells.is_empty() {
            return 0..0;
        }
        let start = if cells.start == 0 { 0 } else { self.ends[cells.start - 1] };
        start as usize..self.ends[cells.end - 1] as usize
    }
}

/// Items being gathered, in the form in which they are kept.
enum Gathered<'a> {
    Texts(Texts, &'a TextVec),
    Codes(Vec<i32>, &'a [i32], &'a Interner),
}

impl<'a> Gathered<'a> {
    /// Nothing yet, with room for the items of those ranges: a vector that grows is copied again and again.
    fn for_ranges(items: &'a Items, ranges: impl Iterator<Item = Range<usize>>) -> Self {
        match items {
            Items::Plain(texts) => {
                let size = |range: Range<usize>| (range.len(), texts.bytes_in(range));
                let (count, bytes) = ranges.map(size).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
                Self::Texts(Texts::with_capacity(count, bytes), texts)
            }
            Items::Coded { codes, dict } => {
                Self::Codes(Vec::with_capacity(ranges.map(|range| range.len()).sum()), codes, dict)
            }
        }
    }

    fn extend(&mut self, range: Range<usize>) {
        match self {
            Self::Texts(gathered, texts) => gathered.extend(texts, range),
            Self::Codes(gathered, codes, _) => gathered.extend_from_slice(&codes[range]),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Texts(texts, _) => texts.offsets.len() - 1,
            Self::Codes(codes, ..) => codes.len(),
        }
    }

    fn array(self) -> ArrayRef {
        match self {
            Self::Texts(texts, _) => texts.array(),
            Self::Codes(codes, _, dict) => dictionary(Int32Array::from(codes), dict),
        }
    }
}

/// Texts being gathered.
struct Texts {
    bytes: Vec<u8>,
    /// Zero, then the end of each text.
    offsets: Vec<i32>,
}

impl Texts {
    fn with_capacity(count: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(count + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(bytes), offsets }
    }

    fn extend(&mut self, texts: &TextVec, range: Range<usize>) {
        let base = self.bytes.len() as i32;
        let (bytes, ends) = texts.slice(range.start, range.end);
        self.bytes.extend_from_slice(bytes);
        self.offsets.extend(ends.map(|end| base + end as i32));
    }

    /// The texts came as strings, so they are UTF-8 and the array is never refused.
    fn array(self) -> ArrayRef {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Arc::new(StringArray::new(offsets, Buffer::from_vec(self.bytes), None))
    }
}

/// Ends of lists being gathered.
struct Ends {
    offsets: Vec<i32>,
    any_null: bool,
}

impl Ends {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, any_null: false }
    }

    fn push(&mut self, end: usize, null: bool) {
        self.offsets.push(end as i32);
        self.any_null |= null;
    }

    fn buffer(self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(self.offsets))
    }
}

impl Rows<'_> {
    /// The rows as Arrow's kernels want them.
    pub(super) fn indices(self) -> UInt32Array {
        let nulls = self.nulls(|row| row == ABSENT);
        let places = self.0.iter().map(|&row| if row == ABSENT { 0 } else { row }).collect::<Vec<_>>();
        UInt32Array::new(ScalarBuffer::from(places), nulls)
    }

    pub(super) fn list_of_texts(self, data_type: &DataType, lists: &Lists, items: &Items) -> ArrayRef {
        let mut ends = Ends::new(self.0.len());
        let mut gathered = Gathered::for_ranges(items, self.ranges(lists));
        for &row in self.0 {
            let range = lists.range(row);
            let null = range.is_none();
            gathered.extend(range.unwrap_or_default());
            ends.push(gathered.len(), null);
        }
        let nulls = self.list_nulls(lists, &ends);
        Arc::new(ListArray::new(child(data_type), ends.buffer(), gathered.array(), nulls))
    }

    pub(super) fn list_of_codes(
        self,
        data_type: &DataType,
        lists: &Lists,
        codes: &[i32],
        dict: &Interner,
    ) -> ArrayRef {
        let (ends, gathered) = self.codes(lists, codes);
        let nulls = self.list_nulls(lists, &ends);
        let items = dictionary(Int32Array::from(gathered), dict);
        Arc::new(ListArray::new(child(data_type), ends.buffer(), items, nulls))
    }

    pub(super) fn map_of_texts(
        self,
        data_type: &DataType,
        lists: &Lists,
        keys: &[i32],
        dict: &Interner,
        values: &Items,
    ) -> Option<ArrayRef> {
        let (ends, keys) = self.codes(lists, keys);
        let mut gathered = Gathered::for_ranges(values, self.ranges(lists));
        self.ranges(lists).for_each(|range| gathered.extend(range));
        self.map(data_type, lists, ends, dictionary(Int32Array::from(keys), dict), gathered.array())
    }

    pub(super) fn map_of_lists(
        self,
        data_type: &DataType,
        lists: &Lists,
        keys: &[i32],
        dict: &Interner,
        (values, items): (&Lists, &Items),
    ) -> Option<ArrayRef> {
        let (ends, keys) = self.codes(lists, keys);
        let mut inner = Ends::new(keys.len());
        // The lists of one row stand side by side, so their items are one copy.
        let spans = || self.ranges(lists).map(|entries| values.span(entries));
        let mut gathered = Gathered::for_ranges(items, spans());
        for (entries, span) in self.ranges(lists).zip(spans()) {
            let base = gathered.len();
            for &end in &values.ends[entries] {
                inner.push(base + end as usize - span.start, false);
            }
            gathered.extend(span);
        }
        let DataType::Struct(fields) = child(data_type).data_type().clone() else { return None };
        let list = ListArray::new(child(fields[1].data_type()), inner.buffer(), gathered.array(), None);
        self.map(data_type, lists, ends, dictionary(Int32Array::from(keys), dict), Arc::new(list))
    }

    fn map(
        self,
        data_type: &DataType,
        lists: &Lists,
        ends: Ends,
        keys: ArrayRef,
        values: ArrayRef,
    ) -> Option<ArrayRef> {
        let entries = child(data_type);
        let DataType::Struct(fields) = entries.data_type() else { return None };
        let columns = StructArray::new(fields.clone(), vec![keys, values], None);
        let nulls = self.list_nulls(lists, &ends);
        Some(Arc::new(MapArray::new(entries, ends.buffer(), columns, nulls, false)))
    }

    /// The items of each row, none for a null or absent one.
    fn ranges(self, lists: &Lists) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().map(|&row| lists.range(row).unwrap_or_default())
    }

    fn codes(self, lists: &Lists, codes: &[i32]) -> (Ends, Vec<i32>) {
        let mut ends = Ends::new(self.0.len());
        let mut gathered = Vec::with_capacity(self.ranges(lists).map(|range| range.len()).sum());
        for &row in self.0 {
            let range = lists.range(row);
            let null = range.is_none();
            gathered.extend_from_slice(&codes[range.unwrap_or_default()]);
            ends.push(gathered.len(), null);
        }
        (ends, gathered)
    }

    fn list_nulls(self, lists: &Lists, ends: &Ends) -> Option<NullBuffer> {
        ends.any_null.then(|| self.nulls(|row| lists.range(row).is_none())).flatten()
    }

    fn nulls(self, null: impl Fn(u32) -> bool) -> Option<NullBuffer> {
        let valid = BooleanBuffer::collect_bool(self.0.len(), |i| !null(self.0[i]));
        Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0)
    }
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
