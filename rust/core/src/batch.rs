//! Events to Arrow record batches.
//!
//! A row is pushed in two steps. First every value of the event is looked up by its raw bytes in the table of its key,
//! and parsed if it is new; that may fail, and nothing of the row exists yet. Then the row's codes are pushed, which
//! cannot fail: a batch never holds half a row. `finish` turns the codes into columns.

mod cells;
mod groups;
mod interner;
mod rows;
mod table;
mod text;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};

use crate::event::{Event, Key};
use crate::parse::values::Invalid;
use crate::repair::{Repair, Repairs};
use crate::schema::Selection;

use rows::{Rows, Wanted};
use table::{ABSENT, Table};

/// Tables are emptied at the end of a batch once they hold more than this: memory stays bounded, whatever the log holds,
/// and a table that repeats stays warm.
const TABLES_LIMIT: usize = 16 << 20;

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most rows of a batch; at least 1.
    pub rows: usize,
    /// Bytes of input after which a batch closes; the row that crosses the line is still in it.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 65_536, bytes: 32 << 20 }
    }
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
    schema: SchemaRef,
    limits: Limits,
    tables: Tables,
    rows: Rows,
    /// Bytes of input in the rows so far.
    bytes: usize,
    /// What [`BatchBuilder::set_origin`] said last: cluster, server and file.
    origin: [Option<String>; 3],
    /// Row of `tables.origin` for the origin, [`ABSENT`] until a row needs it.
    origin_row: u32,
}

/// One table a key. See [`groups`] for what each holds.
struct Tables {
    level: Table,
    stage: Table,
    verb: Table,
    user: Table,
    impersonated: Table,
    constraint: Table,
    effective: Table,
    /// Row of `effective` for each row of `user` without impersonation, [`ABSENT`] until it was asked for.
    plain_effective: Vec<u32>,
    source_ips: Table,
    user_agent: Table,
    uri: Table,
    object_ref: Table,
    status: Table,
    annotations: Table,
    outcome: Table,
    origin: Table,
}

/// Rows of the tables that make one row of the batch.
#[derive(Clone, Copy)]
struct Codes {
    level: u32,
    stage: u32,
    verb: u32,
    user: u32,
    impersonated: u32,
    constraint: u32,
    effective: u32,
    source_ips: u32,
    user_agent: u32,
    uri: u32,
    object_ref: u32,
    status: u32,
    annotations: u32,
    outcome: u32,
    origin: u32,
}

impl Tables {
    fn new(selection: &Selection) -> Self {
        let has = |name| selection.has(name);
        let outcome = has("outcome");
        let effective = has("eff_user") || has("actor");
        let long = has("is_long_running");
        let table = |names, needed| Table::new(names, selection, needed);
        Self {
            level: table(groups::LEVEL, false),
            stage: table(groups::STAGE, outcome || has("duration_us")),
            verb: table(groups::VERB, long),
            user: table(groups::USER, effective),
            impersonated: table(groups::IMPERSONATED, effective),
            constraint: table(groups::CONSTRAINT, false),
            effective: table(groups::EFFECTIVE, false),
            plain_effective: Vec::new(),
            source_ips: table(groups::SOURCE_IPS, false),
            user_agent: table(groups::USER_AGENT, false),
            uri: table(groups::URI, long),
            object_ref: table(groups::OBJECT_REF, long),
            status: table(groups::STATUS, outcome),
            annotations: table(groups::ANNOTATIONS, outcome || has("truncated")),
            outcome: table(groups::OUTCOME, false),
            origin: table(groups::ORIGIN, false),
        }
    }

    fn all(&mut self) -> [&mut Table; 15] {
        [
            &mut self.level,
            &mut self.stage,
            &mut self.verb,
            &mut self.user,
            &mut self.impersonated,
            &mut self.constraint,
            &mut self.effective,
            &mut self.source_ips,
            &mut self.user_agent,
            &mut self.uri,
            &mut self.object_ref,
            &mut self.status,
            &mut self.annotations,
            &mut self.outcome,
            &mut self.origin,
        ]
    }
}

impl BatchBuilder {
    /// A builder of the selected columns. With `keep_raw` the whole line is kept for every row, else for repaired ones.
    #[must_use]
    pub fn new(selection: Selection, limits: Limits, keep_raw: bool) -> Self {
        Self {
            schema: selection.schema(),
            tables: Tables::new(&selection),
            rows: Rows::new(Wanted::new(&selection, keep_raw)),
            selection,
            limits,
            bytes: 0,
            origin: [None, None, None],
            origin_row: ABSENT,
        }
    }

