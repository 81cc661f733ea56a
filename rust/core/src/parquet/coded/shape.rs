//! Levels and values of the shapes that the schema has: a text, a list of texts, a map to texts, a map to lists of texts
//! (Melnik et al., "Dremel: Interactive analysis of web-scale datasets", VLDB 2010, section 4.1).

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, DictionaryArray, ListArray, MapArray, StringArray};
use arrow_buffer::NullBuffer;

use super::dictionary::Dictionary;
use super::page::Page;

/// Which texts of a column a leaf holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Shape {
    /// One a row.
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

/// A column of a batch, seen as one leaf.
pub(super) enum Leaf<'a> {
    Flat(Codes<'a>),
    List(&'a ListArray, Codes<'a>),
    Map(&'a MapArray, Codes<'a>),
    MapOfLists(&'a MapArray, &'a ListArray, Codes<'a>),
}

/// Codes and what they stand for.
pub(super) struct Codes<'a> {
    keys: &'a [i32],
    nulls: Option<&'a NullBuffer>,
    pub(super) texts: &'a StringArray,
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

    /// The texts that the leaf's codes stand for.
    pub(super) fn texts(&self) -> &'a StringArray {
        match self {
            Self::Flat(codes)
            | Self::List(_, codes)
            | Self::Map(_, codes)
            | Self::MapOfLists(_, _, codes) => codes.texts,
        }
    }

    /// Adds rows to the page.
    pub(super) fn append(&self, rows: Range<usize>, to: &mut Writing<'_>) {
        to.page.rows += rows.len();
        match self {
            Self::Flat(codes) => to.flat(codes, rows),
            Self::List(list, codes) => to.lists(list.value_offsets(), list.nulls(), codes, rows),
            Self::Map(map, codes) => to.lists(map.value_offsets(), map.nulls(), codes, rows),
            Self::MapOfLists(map, lists, codes) => to.lists_in_map(map, lists, codes, rows),
        }
    }
}

impl Writing<'_> {
    fn flat(&mut self, codes: &Codes<'_>, rows: Range<usize>) {
        let nulls = codes.nulls.map(|nulls| nulls.slice(rows.start, rows.len()));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        self.page.valid(rows.len(), nulls.as_ref());
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
