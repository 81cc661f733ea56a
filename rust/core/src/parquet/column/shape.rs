//! Levels and values of the shapes that the schema has: a value a row, a list of texts, a map to texts, a map to lists of texts
//! (Melnik et al., "Dremel: Interactive analysis of web-scale datasets", VLDB 2010, section 4.1).

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BooleanArray, DictionaryArray, Int16Array, Int32Array, ListArray, MapArray, StringArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::dictionary::Dictionary;
use super::page::{Page, Spelling, Values};

/// Which values of a column a leaf holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Shape {
    /// A number a row.
    Numbers(Spelling),
    /// A small number a row, which repeats.
    Shorts,
    /// A flag a row.
    Flags,
    /// A text a row, which seldom repeats.
    Texts,
    /// A text a row, which comes without a code and gets one here.
    Words,
    /// A code a row.
    Flat,
    /// Items of a list.
    Items,
    /// Keys of a map.
    Keys,
    /// Values of a map.
    Values,
    /// Items of the lists that are a map's values.
    ValueItems,
}

impl Shape {
    /// Whether a row has one value at most.
    pub(super) fn is_flat(self) -> bool {
        !matches!(self, Self::Items | Self::Keys | Self::Values | Self::ValueItems)
    }
}

/// A column of a batch, seen as one leaf.
pub(super) enum Leaf<'a> {
    Shorts(&'a Int16Array),
    Ints(&'a Int32Array),
    Longs(&'a [i64], Option<&'a NullBuffer>),
    Flags(&'a BooleanArray),
    Texts(Texts<'a>),
    Words(&'a StringArray),
    Flat(Codes<'a>),
    List(&'a ListArray, Codes<'a>),
    Map(&'a MapArray, Codes<'a>),
    MapOfLists(&'a MapArray, &'a ListArray, Codes<'a>),
}

/// Codes and what they stand for.
pub(super) struct Codes<'a> {
    keys: &'a [i32],
    nulls: Option<&'a NullBuffer>,
    texts: &'a StringArray,
}

impl<'a> Codes<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        let array: &DictionaryArray<Int32Type> = array.as_dictionary_opt()?;
        Some(Self {
            keys: array.keys().values(),
            nulls: array.nulls(),
            texts: array.values().as_string_opt()?,
        })
    }
}

/// Texts that are no codes.
pub(super) struct Texts<'a> {
    ends: &'a [i32],
    bytes: &'a [u8],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Texts<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        let nulls = array.nulls();
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Some(Self { ends: texts.value_offsets(), bytes: texts.value_data(), nulls });
        }
        let texts = array.as_binary_opt::<i32>()?;
        Some(Self { ends: texts.value_offsets(), bytes: texts.value_data(), nulls })
    }

    /// Rows from `start` on until their texts have so many bytes, the row that crosses the line with them.
    fn rows_of(&self, start: usize, bytes: usize) -> usize {
        let end = self.ends[start] as usize + bytes;
        self.ends[start + 1..].partition_point(|&row_end| (row_end as usize) < end) + 1
    }
}

/// What a leaf is written with.
pub(super) struct Writing<'a> {
    pub(super) page: &'a mut Page,
    pub(super) dictionary: &'a mut Dictionary,
    /// The definition level of a value.
    pub(super) value_level: u8,
}

impl<'a> Leaf<'a> {
    /// `None` when the array has another type than the shape wants.
    pub(super) fn of(array: &'a dyn Array, shape: Shape) -> Option<Self> {
        match shape {
            Shape::Numbers(_) => match array.data_type() {
                DataType::Int32 => array.as_primitive_opt().map(Self::Ints),
                DataType::Int64 => {
                    Some(Self::Longs(array.as_primitive_opt::<Int64Type>()?.values(), array.nulls()))
                }
                _ => {
                    let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
                    Some(Self::Longs(times.values(), array.nulls()))
                }
            },
            Shape::Shorts => array.as_primitive_opt().map(Self::Shorts),
            Shape::Flags => array.as_boolean_opt().map(Self::Flags),
            Shape::Texts => Texts::of(array).map(Self::Texts),
            Shape::Words => array.as_string_opt().map(Self::Words),
            Shape::Flat => Codes::of(array).map(Self::Flat),
            Shape::Items => {
                let list: &ListArray = array.as_list_opt()?;
                Codes::of(list.values()).map(|codes| Self::List(list, codes))
            }
            Shape::Keys => {
                let map = array.as_map_opt()?;
                Codes::of(map.keys()).map(|codes| Self::Map(map, codes))
            }
            Shape::Values => {
                let map = array.as_map_opt()?;
                Codes::of(map.values()).map(|codes| Self::Map(map, codes))
            }
            Shape::ValueItems => {
                let map = array.as_map_opt()?;
                let lists: &ListArray = map.values().as_list_opt()?;
                Codes::of(lists.values()).map(|codes| Self::MapOfLists(map, lists, codes))
            }
        }
    }