    /// The schema of every batch.
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
        let codes = self.look_up(event)?;
        let mut repairs = place.repairs;
        repairs.merge(event.repairs());
        self.gather_repairs(&codes, &mut repairs);
        let row = self.rows.read(event, repairs)?;
        let facts = rows::Facts {
            stage: self.tables.stage.fact(codes.stage),
            truncated: self.tables.annotations.fact(codes.annotations) & groups::TRUNCATED != 0,
            long_running: self.long_running(&codes),
        };
        let extra = self.rows.wanted.extra_fields.then(|| self.extra_fields(event, &codes, &row)).flatten();
        let repairs = row.repairs;
        self.rows.push(&row, &codes, &facts, extra.as_deref(), place);
        self.bytes += event.text.len();
        Ok(repairs)
    }

    /// Whether the batch should be finished before another event is pushed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rows.len() >= self.limits.rows || self.bytes >= self.limits.bytes
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
        let codes = std::mem::take(&mut self.rows.codes);
        for (table, codes) in self.tables.all().into_iter().zip(codes.each()) {
            columns.extend(table.take(codes));
        }
        self.rows.codes = codes;
        self.rows.codes.clear();
        self.bytes = 0;
        if self.tables.all().iter().map(|table| table.size()).sum::<usize>() > TABLES_LIMIT {
            self.tables.all().into_iter().for_each(Table::clear);
            self.tables.plain_effective.clear();
            self.origin_row = ABSENT;
        }
        let in_order = self.selection.columns().map(|column| {
            let place = columns.iter().position(|(name, _)| *name == column.name);
            place.map_or_else(|| cells::nulls(column.kind, count), |place| columns.swap_remove(place).1)
        });
        let in_order: Vec<ArrayRef> = in_order.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(self.schema.clone(), in_order, &options)
    }

    /// Finds or makes the rows of every value in the tables.
    #[inline]
    fn look_up(&mut self, event: &Event<'_>) -> Result<Codes, BadValue> {
        let tables = &mut self.tables;
        let level = find(&mut tables.level, event, Key::Level, groups::level)?;
        let stage = find(&mut tables.stage, event, Key::Stage, groups::stage)?;
        let verb = find(&mut tables.verb, event, Key::Verb, groups::verb)?;
        let user = find(&mut tables.user, event, Key::User, groups::user)?;
        let impersonated =
            find(&mut tables.impersonated, event, Key::ImpersonatedUser, groups::impersonated)?;
        let status = find(&mut tables.status, event, Key::ResponseStatus, groups::status)?;
        let annotations = find(&mut tables.annotations, event, Key::Annotations, groups::annotations)?;
        Ok(Codes {
            level,
            stage,
            verb,
            user,
            impersonated,
            constraint: find(
                &mut tables.constraint,
                event,
                Key::AuthenticationMetadata,
                groups::constraint,
            )?,
            effective: tables.effective(user, impersonated)?,
            source_ips: find(&mut tables.source_ips, event, Key::SourceIps, groups::source_ips)?,
            user_agent: find(&mut tables.user_agent, event, Key::UserAgent, groups::user_agent)?,
            uri: find(&mut tables.uri, event, Key::RequestUri, groups::uri)?,
            object_ref: find(&mut tables.object_ref, event, Key::ObjectRef, groups::object_ref)?,
            outcome: tables.outcome(stage, status, annotations)?,
            status,
            annotations,
            origin: self.look_up_origin()?,
        })
    }

    fn look_up_origin(&mut self) -> Result<u32, BadValue> {
        if self.origin_row == ABSENT && self.tables.origin.active {
            let origin = &self.origin;
            let key: String = origin.iter().map(|part| format!("{part:?}")).collect();
            let row = self.tables.origin.row(key.as_bytes(), |out| {
                origin.iter().for_each(|part| out.text(part.as_deref()));
                Ok(table::Aside::default())
            });
            self.origin_row = row.map_err(|Invalid| BadValue(Key::Kind))?;
        }
        Ok(self.origin_row)
    }

    fn long_running(&self, codes: &Codes) -> Option<bool> {
        let tables = &self.tables;
        if codes.verb == ABSENT {
            return None;
        }
        let by_target = if codes.object_ref == ABSENT {
            tables.uri.fact(codes.uri)
        } else {
            tables.object_ref.fact(codes.object_ref)
        };
        Some(tables.verb.fact(codes.verb) + by_target > 0)
    }

    /// The keys whose tables may hold raw JSON for `extra_fields` or repairs, with the row that counts, in wire order.
    fn asides<'t>(&'t self, codes: &Codes) -> [(Key, Option<&'t table::Aside>); 12] {
        let tables = &self.tables;
        [
            (Key::Level, tables.level.aside(codes.level)),
            (Key::Stage, tables.stage.aside(codes.stage)),
            (Key::RequestUri, tables.uri.aside(codes.uri)),
            (Key::Verb, tables.verb.aside(codes.verb)),
            (Key::User, tables.user.aside(codes.user)),
            (Key::ImpersonatedUser, tables.impersonated.aside(codes.impersonated)),
            (Key::AuthenticationMetadata, tables.constraint.aside(codes.constraint)),
            (Key::SourceIps, tables.source_ips.aside(codes.source_ips)),
            (Key::UserAgent, tables.user_agent.aside(codes.user_agent)),
            (Key::ObjectRef, tables.object_ref.aside(codes.object_ref)),
            (Key::ResponseStatus, tables.status.aside(codes.status)),
            (Key::Annotations, tables.annotations.aside(codes.annotations)),
        ]
    }

    #[inline]
    fn gather_repairs(&self, codes: &Codes, repairs: &mut Repairs) {
        for (_, aside) in self.asides(codes) {
            if let Some(aside) = aside {
                repairs.merge(aside.repairs);
            }
        }
    }

    /// JSON object of everything that no column holds, or `None` when the columns hold all.
    fn extra_fields(&self, event: &Event<'_>, codes: &Codes, row: &rows::Row<'_>) -> Option<String> {
        let mut json = String::new();
        let mut add = |key: &str, value: &str| {
            json.push(if json.is_empty() { '{' } else { ',' });
            json.push('"');
            json.push_str(key);
            json.push_str("\":");
            json.push_str(value);
        };
        if let Some(version) = event.get(Key::ApiVersion).filter(|v| *v != "\"audit.k8s.io/v1\"") {
            add(Key::ApiVersion.name(), version);
        }
        for (key, aside) in self.asides(codes) {
            if let Some(rest) = aside.and_then(|aside| aside.json.as_deref()) {
                add(key.name(), rest);
            }
        }
        for (key, rest) in row.rest.iter().flatten() {
            add(key.name(), rest);
        }
        for member in event.unknown() {
            json.push(if json.is_empty() { '{' } else { ',' });
            json.push_str(member);
        }
        if json.is_empty() {
            return None;
        }
        json.push('}');
        Some(json)
    }
}

