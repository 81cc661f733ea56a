//! What differs from row to row: times, ids, bodies, offsets, and the rows of the tables.

#![expect(
    clippy::inline_always,
    reason = "on the way of every line: what the compiler leaves as a call costs more than it does"
)]

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, StringBuilder};
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, ListArray, StringArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;

use crate::event::{Event, Key};
use crate::parse::time::{MicroTimes, parse_rfc3339};
use crate::parse::values::{ObjectTexts, Single, Text, validate};
use crate::repair::{Repair, Repairs};
use crate::schema::{Kind, Selection};

use super::{BadValue, Codes, Place, groups, with};

mod bodies;
mod codes;
mod column;
mod response;

use bodies::Bodies;
use codes::CodeRows;
use column::{Column, Numbers};

/// Which row-wise columns are selected.
#[expect(clippy::struct_excessive_bools, reason = "one flag a column or group of columns")]
struct Wanted {
    times: bool,
    duration: bool,
    long_running: bool,
    audit_id: bool,
    object: bool,
    bodies: bool,
    truncated: bool,
    line_bytes: bool,
    offsets: bool,
    repairs: bool,
    extra_fields: bool,
    raw: bool,
    /// Whether `raw` holds every line, not only repaired ones.
    keep_raw: bool,
}

impl Wanted {
    fn new(selection: &Selection, keep_raw: bool) -> Self {
        let has = |name| selection.has(name);
        Self {
            times: has("ts_received") || has("ts_stage") || has("duration_us"),
            duration: has("duration_us"),
            long_running: has("is_long_running"),
            audit_id: has("audit_id"),
            object: has("name") || has("object_uid") || has("object_rv"),
            bodies: Bodies::COLUMNS.into_iter().any(has),
            truncated: has("truncated"),
            line_bytes: has("line_bytes"),
            offsets: has("src_offset"),
            repairs: has("repairs"),
            extra_fields: has("extra_fields"),
            raw: has("raw"),
            keep_raw,
        }
    }
}

