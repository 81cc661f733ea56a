//! From rows to the events that are left: the policy first, then the rules.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, BinaryArray, DictionaryArray, Int64Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use memchr::memchr2;

use crate::policy::apply::{reject, write_line};
use crate::policy::evaluate::Evaluator;
use crate::policy::level::Level;
use crate::policy::reduce::Reducer;
use crate::policy::verdicts::Verdicts;

use super::PrepareError;
use super::prepared::{Place, Prepared};
use super::rules::{Applied, Rules};

/// Takes batch after batch.
pub(super) struct Filler<'a> {
    rules: &'a Rules,
    policy: Option<&'a Mutex<Evaluator>>,
    reducer: Reducer,
    /// An event that stood on several lines, on one.
    joined: Vec<u8>,
}

impl<'a> Filler<'a> {
    pub(super) fn new(rules: &'a Rules, policy: Option<&'a Mutex<Evaluator>>) -> Self {
        Self { rules, policy, reducer: Reducer::default(), joined: Vec::new() }
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch, prepared: &mut Prepared) -> Result<(), PrepareError> {
        let rows = Rows::new(batch, prepared)?;
        let verdicts = self.policy.map(|policy| {
            // What a panic left behind is a memory of classes, of which each is whole.
            policy.lock().unwrap_or_else(PoisonError::into_inner).verdicts(batch)
        });
        let verdicts = verdicts.transpose()?;
        prepared.text.reserve(rows.bytes() + rows.raw.len());
        prepared.events.reserve(rows.raw.len());
        for row in 0..rows.raw.len() {
            prepared.counts.read += 1;
            self.event(&rows, row, verdicts.as_ref(), prepared);
        }
        Ok(())
    }

    fn event(&mut self, rows: &Rows, row: usize, verdicts: Option<&Verdicts>, prepared: &mut Prepared) {
        let raw = rows.raw.value(row);
        let mut text = raw;
        if let Some(verdicts) = verdicts {
            let decision = verdicts.decision(row);
            if decision.level == Level::None || !verdicts.is_emitted(row) {
                prepared.counts.policy_dropped += 1;
                return;
            }
            match self.reducer.reduce(raw, decision.level, decision.omit_managed_fields) {
                Ok(reduced) => text = reduced.text,
                Err(error) => {
                    let file = rows.file(row).and_then(|at| prepared.files.get(at)).cloned();
                    let place = (file.unwrap_or_default(), rows.offset(row));
                    prepared.rejected.push(reject(raw, error, place));
                    return;
                }
            }
            // The reducer answers the very text that it was given where nothing had to change.
            prepared.counts.policy_reduced += u64::from(!std::ptr::eq(text, raw));
        }
        if memchr2(b'\n', b'\r', text).is_some() {
            self.joined.clear();
            write_line(text, &mut self.joined).expect("memory takes everything");
            self.joined.pop();
            text = &self.joined;
        }
        match self.rules.apply(text) {
            Applied::Kept => {
                prepared.text.extend_from_slice(text);
                prepared.text.push(b'\n');
            }
            Applied::Masked(text) => {
                prepared.counts.masked += 1;
                write_line(&text, &mut prepared.text).expect("memory takes everything");
            }
            Applied::Excluded => {
                prepared.counts.excluded += 1;
                return;
            }
        }
        let file = rows.file(row).map_or(0, |at| at as u32 + 1);
        let stage = rows.stage(row).unwrap_or(i64::MIN);
        prepared.events.push(Place { end: prepared.text.len(), file, offset: rows.offset(row), stage });
    }
}

/// The columns of a batch.
struct Rows {
    raw: BinaryArray,
    /// Codes, and for each value its place in [`Prepared::files`].
    files: Option<(DictionaryArray<Int32Type>, Vec<usize>)>,
    offsets: Option<Int64Array>,
    stages: Option<Int64Array>,
}

impl Rows {
    fn new(batch: &RecordBatch, prepared: &mut Prepared) -> Result<Self, PrepareError> {
        let raw = batch.column_by_name("raw");
        let raw = raw.ok_or_else(|| PrepareError::Raw("column 'raw' is missing".to_owned()))?;
        let raw = as_type("raw", raw, &DataType::Binary)?.as_binary::<i32>().clone();
        if raw.null_count() > 0 {
            return Err(PrepareError::Raw(format!(
                "column 'raw' is null in {} of {} rows",
                raw.null_count(),
                raw.len()
            )));
        }
        let utf8 = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let files = column(batch, "src_file", &[&utf8])?.map(|files| {
            let files = files.as_dictionary::<Int32Type>().clone();
            let names = files.values().as_string::<i32>();
            let name = |at| if names.is_null(at) { "" } else { names.value(at) };
            let places = (0..names.len()).map(|at| intern(&mut prepared.files, name(at))).collect();
            (files, places)
        });
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let number = |name, types: &[&DataType]| -> Result<Option<Int64Array>, PrepareError> {
            Ok(column(batch, name, types)?.map(|column| column.as_primitive::<Int64Type>().clone()))
        };
        Ok(Self {
            raw,
            files,
            offsets: number("src_offset", &[&DataType::Int64])?,
            stages: number("ts_stage", &[&micros, &DataType::Int64])?,
        })
    }

    fn bytes(&self) -> usize {
        let offsets = self.raw.value_offsets();
        (offsets[self.raw.len()] - offsets[0]) as usize
    }

    fn file(&self, row: usize) -> Option<usize> {
        let (files, places) = self.files.as_ref()?;
        files.key(row).map(|key| places[key])
    }

    fn offset(&self, row: usize) -> u64 {
        self.offsets.as_ref().map_or(0, |offsets| offsets.value(row) as u64)
    }

    fn stage(&self, row: usize) -> Option<i64> {
        let stages = self.stages.as_ref()?;
        stages.is_valid(row).then(|| stages.value(row))
    }
}

/// The place of a name among those known; there are few.
fn intern(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// A column that may be missing, cast to one type after the other.
fn column(
    batch: &RecordBatch,
    name: &'static str,
    types: &[&DataType],
) -> Result<Option<ArrayRef>, PrepareError> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    types.iter().try_fold(Arc::clone(column), |column, to| as_type(name, &column, to)).map(Some)
}

fn as_type(name: &'static str, column: &ArrayRef, to: &DataType) -> Result<ArrayRef, PrepareError> {
    if column.data_type() == to {
        return Ok(Arc::clone(column));
    }
    cast(column, to).map_err(|error| PrepareError::Cast { name, error })
}
