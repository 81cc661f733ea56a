//! Verdicts as Arrow: one row an event.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::columns::{Columns, ColumnsError};
use super::evaluate::Evaluator;
use super::level::Level;
use super::rules::{Decision, Stages};

/// A bit of every stage, so that an event of one that is none is stopped as well where nothing is written.
const NO_STAGE: u8 = 1 << 7;

/// The schema of verdicts.
#[must_use]
pub fn schema() -> SchemaRef {
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![
        Field::new("rule", DataType::Int32, true),
        Field::new("level", text.clone(), false),
        Field::new("omit_stages", DataType::List(Field::new_list_field(text, false).into()), false),
        Field::new("omit_managed_fields", DataType::Boolean, false),
        Field::new("emitted", DataType::Boolean, false),
    ]))
}

/// What every row of a batch gets under a policy.
#[derive(Debug)]
pub struct Verdicts {
    /// The place of each row's decision.
    places: Vec<u32>,
    /// The bit of each row's stage; 0 for a stage that is none.
    stages: Vec<u8>,
    /// By rule, and at last without any.
    decisions: Vec<Decision>,
    /// Stages that each decision does not write: all, and the one of no stage, where it writes nothing.
    stopped: Vec<u8>,
}

impl Evaluator {
    /// Evaluates a batch.
    ///
    /// # Errors
    /// [`ColumnsError`] if a column is missing or of another type.
    pub fn verdicts(&mut self, batch: &RecordBatch) -> Result<Verdicts, ColumnsError> {
        let columns = Columns::new(batch)?;
        let rules = self.rules(&columns);
        let policy = self.policy();
        let none = policy.rules.len();
        let decisions: Vec<Decision> =
            (0..none).map(Some).chain([None]).map(|rule| policy.decision(rule)).collect();
        let bits = columns.stage.map(|stage| Stages::of([stage]).bits() | NO_STAGE);
        Ok(Verdicts {
            places: rules.into_iter().map(|rule| u32::try_from(rule).unwrap_or(none as u32)).collect(),
            stages: columns.stage.places().iter().map(|place| bits[*place as usize]).collect(),
            stopped: decisions.iter().map(stopped).collect(),
            decisions,
        })
    }
}

fn stopped(decision: &Decision) -> u8 {
    if decision.level == Level::None { u8::MAX } else { decision.omit_stages.bits() }
}

impl Verdicts {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The decision about a row's request.
    #[must_use]
    pub fn decision(&self, row: usize) -> &Decision {
        &self.decisions[self.places[row] as usize]
    }

    /// Whether a row's event would have been written.
    #[must_use]
    #[inline]
    pub fn is_emitted(&self, row: usize) -> bool {
        self.stopped[self.places[row] as usize] & self.stages[row] == 0
    }

    /// The verdicts as a record batch of [`schema`].
    ///
    /// # Panics
    /// Never: the arrays are made for the schema.
    #[must_use]
    pub fn into_batch(self) -> RecordBatch {
        let levels = self.by_row(|decision| decision.level as i32);
        let omit_stages = self.omit_stages();
        let (matched, managed, emitted) = self.flags();
        let rules = Int32Array::new(
            self.places.into_iter().map(|place| place as i32).collect(),
            Some(NullBuffer::new(matched)),
        );
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rules),
            Arc::new(dictionary(levels, &Level::ALL.map(Level::as_text))),
            omit_stages,
            Arc::new(BooleanArray::from(managed)),
            Arc::new(BooleanArray::from(emitted)),
        ];
        RecordBatch::try_new(schema(), columns).expect("the arrays are made for the schema")
    }

    /// By row: whether a rule matched, whether managed fields are omitted, whether the event is written.
    fn flags(&self) -> (BooleanBuffer, BooleanBuffer, BooleanBuffer) {
        let none = self.decisions.len() - 1;
        let managed: Vec<bool> = self.decisions.iter().map(|decision| decision.omit_managed_fields).collect();
        let mut words = [const { Vec::new() }; 3];
        for (places, stages) in self.places.chunks(64).zip(self.stages.chunks(64)) {
            let mut word = [0; 3];
            for (at, (place, stage)) in places.iter().zip(stages).enumerate() {
                let place = *place as usize;
                word[0] |= u64::from(place != none) << at;
                word[1] |= u64::from(managed[place]) << at;
                word[2] |= u64::from(self.stopped[place] & stage == 0) << at;
            }
            words.iter_mut().zip(word).for_each(|(words, word)| words.push(word));
        }
        let [matched, managed, emitted] =
            words.map(|words: Vec<u64>| BooleanBuffer::new(Buffer::from_vec(words), 0, self.len()));
        (matched, managed, emitted)
    }

    /// An answer for each row.
    fn by_row<T: Copy>(&self, answer: impl Fn(&Decision) -> T) -> Vec<T> {
        let answers: Vec<T> = self.decisions.iter().map(answer).collect();
        self.places.iter().map(|place| answers[*place as usize]).collect()
    }

    fn omit_stages(&self) -> ArrayRef {
        let codes = |decision: &Decision| {
            let omitted = decision.omit_stages.bits();
            (0..4).filter(|at| omitted >> at & 1 == 1).collect::<Vec<i32>>()
        };
        let lists: Vec<Vec<i32>> = self.decisions.iter().map(codes).collect();
        let longest = lists.iter().map(Vec::len).max().unwrap_or_default();
        let mut offsets = Vec::with_capacity(self.len() + 1);
        let mut items = Vec::with_capacity(self.len() * longest);
        offsets.push(0);
        if lists.iter().all(|list| *list == lists[0]) {
            items = lists[0].repeat(self.len());
            offsets.extend((1..=self.len()).map(|row| (row * longest) as i32));
        } else {
            for place in &self.places {
                items.extend(lists[*place as usize].iter().copied());
                offsets.push(items.len() as i32);
            }
        }
        let DataType::List(item) = schema().field(2).data_type().clone() else {
            unreachable!("see the schema")
        };
        let offsets = OffsetBuffer::new(offsets.into());
        Arc::new(ListArray::new(item, offsets, Arc::new(dictionary(items, &Stages::NAMES)), None))
    }
}

fn dictionary(codes: Vec<i32>, values: &[&str]) -> DictionaryArray<Int32Type> {
    let codes = Int32Array::new(ScalarBuffer::from(codes), None);
    DictionaryArray::new(codes, Arc::new(StringArray::from_iter_values(values)))
}
