//! Events to Arrow record batches.
//!
//! A row is pushed in two steps. First every value of the event is looked up by its raw bytes in the table of its key,
//! and parsed if it is new; that may fail, and nothing of the row exists yet. Then the row's codes are pushed, which
//! cannot fail: a batch never holds half a row. `finish` turns the codes into columns.

mod cells;
pub mod filter;
mod groups;
mod guess;
mod heads;
pub(crate) mod interner;
mod named;
mod rows;
mod table;
mod tables;
mod text;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, Fields, Schema, SchemaRef};

use crate::event::{Event, Key};
use crate::parse::values::Invalid;
use crate::repair::{Repair, Repairs};
use crate::schema::Selection;

pub(crate) use interner::Interner;
use rows::Rows;
use table::ABSENT;
use tables::{Codes, Tables};

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most rows of a batch; at least 1.
    pub rows: usize,
    /// Bytes of input after which a batch closes; the row that crosses the line is still in it.
    pub bytes: usize,
    /// Bytes of bodies after which it closes: they are what a batch is large by.
    pub bodies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 65_536, bytes: 32 << 20, bodies: usize::MAX }
    }
}

/// How the texts of a batch leave the builder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Texts {
    /// As the schema says.
    #[default]
    AsDeclared,
    /// Every text that was looked up in a table as a dictionary ([`Kind::coded_type`]), for a writer that takes the codes.
    ///
    /// [`Kind::coded_type`]: crate::schema::Kind::coded_type
    Coded,
}

/// Whether the texts of a column come from a table of whole values, and so as codes with [`Texts::Coded`].
#[must_use]
pub fn is_looked_up(column: &str) -> bool {
    groups::ALL.iter().any(|group| group.contains(&column))
}

/// Where a row comes from.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Offset of its line in the decompressed file.
    pub offset: u64,
    /// The event as it stood on the line, before any repair.
    pub raw: &'a [u8],
    /// What was repaired to get at the event.
    pub repairs: Repairs,
}

/// A value of the event that is no valid JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadValue(pub Key);

/// Builds the batches of one reader thread.
pub struct BatchBuilder {
    selection: Selection,
    /// Schema of every batch; without codes in place of texts.
    schema: SchemaRef,
    /// How texts leave.
    texts: Texts,
    limits: Limits,
    tables: Tables,
    rows: Rows,
    /// Columns for which no row of a batch had a value.
    nulls: cells::Nulls,
    /// Scratch: what no column holds of the row at hand.
    extra: String,
    /// Bytes of input in the rows so far.
    bytes: usize,
    /// What [`BatchBuilder::set_origin`] said last: cluster, server and file.
    origin: [Option<String>; 3],
    /// Row of `tables.origin` for the origin, [`ABSENT`] until a row needs it.
    origin_row: u32,
}

impl BatchBuilder {
    /// A builder of the selected columns. With `keep_raw` the whole line is kept for every row, else for repaired ones.
    #[must_use]
    pub fn new(selection: Selection, limits: Limits, keep_raw: bool, texts: Texts) -> Self {
        let mut tables = Tables::new(&selection, texts == Texts::Coded);
        let mut rows = Rows::new(&selection, keep_raw);
        rows.codes.need(tables.all().map(|table| table.active));
        Self {
            schema: selection.schema(),
            tables,
            texts,
            rows,
            nulls: cells::Nulls::default(),
            extra: String::new(),
            selection,
            limits,
            bytes: 0,
            origin: [None, None, None],
            origin_row: ABSENT,
        }
    }

    /// The schema of batches with texts as declared.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Says where the next rows come from: cluster, server and file.
    pub fn set_origin(&mut self, cluster: Option<&str>, apiserver: Option<&str>, file: Option<&str>) {
        let origin = [cluster, apiserver, file];
        if self.origin.iter().map(Option::as_deref).ne(origin) {
            self.origin = origin.map(|text| text.map(str::to_owned));
            self.origin_row = ABSENT;
        }
    }

