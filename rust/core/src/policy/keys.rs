//! Distinct keys: the requests of a log as policies tell them apart, each with the sum of its events and bytes.
//!
//! They are found in one pass, whatever the policy; every further policy is evaluated over the keys alone. How many there
//! are depends on the names in the log.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, Int64Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use foldhash::fast::RandomState;

use super::columns::{Coded, Columns, ColumnsError};
use super::request::is_filled_from_body;
use crate::batch::interner::Interner;

mod table;

/// The code of a value that is absent.
const ABSENT: i32 = -1;

/// Columns of strings of which each key has one value.
const TEXTS: [&str; 9] =
    ["stage", "level", "verb", "user", "api_group", "resource", "subresource", "namespace", "name"];

/// Columns that are added up.
const SUMS: [&str; 3] = ["line_bytes", "req_bytes", "resp_bytes"];

/// What counts the events that have a value in a column of [`SUMS`]: those with a body.
const COUNTS: [(&str, &str); 2] = [("req_bodies", "req_bytes"), ("resp_bodies", "resp_bytes")];

/// What is alike in events of one key; codes of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    texts: [i32; TEXTS.len()],
    groups: i32,
    /// The escaped path of a request for no resource.
    path: i32,
}

/// What the events of one key come to.
#[derive(Debug, Clone, Copy)]
struct Sums {
    events: i64,
    bytes: [i64; SUMS.len()],
    /// Events that have a value in each column of [`SUMS`].
    present: [i64; SUMS.len()],
    /// An escaped path of one of the events, where namespace and name, or the whole target, are read from it.
    path: i32,
}

/// Distinct keys of the batches that were added.
#[derive(Default)]
pub struct Keys {
    texts: [Interner; TEXTS.len()],
    group: Interner,
    /// Lists of codes of `group`.
    groups: HashMap<Box<[i32]>, i32, RandomState>,
    paths: Interner,
    places: HashMap<Key, u32, RandomState>,
    /// By place.
    sums: Vec<Sums>,
    /// The place of each event's key, where they were asked for.
    rows: Option<Vec<u32>>,
    /// When the first event was received and the last one written, in microseconds.
    span: Option<(i64, i64)>,
}

/// What a batch gives to its rows' keys.
struct Batch {
    columns: Columns,
    level: Option<Coded>,
    sums: [Option<Int64Array>; SUMS.len()],
}

impl Keys {
    /// No keys yet.
    ///
    /// `rows`: whether to remember which event has which key, four bytes an event.
    #[must_use]
    pub fn new(rows: bool) -> Self {
        Self { rows: rows.then(Vec::new), ..Self::default() }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// When the first event was received and the last one written, in microseconds since 1970.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// The place of each event's key, if they were asked for.
    #[must_use]
    pub fn rows(&self) -> Option<&[u32]> {
        self.rows.as_deref()
    }

    /// Adds the events of a batch.
    ///
    /// # Errors
    /// [`ColumnsError`] if a column is missing or of another type.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ColumnsError> {
        let batch = Batch {
            columns: Columns::new(batch)?,
            level: Coded::optional(batch, "level")?,
            sums: SUMS.map(|name| integers(batch, name)),
        }
        .spanning(batch, &mut self.span);
        let columns = &batch.columns;
        let coded = batch.coded();
        // The place of a null gets a code as well, which no key has.
        let new_codes = |(column, texts): (Option<&Coded>, &mut Interner)| {
            column.map_or_else(Vec::new, |column| column.map(|text| texts.code(text)))
        };
        let known: Vec<Vec<i32>> = coded.into_iter().zip(&mut self.texts).map(new_codes).collect();
        let group = columns.group.map(|group| self.group.code(group));
        let mut list = Vec::new();
        for row in 0..columns.rows {
            let mut texts = [ABSENT; TEXTS.len()];
            for ((text, column), known) in texts.iter_mut().zip(&coded).zip(&known) {
                *text = column
                    .filter(|column| !column.is_null(row))
                    .map_or(ABSENT, |column| known[column.places()[row] as usize]);
            }
            list.clear();
            list.extend(columns.group_range(row).map(|at| group[columns.group.places()[at] as usize]));
            let groups = if columns.groups.is_null(row) { ABSENT } else { self.list(&list) };
            let path = self.complete(columns, row, &mut texts);
            let is_resource = columns.is_resource(row);
            let key = Key { texts, groups, path: if is_resource { ABSENT } else { path } };
            self.count(key, path, &batch, row);
        }
        Ok(())
    }