/// The row-wise values of one event, read and checked, not yet pushed.
pub(super) struct Row<'a> {
    received: Option<i64>,
    reached: Option<i64>,
    audit_id: Option<Text<'a>>,
    object: ObjectTexts<'a>,
    request: Option<&'a str>,
    response: Option<&'a str>,
    pub(super) repairs: Repairs,
    /// Raw values that no column gives back: audit ID, the two times.
    pub(super) rest: [Option<(Key, &'a str)>; 3],
}

/// What the tables know about the row.
pub(super) struct Facts {
    pub(super) stage: i32,
    pub(super) truncated: bool,
    pub(super) long_running: Option<bool>,
}

/// The rows of the batch so far.
pub(super) struct Rows {
    wanted: Wanted,
    pub(super) codes: CodeRows,
    /// Reads the times of neighbouring rows.
    times: MicroTimes,
    received: Numbers<TimestampMicrosecondType>,
    reached: Numbers<TimestampMicrosecondType>,
    durations: Numbers<Int64Type>,
    long_running: BooleanBuilder,
    audit_ids: Column<StringBuilder>,
    names: Column<StringBuilder>,
    uids: Column<StringBuilder>,
    versions: Column<StringBuilder>,
    bodies: Bodies,
    truncated: BooleanBuilder,
    line_bytes: Numbers<Int32Type>,
    offsets: Numbers<Int64Type>,
    /// One entry a row, whatever is selected.
    repairs: Vec<Repairs>,
    extra_fields: Column<StringBuilder>,
    raw: Column<BinaryBuilder>,
}

impl Rows {
    pub(super) fn new(selection: &Selection, keep_raw: bool) -> Self {
        Self {
            wanted: Wanted::new(selection, keep_raw),
            codes: CodeRows::default(),
            times: MicroTimes::default(),
            received: Numbers::default(),
            reached: Numbers::default(),
            durations: Numbers::default(),
            long_running: BooleanBuilder::new(),
            audit_ids: Column::default(),
            names: Column::default(),
            uids: Column::default(),
            versions: Column::default(),
            bodies: Bodies::new(selection),
            truncated: BooleanBuilder::new(),
            line_bytes: Numbers::default(),
            offsets: Numbers::default(),
            repairs: Vec::new(),
            extra_fields: Column::default(),
            raw: Column::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.repairs.len()
    }

    /// Bytes of the bodies so far.
    pub(super) fn body_bytes(&self) -> usize {
        self.bodies.bytes()
    }

    /// Whether what no column holds is to be given to [`Self::push`].
    pub(super) fn wants_extra_fields(&self) -> bool {
        self.wanted.extra_fields
    }

    /// Reads the row-wise values.
    #[inline]
    pub(super) fn read<'a>(
        &mut self,
        event: &Event<'a>,
        object: ObjectTexts<'a>,
        mut repairs: Repairs,
    ) -> Result<Row<'a>, BadValue> {
        let mut rest = [None; 3];
        let (mut received, mut reached, mut audit_id) = (None, None, None);
        let (mut request, mut response) = (None, None);
        if self.wanted.audit_id {
            audit_id = text(event, Key::AuditId, &mut repairs, &mut rest[0])?;
        }
        if self.wanted.times {
            let times = &mut self.times;
            received = time(times, event, Key::RequestReceivedTimestamp, &mut repairs, &mut rest[1])?;
            reached = time(times, event, Key::StageTimestamp, &mut repairs, &mut rest[2])?;
        }
        if self.wanted.bodies {
            request = body(event, Key::RequestObject)?;
            response = body(event, Key::ResponseObject)?;
        }
        Ok(Row { received, reached, audit_id, object, request, response, repairs, rest })
    }

    #[inline]
    pub(super) fn push(
        &mut self,
        row: &Row<'_>,
        codes: &Codes,
        facts: &Facts,
        extra: Option<&str>,
        place: &Place<'_>,
    ) {
        self.codes.push(codes);
        if self.wanted.times {
            self.received.push(row.received);
            self.reached.push(row.reached);
        }
        if self.wanted.duration {
            let both = row.received.zip(row.reached).filter(|_| facts.stage != groups::REQUEST_RECEIVED);
            self.durations.push(both.map(|(from, to)| to.saturating_sub(from)));
        }
        if self.wanted.long_running {
            self.long_running.append_option(facts.long_running);
        }
        if self.wanted.audit_id {
            self.audit_ids.push(row.audit_id.as_deref());
        }
        if self.wanted.object {
            self.names.push(row.object.name.as_deref());
            self.uids.push(row.object.uid.as_deref());
            self.versions.push(row.object.resource_version.as_deref());
        }
        self.bodies.push(row.request, row.response);
        if self.wanted.truncated {
            self.truncated.append_value(facts.truncated || row.repairs.has(Repair::Truncated));
        }
        if self.wanted.line_bytes {
            self.line_bytes.push(Some(place.raw.len() as i32));
        }
        if self.wanted.offsets {
            self.offsets.push(Some(place.offset as i64));
        }
        self.repairs.push(row.repairs);
        if self.wanted.extra_fields {
            self.extra_fields.push(extra);
        }
        if self.wanted.raw {
            let keep = self.wanted.keep_raw || !row.repairs.is_empty();
            self.raw.push(keep.then_some(place.raw));
        }
    }

    /// The row-wise columns that have a value; the rows are gone then, but for their codes.
    pub(super) fn finish(&mut self) -> Vec<(&'static str, ArrayRef)> {
        let rows = self.len();
        let repairs = if self.wanted.repairs { repair_lists(&self.repairs) } else { None };
        self.repairs.clear();
        let sparse = [
            ("audit_id", self.audit_ids.finish()),
            ("name", self.names.finish()),
            ("object_uid", self.uids.finish()),
            ("object_rv", self.versions.finish()),
            ("extra_fields", self.extra_fields.finish()),
            ("raw", self.raw.finish()),
            ("repairs", repairs),
        ];
        let sparse = sparse.into_iter().chain(self.bodies.finish());
        let numbers: [(&'static str, ArrayRef); 7] = [
            ("ts_received", Arc::new(self.received.finish().with_timezone("UTC"))),
            ("ts_stage", Arc::new(self.reached.finish().with_timezone("UTC"))),
            ("duration_us", Arc::new(self.durations.finish())),
            ("is_long_running", Arc::new(self.long_running.finish())),
            ("truncated", Arc::new(self.truncated.finish())),
            ("line_bytes", Arc::new(self.line_bytes.finish())),
            ("src_offset", Arc::new(self.offsets.finish())),
        ];
        // A column that is not selected got no cells.
        let numbers = numbers.into_iter().filter(|(_, column)| column.len() == rows);
        sparse.filter_map(|(name, column)| Some((name, column?))).chain(numbers).collect()
    }
}

/// The column `repairs`, or `None` when it is all null.
fn repair_lists(repairs: &[Repairs]) -> Option<ArrayRef> {
    if repairs.iter().all(|repairs| repairs.is_empty()) {
        return None;
    }
    let DataType::List(field) = Kind::List.data_type() else { return None };
    let codes: Int32Array = repairs.iter().flat_map(|repairs| repairs.iter()).map(|r| r as i32).collect();
    let names = StringArray::from_iter_values(Repair::ALL.map(Repair::name));
    let items = DictionaryArray::<Int32Type>::new(codes, Arc::new(names));
    let offsets = OffsetBuffer::from_lengths(repairs.iter().map(|repairs| repairs.iter().count()));
    let valid: NullBuffer = repairs.iter().map(|repairs| !repairs.is_empty()).collect();
    Some(Arc::new(ListArray::new(field, offsets, Arc::new(items), Some(valid))))
}

/// A string that differs from row to row.
#[inline(always)]
fn text<'a>(
    event: &Event<'a>,
    key: Key,
    repairs: &mut Repairs,
    rest: &mut Option<(Key, &'a str)>,
) -> Result<Option<Text<'a>>, BadValue> {
    if let Some(plain) = event.plain(key) {
        return Ok(Some(Text::Borrowed(plain)));
    }
    let Some(raw) = event.get(key) else { return Ok(None) };
    let single = Single::parse(raw).map_err(|_| BadValue(key))?;
    repairs.merge(single.rest.repairs);
    if single.rest.json.is_some() {
        *rest = Some((key, raw));
    }
    Ok(single.text)
}

