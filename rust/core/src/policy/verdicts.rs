//! Verdicts as Arrow: one row an event.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Int32Array, ListArray, RecordBatch, StringArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::columns::{Columns, ColumnsError};
use super::evaluate::Evaluator;
use super::level::Level;
use super::rules::{Decision, Stages};

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
    /// The rule that matched first; -1 where none did.
    rules: Vec<i32>,
    /// Bit of each row's stage among those that a decision may omit; 0 for a stage that is none.
    stages: Vec<u8>,
    /// By rule, and at last without any.
    decisions: Vec<Decision>,
}

impl Evaluator {
    /// Evaluates a batch.
    ///
    /// # Errors
    /// [`ColumnsError`] if a column is missing or of another type.
    pub fn verdicts(&mut self, batch: &RecordBatch) -> Result<Verdicts, ColumnsError> {
        let columns = Columns::new(batch)?;
        let policy = self.policy();
        let decisions =
            (0..policy.rules.len()).map(Some).chain([None]).map(|rule| policy.decision(rule)).collect();
        let stage_bits = columns.stage.map(|stage| Stages::of([stage]).bits());
        let stages = (0..columns.rows).map(|row| columns.stage.code(row).map_or(0, |code| stage_bits[code]));
        Ok(Verdicts { stages: stages.collect(), rules: self.rules(&columns), decisions })
    }
}

impl Verdicts {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The decision about a row's request.
    #[must_use]
    pub fn decision(&self, row: usize) -> &Decision {
        &self.decisions[self.place(row)]
    }

    /// Whether a row's event would have been written.
    #[must_use]
    pub fn is_emitted(&self, row: usize) -> bool {
        let decision = self.decision(row);
        decision.level != Level::None && decision.omit_stages.bits() & self.stages[row] == 0
    }

    /// The place of a row's decision.
    fn place(&self, row: usize) -> usize {
        usize::try_from(self.rules[row]).unwrap_or(self.decisions.len() - 1)
    }

    /// The verdicts as a record batch of [`schema`].
    ///
    /// # Panics
    /// Never: the arrays are made for the schema.
    #[must_use]
    pub fn into_batch(self) -> RecordBatch {
        let rows = self.len();
        let matched = self.rules.iter().map(|rule| *rule >= 0).collect::<NullBuffer>();
        let levels = (0..rows).map(|row| self.decision(row).level as i32).collect::<Vec<i32>>();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(dictionary(levels, &Level::ALL.map(Level::as_text))),
            self.omit_stages(),
            Arc::new(
                (0..rows).map(|row| Some(self.decision(row).omit_managed_fields)).collect::<BooleanArray>(),
            ),
            Arc::new((0..rows).map(|row| Some(self.is_emitted(row))).collect::<BooleanArray>()),
        ];
        let rules: ArrayRef = Arc::new(Int32Array::new(self.rules.into(), Some(matched)));
        let columns = [rules].into_iter().chain(columns).collect();
        RecordBatch::try_new(schema(), columns).expect("the arrays are made for the schema")
    }

    fn omit_stages(&self) -> ArrayRef {
        let codes = |decision: &Decision| {
            let omitted = decision.omit_stages;
            (0..4).filter(|at| omitted.bits() >> at & 1 == 1).collect::<Vec<i32>>()
        };
        let by_place: Vec<Vec<i32>> = self.decisions.iter().map(codes).collect();
        let lists = || (0..self.len()).map(|row| &by_place[self.place(row)]);
        let mut items = Vec::with_capacity(lists().map(Vec::len).sum());
        lists().for_each(|list| items.extend_from_slice(list));
        let DataType::List(item) = schema().field(2).data_type().clone() else {
            unreachable!("see the schema")
        };
        let offsets = OffsetBuffer::from_lengths(lists().map(Vec::len));
        Arc::new(ListArray::new(item, offsets, Arc::new(dictionary(items, &Stages::NAMES)), None))
    }
}

fn dictionary(codes: Vec<i32>, values: &[&str]) -> DictionaryArray<Int32Type> {
    let codes = Int32Array::new(ScalarBuffer::from(codes), None);
    DictionaryArray::new(codes, Arc::new(StringArray::from_iter_values(values)))
}
