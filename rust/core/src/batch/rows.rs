//! What differs from row to row: times, ids, bodies, offsets, and the rows of the tables.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, Int32Builder, Int64Builder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;

use crate::event::{Event, Key};
use crate::parse::time::{parse_micro_time, parse_rfc3339};
use crate::parse::values::{Single, Text, validate};
use crate::repair::{Repair, Repairs};
use crate::schema::{Kind, Selection};

use super::{BadValue, Codes, Place, groups, with};

mod response;

/// Which row-wise columns are selected.
#[expect(clippy::struct_excessive_bools, reason = "one flag a column or group of columns")]
pub(super) struct Wanted {
    times: bool,
    long_running: bool,
    audit_id: bool,
    response: bool,
    truncated: bool,
    request_object: bool,
    response_object: bool,
    sizes: bool,
    offsets: bool,
    repairs: bool,
    pub(super) extra_fields: bool,
    raw: bool,
    /// Whether `raw` holds every line, not only repaired ones.
    keep_raw: bool,
}

impl Wanted {
    pub(super) fn new(selection: &Selection, keep_raw: bool) -> Self {
        let has = |name| selection.has(name);
        Self {
            times: has("ts_received") || has("ts_stage") || has("duration_us"),
            long_running: has("is_long_running"),
            audit_id: has("audit_id"),
            response: has("response_name") || has("response_uid") || has("response_rv"),
            truncated: has("truncated"),
            request_object: has("request_object"),
            response_object: has("response_object"),
            sizes: has("req_bytes") || has("resp_bytes") || has("line_bytes"),
            offsets: has("src_offset"),
            repairs: has("repairs"),
            extra_fields: has("extra_fields"),
            raw: has("raw"),
            keep_raw,
        }
    }
}

/// The table rows of all rows of a batch, one vector a table, in the order of the tables.
#[derive(Default)]
pub(super) struct CodeColumns([Vec<u32>; 15]);

impl CodeColumns {
    fn push(&mut self, codes: &Codes) {
        let row = [
            codes.level,
            codes.stage,
            codes.verb,
            codes.user,
            codes.impersonated,
            codes.constraint,
            codes.effective,
            codes.source_ips,
            codes.user_agent,
            codes.uri,
            codes.object_ref,
            codes.status,
            codes.annotations,
            codes.outcome,
            codes.origin,
        ];
        for (column, code) in self.0.iter_mut().zip(row) {
            column.push(code);
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &[u32]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }
}

/// The row-wise values of one event, read and checked, not yet pushed.
pub(super) struct Row<'a> {
    received: Option<i64>,
    reached: Option<i64>,
    audit_id: Option<Text<'a>>,
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
    pub(super) wanted: Wanted,
    pub(super) codes: CodeColumns,
    received: Vec<Option<i64>>,
    reached: Vec<Option<i64>>,
    durations: Int64Builder,
    long_running: BooleanBuilder,
    audit_ids: StringBuilder,
    response: response::Columns,
    truncated: BooleanBuilder,
    request_objects: StringBuilder,
    response_objects: StringBuilder,
    request_bytes: Int32Builder,
    response_bytes: Int32Builder,
    line_bytes: Vec<i32>,
    offsets: Vec<i64>,
    /// One entry a row, whatever is selected.
    repairs: Vec<Repairs>,
    extra_fields: StringBuilder,
    raw: BinaryBuilder,
}