impl Tables {
    /// The row of the effective user, remembered for users without impersonation: nearly all of them.
    #[inline]
    fn effective(&mut self, user: u32, impersonated: u32) -> Result<u32, BadValue> {
        if !self.effective.active || user == ABSENT {
            return Ok(ABSENT);
        }
        if impersonated != ABSENT {
            return self.effective_of(user, impersonated);
        }
        if self.plain_effective.len() <= user as usize {
            self.plain_effective.resize(user as usize + 1, ABSENT);
        }
        if self.plain_effective[user as usize] == ABSENT {
            self.plain_effective[user as usize] = self.effective_of(user, ABSENT)?;
        }
        Ok(self.plain_effective[user as usize])
    }

    /// A pair of users is looked up by its two rows.
    fn effective_of(&mut self, user: u32, impersonated: u32) -> Result<u32, BadValue> {
        let Self { effective, user: users, impersonated: impersonations, .. } = self;
        let mut key = [0; 8];
        key[..4].copy_from_slice(&user.to_le_bytes());
        key[4..].copy_from_slice(&impersonated.to_le_bytes());
        let prepare = |out: &mut table::Writer<'_>| {
            let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Invalid);
            let user = text(users.key(user))?;
            let other = (impersonated != ABSENT).then(|| text(impersonations.key(impersonated)));
            groups::effective(user, other.transpose()?, out)
        };
        effective.row(&key, prepare).map_err(|Invalid| BadValue(Key::User))
    }

    fn outcome(&mut self, stage: u32, status: u32, annotations: u32) -> Result<u32, BadValue> {
        if !self.outcome.active || stage == ABSENT {
            return Ok(ABSENT);
        }
        let facts = [
            self.stage.fact(stage),
            self.status.fact(status),
            self.annotations.fact(annotations) & (groups::ALLOW | groups::FORBID),
        ];
        let mut key = [0; 12];
        for (part, fact) in key.as_chunks_mut::<4>().0.iter_mut().zip(facts) {
            *part = fact.to_le_bytes();
        }
        let prepare = |out: &mut table::Writer<'_>| {
            out.text(Some(groups::outcome(facts[0], facts[1], facts[2])));
            Ok(table::Aside::default())
        };
        self.outcome.row(&key, prepare).map_err(|Invalid| BadValue(Key::ResponseStatus))
    }
}

/// The row of a key's value in its table, [`ABSENT`] for an absent value or a table that no column needs.
#[inline]
fn find(
    table: &mut Table,
    event: &Event<'_>,
    key: Key,
    prepare: fn(&str, &mut table::Writer<'_>) -> Result<table::Aside, Invalid>,
) -> Result<u32, BadValue> {
    match event.get(key) {
        Some(raw) if table.active => {
            table.row(raw.as_bytes(), |out| prepare(raw, out)).map_err(|Invalid| BadValue(key))
        }
        _ => Ok(ABSENT),
    }
}

/// Adds a repair to a set and answers the set.
fn with(mut repairs: Repairs, repair: Repair) -> Repairs {
    repairs.add(repair);
    repairs
}
