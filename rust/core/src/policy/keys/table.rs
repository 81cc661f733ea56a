//! Keys as a record batch: a row a key, which is evaluated as a batch of events is.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, ListArray, RecordBatch};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{Field, Schema};

use super::{ABSENT, COUNTS, Keys, SUMS, Sums, TEXTS};
use crate::batch::interner::Interner;

impl Keys {
    /// The keys in the order of their first event: the columns that policies look at, `level` as it was recorded, `events`,
    /// the sums of `line_bytes`, `req_bytes` and `resp_bytes`, and how many events have either body.
    ///
    /// `namespace` and `name` are those that the policy saw. `uri` is the escaped path of one of the events, where
    /// something is read from it, and null elsewhere.
    ///
    /// # Panics
    /// Never: the columns are as long as there are keys.
    #[must_use]
    pub fn to_batch(&self) -> RecordBatch {
        let mut keys = vec![None; self.len()];
        for (key, place) in &self.places {
            keys[*place as usize] = Some(key);
        }
        let keys = || keys.iter().flatten();
        let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
        for (at, (name, texts)) in TEXTS.iter().zip(&self.texts).enumerate() {
            columns.push((name, dictionary(keys().map(|key| key.texts[at]), texts)));
        }
        columns.push(("user_groups", self.lists(keys().map(|key| key.groups))));
        columns.push(("uri", dictionary(self.sums.iter().map(|sums| sums.path), &self.paths)));
        columns.push(("events", self.numbers(|sums| sums.events)));
        for (at, name) in SUMS.iter().enumerate() {
            columns.push((name, self.numbers(|sums| sums.bytes[at])));
        }
        for (name, counted) in COUNTS {
            let at = SUMS.iter().position(|sum| *sum == counted).expect("one of the sums");
            columns.push((name, self.numbers(|sums| sums.present[at])));
        }
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, column)| {
                Field::new(*name, column.data_type().clone(), !column.data_type().is_integer())
            })
            .collect();
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .expect("columns as long as there are keys")
    }

    fn numbers(&self, number: impl Fn(&Sums) -> i64) -> ArrayRef {
        Arc::new(self.sums.iter().map(|sums| Some(number(sums))).collect::<Int64Array>())
    }

    fn lists(&self, codes: impl Iterator<Item = i32> + Clone) -> ArrayRef {
        let mut lists = vec![&[][..]; self.groups.len()];
        for (list, code) in &self.groups {
            lists[*code as usize] = list;
        }
        let list = |code: i32| usize::try_from(code).map_or(&[][..], |at| lists[at]);
        let items = dictionary(codes.clone().flat_map(|code| list(code).iter().copied()), &self.group);
        let field = Field::new_list_field(items.data_type().clone(), true);
        let offsets = OffsetBuffer::from_lengths(codes.clone().map(|code| list(code).len()));
        let nulls = codes.map(|code| code != ABSENT).collect::<NullBuffer>();
        Arc::new(ListArray::new(Arc::new(field), offsets, items, Some(nulls)))
    }
}

fn dictionary(codes: impl Iterator<Item = i32>, texts: &Interner) -> ArrayRef {
    let codes: Int32Array = codes.map(|code| (code != ABSENT).then_some(code)).collect();
    Arc::new(DictionaryArray::<Int32Type>::new(codes, texts.values()))
}