impl Rows {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            codes: CodeColumns::default(),
            received: Vec::new(),
            reached: Vec::new(),
            durations: Int64Builder::new(),
            long_running: BooleanBuilder::new(),
            audit_ids: StringBuilder::new(),
            response: response::Columns::default(),
            truncated: BooleanBuilder::new(),
            request_objects: StringBuilder::new(),
            response_objects: StringBuilder::new(),
            request_bytes: Int32Builder::new(),
            response_bytes: Int32Builder::new(),
            line_bytes: Vec::new(),
            offsets: Vec::new(),
            repairs: Vec::new(),
            extra_fields: StringBuilder::new(),
            raw: BinaryBuilder::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.repairs.len()
    }

    /// Reads the row-wise values.
    #[inline]
    pub(super) fn read<'a>(&self, event: &Event<'a>, mut repairs: Repairs) -> Result<Row<'a>, BadValue> {
        let mut rest = [None; 3];
        let (mut received, mut reached, mut audit_id) = (None, None, None);
        if self.wanted.audit_id {
            audit_id = text(event, Key::AuditId, &mut repairs, &mut rest[0])?;
        }
        if self.wanted.times {
            received = time(event, Key::RequestReceivedTimestamp, &mut repairs, &mut rest[1])?;
            reached = time(event, Key::StageTimestamp, &mut repairs, &mut rest[2])?;
        }
        Ok(Row {
            received,
            reached,
            audit_id,
            request: body(event, Key::RequestObject)?,
            response: body(event, Key::ResponseObject)?,
            repairs,
            rest,
        })
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
            let both = row.received.zip(row.reached).filter(|_| facts.stage != groups::REQUEST_RECEIVED);
            self.durations.append_option(both.map(|(from, to)| to.saturating_sub(from)));
        }
        if self.wanted.long_running {
            self.long_running.append_option(facts.long_running);
        }
        if self.wanted.audit_id {
            self.audit_ids.append_option(row.audit_id.as_deref());
        }
        if self.wanted.response {
            self.response.push(row.response);
        }
        if self.wanted.truncated {
            self.truncated.append_value(facts.truncated || row.repairs.has(Repair::Truncated));
        }
        if self.wanted.request_object {
            self.request_objects.append_option(row.request);
        }
        if self.wanted.response_object {
            self.response_objects.append_option(row.response);
        }
        if self.wanted.sizes {
            self.request_bytes.append_option(row.request.map(|body| body.len() as i32));
            self.response_bytes.append_option(row.response.map(|body| body.len() as i32));
            self.line_bytes.push(place.raw.len() as i32);
        }
        if self.wanted.offsets {
            self.offsets.push(place.offset as i64);
        }
        self.repairs.push(row.repairs);
        if self.wanted.extra_fields {
            self.extra_fields.append_option(extra);
        }
        if self.wanted.raw {
            let keep = self.wanted.keep_raw || !row.repairs.is_empty();
            self.raw.append_option(keep.then_some(place.raw));
        }
    }

    /// The row-wise columns; the rows are gone then, but for their codes.
    pub(super) fn finish(&mut self) -> Vec<(&'static str, ArrayRef)> {
        let rows = self.len();
        let times = |values: &mut Vec<Option<i64>>| -> ArrayRef {
            let array = TimestampMicrosecondArray::from(std::mem::take(values));
            Arc::new(array.with_timezone("UTC"))
        };
        let mut columns: Vec<(&'static str, ArrayRef)> = vec![
            ("ts_received", times(&mut self.received)),
            ("ts_stage", times(&mut self.reached)),
            ("duration_us", Arc::new(self.durations.finish())),
            ("is_long_running", Arc::new(self.long_running.finish())),
            ("audit_id", Arc::new(self.audit_ids.finish())),
            ("truncated", Arc::new(self.truncated.finish())),
            ("request_object", Arc::new(self.request_objects.finish())),
            ("response_object", Arc::new(self.response_objects.finish())),
            ("req_bytes", Arc::new(self.request_bytes.finish())),
            ("resp_bytes", Arc::new(self.response_bytes.finish())),
            ("line_bytes", Arc::new(Int32Array::from(std::mem::take(&mut self.line_bytes)))),
            ("src_offset", Arc::new(arrow_array::Int64Array::from(std::mem::take(&mut self.offsets)))),
            ("extra_fields", Arc::new(self.extra_fields.finish())),
            ("raw", Arc::new(self.raw.finish())),
        ];
        columns.extend(self.response.finish());
        let repairs = std::mem::take(&mut self.repairs);
        if self.wanted.repairs {
            columns.extend(repair_lists(&repairs).map(|lists| ("repairs", lists)));
        }
        columns.retain(|(_, column)| column.len() == rows);
        columns
    }
}

/// The column `repairs`, or `None` when it is all null.
fn repair_lists(repairs: &[Repairs]) -> Option<ArrayRef> {
    if repairs.iter().all(|repairs| repairs.is_empty()) {
        return None;
    }
    let DataType::List(field) = Kind::ListDict.data_type() else { return None };
    let codes: Int32Array = repairs.iter().flat_map(|repairs| repairs.iter()).map(|r| r as i32).collect();
    let names = StringArray::from_iter_values(Repair::ALL.map(Repair::name));
    let items = DictionaryArray::<Int32Type>::new(codes, Arc::new(names));
    let offsets = OffsetBuffer::from_lengths(repairs.iter().map(|repairs| repairs.iter().count()));
    let valid: NullBuffer = repairs.iter().map(|repairs| !repairs.is_empty()).collect();
    Some(Arc::new(ListArray::new(field, offsets, Arc::new(items), Some(valid))))
}

/// A string that differs from row to row.
fn text<'a>(
    event: &Event<'a>,
    key: Key,
    repairs: &mut Repairs,
    rest: &mut Option<(Key, &'a str)>,
) -> Result<Option<Text<'a>>, BadValue> {
    let Some(raw) = event.get(key) else { return Ok(None) };
    let single = Single::parse(raw).map_err(|_| BadValue(key))?;
    repairs.merge(single.rest.repairs);
    if single.rest.json.is_some() {
        *rest = Some((key, raw));
    }
    Ok(single.text)
}

/// A time; the canonical form is 27 characters between its quotes. Another form of the same time is kept raw, so that
/// it can be written back, and is no repair; `null` is how Go writes the zero time.
#[inline]
fn time<'a>(
    event: &Event<'a>,
    key: Key,
    repairs: &mut Repairs,
    rest: &mut Option<(Key, &'a str)>,
) -> Result<Option<i64>, BadValue> {
    let Some(raw) = event.get(key) else { return Ok(None) };
    let bytes = raw.as_bytes();
    if bytes.len() == 29
        && let Some(micros) = parse_micro_time(&bytes[1..28])
        && bytes[0] == b'"'
        && bytes[28] == b'"'
    {
        return Ok(Some(micros));
    }
    if raw == "null" {
        return Ok(None);
    }
    *rest = Some((key, raw));
    let single = Single::parse(raw).map_err(|_| BadValue(key))?;
    let micros = single.text.as_deref().and_then(|text| parse_rfc3339(text.as_bytes()));
    if micros.is_none() {
        *repairs = with(*repairs, Repair::Time);
    }
    Ok(micros)
}

/// A body as it stands. Containers and strings are taken by their extent; a bare word must be a JSON number or literal.
fn body<'a>(event: &Event<'a>, key: Key) -> Result<Option<&'a str>, BadValue> {
    let Some(raw) = event.get(key) else { return Ok(None) };
    if !raw.starts_with(['{', '[', '"']) {
        validate(raw).map_err(|_| BadValue(key))?;
    }
    Ok(Some(raw))
}