/// A time; the canonical form is 27 characters between its quotes.
#[inline(always)]
pub(super) fn time<'a>(
    times: &mut MicroTimes,
    event: &Event<'a>,
    key: Key,
    repairs: &mut Repairs,
    rest: &mut Option<(Key, &'a str)>,
) -> Result<Option<i64>, BadValue> {
    let Some(bytes) = event.bytes(key) else { return Ok(None) };
    if let Ok::<&[u8; 29], _>([b'"', text @ .., b'"']) = bytes.try_into()
        && let Some(micros) = times.parse(text)
    {
        return Ok(Some(micros));
    }
    other_time(event, key, repairs, rest)
}

/// A time in another form, which is kept raw, so that it can be written back, and is no repair; `null` is how Go writes the
/// zero time.
#[cold]
fn other_time<'a>(
    event: &Event<'a>,
    key: Key,
    repairs: &mut Repairs,
    rest: &mut Option<(Key, &'a str)>,
) -> Result<Option<i64>, BadValue> {
    let Some(raw) = event.get(key).filter(|raw| *raw != "null") else { return Ok(None) };
    *rest = Some((key, raw));
    let single = Single::parse(raw).map_err(|_| BadValue(key))?;
    let micros = single.text.as_deref().and_then(|text| parse_rfc3339(text.as_bytes()));
    if micros.is_none() {
        *repairs = with(*repairs, Repair::Time);
    }
    Ok(micros)
}

/// A body as it stands. Containers and strings are taken by their extent; a bare word must be a JSON number or literal.
#[inline(always)]
fn body<'a>(event: &Event<'a>, key: Key) -> Result<Option<&'a str>, BadValue> {
    let Some(raw) = event.get(key) else { return Ok(None) };
    if !raw.starts_with(['{', '[', '"']) {
        validate(raw).map_err(|_| BadValue(key))?;
    }
    Ok(Some(raw))
}