    /// Adds an event; answers everything that was repaired in it.
    ///
    /// # Errors
    /// [`BadValue`] names a value that is no valid JSON; the batch is as before.
    pub fn push(&mut self, event: &Event<'_>, place: &Place<'_>) -> Result<Repairs, BadValue> {
        let origin = self.look_up_origin()?;
        let (codes, object) = self.tables.look_up(event, origin)?;
        let mut repairs = place.repairs;
        repairs.merge(event.repairs());
        let told = self.tables.tell(&codes);
        if told {
            self.tables.gather_repairs(&codes, &mut repairs);
        }
        let row = self.rows.read(event, object, repairs)?;
        let facts = rows::Facts {
            stage: self.tables.stage.fact(codes.stage),
            truncated: self.tables.annotations.fact(codes.annotations) & groups::TRUNCATED != 0,
            long_running: self.tables.long_running(&codes),
        };
        self.extra.clear();
        if self.rows.wants_extra_fields() {
            self.write_extra_fields(event, told, &codes, &row);
        }
        let extra = (!self.extra.is_empty()).then_some(&*self.extra);
        let repairs = row.repairs;
        self.rows.push(&row, &codes, &facts, extra, place);
        self.bytes += event.text.len();
        Ok(repairs)
    }

    /// Whether the batch should be finished before another event is pushed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rows.len() >= self.limits.rows
            || self.bytes >= self.limits.bytes
            || self.rows.body_bytes() >= self.limits.bodies
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row was pushed since the last batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// The batch of the rows so far; the builder starts the next one.
    ///
    /// # Errors
    /// [`ArrowError`] only when a column grew past what Arrow's 32-bit offsets reach.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let count = self.rows.len();
        let mut columns: Vec<(&'static str, ArrayRef)> = self.rows.finish();
        let tables = self.tables.all().into_iter().zip(self.rows.codes.columns());
        for (table, rows) in tables.filter(|(table, _)| table.active) {
            columns.extend(table.take(rows));
        }
        self.rows.codes.clear();
        self.bytes = 0;
        if self.tables.shrink() {
            self.origin_row = ABSENT;
        }
        let nulls = &mut self.nulls;
        let in_order = self.selection.columns().map(|column| {
            let place = columns.iter().position(|(name, _)| *name == column.name);
            place.map_or_else(|| nulls.column(column.kind, count), |place| columns.swap_remove(place).1)
        });
        let in_order: Vec<ArrayRef> = in_order.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let schema = match self.texts {
            Texts::AsDeclared => self.schema.clone(),
            Texts::Coded => coded_schema(&self.schema, &in_order),
        };
        RecordBatch::try_new_with_options(schema, in_order, &options)
    }

    fn look_up_origin(&mut self) -> Result<u32, BadValue> {
        if self.origin_row == ABSENT && self.tables.origin.active {
            let origin = &self.origin;
            let key = format!("{origin:?}");
            let row = self.tables.origin.row(key.as_bytes(), |out| {
                for part in origin {
                    out.text(part.as_deref());
                }
                Ok(table::Aside::default())
            });
            self.origin_row = row.map_err(|Invalid| BadValue(Key::Kind))?;
        }
        Ok(self.origin_row)
    }

    /// Writes the JSON object of everything that no column holds to `extra`, nothing when the columns hold all. `told` is
    /// [`Tables::tell`].
    fn write_extra_fields(&mut self, event: &Event<'_>, told: bool, codes: &Codes, row: &rows::Row<'_>) {
        let json = &mut self.extra;
        let mut add = |key: &str, value: &str| {
            json.push_str(if json.is_empty() { "{\"" } else { ",\"" });
            json.push_str(key);
            json.push_str("\":");
            json.push_str(value);
        };
        if event.bytes(Key::ApiVersion).is_some_and(|version| version != br#""audit.k8s.io/v1""#) {
            add(Key::ApiVersion.name(), event.get(Key::ApiVersion).unwrap_or_default());
        }
        if told {
            self.tables.asides(codes, |key, aside| {
                if let Some(rest) = aside.json.as_deref() {
                    add(key.name(), rest);
                }
            });
        }
        for (key, rest) in row.rest.iter().flatten() {
            add(key.name(), rest);
        }
        for member in event.unknown() {
            json.push(if json.is_empty() { '{' } else { ',' });
            json.push_str(member);
        }
        if !json.is_empty() {
            json.push('}');
        }
    }
}

/// The schema with the types that the columns of one batch have: a text without any value stays plain.
fn coded_schema(declared: &Schema, columns: &[ArrayRef]) -> SchemaRef {
    let types = columns.iter().map(|column| column.data_type().clone());
    let fields = declared.fields().iter().zip(types);
    let fields: Fields = fields.map(|(field, kind)| field.as_ref().clone().with_data_type(kind)).collect();
    Arc::new(Schema::new_with_metadata(fields, declared.metadata().clone()))
}

/// Adds a repair to a set and answers the set.
fn with(mut repairs: Repairs, repair: Repair) -> Repairs {
    repairs.add(repair);
    repairs
}