    /// The code of a list of groups.
    fn list(&mut self, codes: &[i32]) -> i32 {
        if let Some(code) = self.groups.get(codes) {
            return *code;
        }
        let code = self.groups.len() as i32;
        self.groups.insert(codes.into(), code);
        code
    }

    /// Turns the codes of a row into those of the request that a policy saw; gives the path that tells it.
    fn complete(&mut self, columns: &Columns, row: usize, texts: &mut [i32; TEXTS.len()]) -> i32 {
        let [_, _, _, user, group, _, _, namespace, name] = texts;
        let [_, _, _, users, api_groups, _, _, namespaces, names] = &mut self.texts;
        if *user == ABSENT && !columns.is_nobody(row) {
            *user = users.code("");
        }
        let is_resource = columns.is_resource(row);
        if is_resource {
            if *group == ABSENT {
                *group = api_groups.code("");
            }
            columns.with_place(row, |in_namespace, called| {
                *namespace = if in_namespace.is_empty() { ABSENT } else { namespaces.code(in_namespace) };
                *name = if called.is_empty() { ABSENT } else { names.code(called) };
            });
        }
        let is_told = !is_resource || is_filled_from_body(columns.verb.get(row).unwrap_or_default());
        if is_told { self.paths.code(columns.escaped_path(row)) } else { ABSENT }
    }

    fn count(&mut self, key: Key, path: i32, batch: &Batch, row: usize) {
        let place = *self.places.entry(key).or_insert_with(|| {
            self.sums.push(Sums { events: 0, bytes: [0; SUMS.len()], present: [0; SUMS.len()], path });
            self.sums.len() as u32 - 1
        });
        let sums = &mut self.sums[place as usize];
        sums.events += 1;
        for (at, column) in batch.sums.iter().enumerate() {
            if let Some(column) = column.as_ref().filter(|column| column.is_valid(row)) {
                sums.bytes[at] += column.value(row);
                sums.present[at] += 1;
            }
        }
        if let Some(rows) = &mut self.rows {
            rows.push(place);
        }
    }
}

impl Batch {
    /// The columns of [`TEXTS`], but the last: names are many.
    fn coded(&self) -> [Option<&Coded>; TEXTS.len() - 1] {
        let columns = &self.columns;
        [
            Some(&columns.stage),
            self.level.as_ref(),
            Some(&columns.verb),
            Some(&columns.user),
            Some(&columns.api_group),
            Some(&columns.resource),
            Some(&columns.subresource),
            Some(&columns.namespace),
        ]
    }

    /// Widens a span by the times of a batch.
    fn spanning(self, batch: &RecordBatch, span: &mut Option<(i64, i64)>) -> Self {
        for time in ["ts_received", "ts_stage"].iter().filter_map(|name| integers(batch, name)) {
            for time in time.iter().flatten() {
                let (first, last) = span.unwrap_or((time, time));
                *span = Some((first.min(time), last.max(time)));
            }
        }
        self
    }
}

/// A column of numbers or times; `None` if there is no such column.
fn integers(batch: &RecordBatch, name: &str) -> Option<Int64Array> {
    let column = batch.column_by_name(name)?;
    Some(cast(column, &DataType::Int64).ok()?.as_primitive::<Int64Type>().clone())
}