    /// The texts that the leaf's codes stand for; `None` for a leaf without codes.
    pub(super) fn dictionary(&self) -> Option<&'a StringArray> {
        match self {
            Self::Shorts(_)
            | Self::Ints(_)
            | Self::Longs(..)
            | Self::Flags(_)
            | Self::Texts(_)
            | Self::Words(_) => None,
            Self::Flat(codes)
            | Self::List(_, codes)
            | Self::Map(_, codes)
            | Self::MapOfLists(_, _, codes) => Some(codes.texts),
        }
    }

    /// How many rows from `start` on may be added before the page has about `bytes` more.
    pub(super) fn rows_of(&self, start: usize, bytes: usize) -> usize {
        match self {
            Self::Texts(texts) => texts.rows_of(start, bytes),
            _ => usize::MAX,
        }
    }

    /// Adds rows to the page.
    pub(super) fn append(&self, rows: Range<usize>, to: &mut Writing<'_>) {
        to.page.rows += rows.len();
        match self {
            Self::Shorts(numbers) => to.shorts(numbers, rows),
            Self::Ints(values) => to.numbers(values.values(), values.nulls(), rows, Values::ints),
            Self::Longs(values, nulls) => to.numbers(values, *nulls, rows, Values::longs),
            Self::Flags(flags) => to.flags(flags, rows),
            Self::Texts(texts) => to.texts(texts, rows),
            Self::Words(words) => to.words(words, rows),
            Self::Flat(codes) => to.flat(codes, rows),
            Self::List(list, codes) => to.lists(list.value_offsets(), list.nulls(), codes, rows),
            Self::Map(map, codes) => to.lists(map.value_offsets(), map.nulls(), codes, rows),
            Self::MapOfLists(map, lists, codes) => to.lists_in_map(map, lists, codes, rows),
        }
    }
}

impl Writing<'_> {
    /// Says of the rows which have a value; answers the nulls among them if there are any.
    fn validity(&mut self, nulls: Option<&NullBuffer>, rows: &Range<usize>) -> Option<NullBuffer> {
        let nulls = nulls.map(|nulls| nulls.slice(rows.start, rows.len()));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        self.page.valid(rows.len(), nulls.as_ref());
        nulls
    }

    fn numbers<T: Copy>(
        &mut self,
        numbers: &[T],
        nulls: Option<&NullBuffer>,
        rows: Range<usize>,
        place: fn(&mut Values) -> &mut Vec<T>,
    ) {
        let nulls = self.validity(nulls, &rows);
        let numbers = &numbers[rows];
        let values = place(&mut self.page.values);
        match nulls {
            None => values.extend_from_slice(numbers),
            Some(nulls) => values.extend(nulls.valid_indices().map(|row| numbers[row])),
        }
    }

    fn shorts(&mut self, numbers: &Int16Array, rows: Range<usize>) {
        let nulls = self.validity(numbers.nulls(), &rows);
        let numbers = &numbers.values()[rows];
        let values = &mut self.page.values;
        match nulls {
            None => self.dictionary.push_shorts(numbers.iter().copied(), values),
            Some(nulls) => {
                self.dictionary.push_shorts(nulls.valid_indices().map(|row| numbers[row]), values);
            }
        }
    }

    fn flags(&mut self, flags: &BooleanArray, rows: Range<usize>) {
        let nulls = self.validity(flags.nulls(), &rows);
        let flags = flags.values().slice(rows.start, rows.len());
        let Values::Flags(values) = &mut self.page.values else { unreachable!("flags have a page of them") };
        match nulls {
            None => values.append_buffer(&flags),
            Some(nulls) => nulls.valid_indices().for_each(|row| values.append(flags.value(row))),
        }
    }

    fn texts(&mut self, texts: &Texts<'_>, rows: Range<usize>) {
        let nulls = self.validity(texts.nulls, &rows);
        let ends = &texts.ends[rows.start..=rows.end];
        let Values::Texts(page) = &mut self.page.values else {
            unreachable!("texts without codes have a page of them");
        };
        match nulls {
            None => page.extend(ends, texts.bytes),
            Some(nulls) => page.extend_some(nulls.valid_indices(), ends, texts.bytes),
        }
    }

    fn words(&mut self, words: &StringArray, rows: Range<usize>) {
        let nulls = self.validity(words.nulls(), &rows);
        let values = &mut self.page.values;
        match nulls {
            None => self.dictionary.push_texts(rows.map(|row| words.value(row)), values),
            Some(nulls) => {
                let present = nulls.valid_indices().map(|row| words.value(rows.start + row));
                self.dictionary.push_texts(present, values);
            }
        }
    }

    fn flat(&mut self, codes: &Codes<'_>, rows: Range<usize>) {
        let nulls = self.validity(codes.nulls, &rows);
        let keys = &codes.keys[rows];
        let values = &mut self.page.values;
        match nulls {
            None => self.dictionary.push(keys.iter().copied(), codes.texts, values),
            Some(nulls) => {
                let present = nulls.valid_indices().map(|row| keys[row]);
                self.dictionary.push(present, codes.texts, values);
            }
        }
    }

    /// A null list has level 0 and an empty one 1; the first item of a list begins a row.
    fn lists(&mut self, ends: &[i32], nulls: Option<&NullBuffer>, codes: &Codes<'_>, rows: Range<usize>) {
        let ends = &ends[rows.start..=rows.end];
        let items = ends[0] as usize..ends[rows.len()] as usize;
        let sizes = || ends.windows(2).map(|list| (list[1] - list[0]) as usize);
        let empty = sizes().filter(|&size| size == 0).count();
        let levels = items.len() + empty;
        let (repetition, definition) = self.page.levels();
        if levels == rows.len() {
            repetition.push(0, levels);
        } else {
            let new = repetition.push_each(1, levels);
            sizes().fold(0, |at, size| {
                new[at] = 0;
                at + size.max(1)
            });
        }
        if empty == 0 {
            definition.push(self.value_level, levels);
        } else if empty == rows.len() && nulls.is_some_and(|nulls| are_null(nulls, rows.clone())) {
            definition.push(0, levels);
        } else {
            let new = definition.push_each(self.value_level, levels);
            sizes().zip(rows).fold(0, |at, (size, row)| {
                if size == 0 {
                    new[at] = u8::from(nulls.is_none_or(|nulls| nulls.is_valid(row)));
                }
                at + size.max(1)
            });
        }
        self.dictionary.push(codes.keys[items].iter().copied(), codes.texts, &mut self.page.values);
    }

    /// As [`Self::lists`], one level deeper: an entry whose list is empty is two levels short of a value, since the list
    /// and its items may be null in the schema.
    fn lists_in_map(&mut self, map: &MapArray, lists: &ListArray, codes: &Codes<'_>, rows: Range<usize>) {
        let ends = &map.value_offsets()[rows.start..=rows.end];
        let entries = ends[0] as usize..ends[rows.len()] as usize;
        let item_ends = &lists.value_offsets()[entries.start..=entries.end];
        let items = item_ends[0] as usize..item_ends[entries.len()] as usize;
        let empty = |ends: &[i32]| ends.windows(2).filter(|list| list[0] == list[1]).count();
        let levels = items.len() + empty(item_ends) + empty(ends);
        let (repetition, definition) = self.page.levels();
        let repetition = repetition.push_each(2, levels);
        let definition = definition.push_each(self.value_level, levels);
        let mut at = 0;
        for (row, list) in rows.zip(ends.windows(2)) {
            repetition[at] = 0;
            if list[0] == list[1] {
                definition[at] = u8::from(map.is_valid(row));
                at += 1;
            }
            for entry in list[0] as usize - entries.start..list[1] as usize - entries.start {
                if entry as i32 + ends[0] > list[0] {
                    repetition[at] = 1;
                }
                let size = (item_ends[entry + 1] - item_ends[entry]) as usize;
                if size == 0 {
                    definition[at] = self.value_level - 2;
                }
                at += size.max(1);
            }
        }
        self.dictionary.push(codes.keys[items].iter().copied(), codes.texts, &mut self.page.values);
    }
}

/// Whether none of the rows has a value.
fn are_null(nulls: &NullBuffer, rows: Range<usize>) -> bool {
    nulls.slice(rows.start, rows.len()).null_count() == rows.len()
}
