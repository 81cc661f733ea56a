//! Events back from their rows, as kube-apiserver writes them. For every canonical line the result is the same, byte for
//! byte: that is the proof that the schema drops nothing.
//!
//! `extra_fields` fills in what no column holds (see [`crate::parse::values`]): unknown members are merged, and a value
//! that repeats a known member stands for the whole. A row with `raw` is its raw bytes.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::ArrowError;

use crate::event::Key;
use crate::scan::Members;
use crate::schema::COLUMNS;

mod columns;
mod object;

use columns::{Lists, Maps, Texts, codes, times};
use object::Object;

/// Why rows cannot be written back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A column that an event is made of is missing.
    #[error(
        "column '{0}' is missing: an event is written back from all columns of the event, so read without columns="
    )]
    Missing(&'static str),
    /// A column has a type that cannot be read as its own.
    #[error("column '{name}' cannot be read: {error}")]
    Type {
        /// The column.
        name: &'static str,
        /// Why not.
        #[source]
        error: ArrowError,
    },
}

/// The columns of a batch that events are made of.
pub struct Restorer {
    rows: usize,
    level: Texts,
    audit_id: Texts,
    stage: Texts,
    uri: Texts,
    verb: Texts,
    user: User,
    impersonated: User,
    constraint: Texts,
    source_ips: Lists,
    user_agent: Texts,
    /// Members of `objectRef` in the order of the Go struct.
    object_ref: [(&'static str, Texts); 8],
    status: Texts,
    message: Texts,
    reason: Texts,
    code: Vec<Option<i64>>,
    request_object: Texts,
    response_object: Texts,
    received: Vec<Option<i64>>,
    reached: Vec<Option<i64>>,
    annotations: Maps<Texts>,
    extra: Texts,
    /// `None` when the batch has no such column.
    raw: Option<columns::Bytes>,
}

/// The columns of `user` or `impersonatedUser`.
struct User {
    username: Texts,
    uid: Texts,
    groups: Lists,
    extra: Maps<Lists>,
}

/// Raw JSON that `extra_fields` holds for a row: key between its quotes and value, in order.
type Extra<'a> = Vec<(&'a str, &'a str)>;

impl User {
    fn new(batch: &RecordBatch, names: [&'static str; 4]) -> Result<Self, RestoreError> {
        Ok(Self {
            username: Texts::new(&column(batch, names[0])?),
            uid: Texts::new(&column(batch, names[1])?),
            groups: Lists::new(&column(batch, names[2])?),
            extra: Maps::of_lists(&column(batch, names[3])?),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        self.username.get(row).is_none()
            && self.uid.get(row).is_none()
            && self.groups.get(row).is_none()
            && self.extra.range(row).is_none()
    }

    fn write(&self, out: &mut Object<'_>, row: usize) {
        out.text("username", self.username.get(row));
        out.text("uid", self.uid.get(row));
        out.list("groups", self.groups.get(row));
        if let Some(range) = self.extra.range(row) {
            out.member("extra", |out| {
                let mut object = Object::open(out);
                for entry in range {
                    object.list(self.extra.keys.get(entry).unwrap_or_default(), self.extra.values.get(entry));
                }
                object.close();
            });
        }
    }
}

impl Restorer {
    /// Takes the columns out of a batch; each may be of any type that casts to its own.
    ///
    /// # Errors
    /// [`RestoreError`] names the column.
    pub fn new(batch: &RecordBatch) -> Result<Self, RestoreError> {
        let texts = |name| Ok(Texts::new(&column(batch, name)?));
        let object_ref = [
            ("resource", texts("resource")?),
            ("namespace", texts("namespace")?),
            ("name", texts("name")?),
            ("uid", texts("object_uid")?),
            ("apiGroup", texts("api_group")?),
            ("apiVersion", texts("api_version")?),
            ("resourceVersion", texts("object_rv")?),
            ("subresource", texts("subresource")?),
        ];
        Ok(Self {
            rows: batch.num_rows(),
            level: texts("level")?,
            audit_id: texts("audit_id")?,
            stage: texts("stage")?,
            uri: texts("uri")?,
            verb: texts("verb")?,
            user: User::new(batch, ["user", "user_uid", "user_groups", "user_extra"])?,
            impersonated: User::new(batch, ["imp_user", "imp_uid", "imp_groups", "imp_extra"])?,
            constraint: texts("imp_constraint")?,
            source_ips: Lists::new(&column(batch, "source_ips")?),
            user_agent: texts("user_agent")?,
            object_ref,
            status: texts("status")?,
            message: texts("message")?,
            reason: texts("reason")?,
            code: codes(&column(batch, "code")?),
            request_object: texts("request_object")?,
            response_object: texts("response_object")?,
            received: times(&column(batch, "ts_received")?),
            reached: times(&column(batch, "ts_stage")?),
            annotations: Maps::of_texts(&column(batch, "annotations")?),
            extra: texts("extra_fields")?,
            raw: batch.column_by_name("raw").map(columns::Bytes::new),
        })
    }

    /// Rows in the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether the batch has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends the event of a row, without a newline.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        if let Some(raw) = self.raw.as_ref().and_then(|raw| raw.get(row)) {
            out.extend_from_slice(raw);
            return;
        }
        let extra = self.extra.get(row).map(members).unwrap_or_default();
        let mut event = Object::open(out);
        event.raw("kind", "\"Event\"");
        event.raw("apiVersion", find(&extra, Key::ApiVersion).unwrap_or("\"audit.k8s.io/v1\""));
        let scalar = |event: &mut Object<'_>, key: Key, value: Option<&str>| match find(&extra, key) {
            Some(raw) => event.raw(key.name(), raw),
            None => event.text(key.name(), value),
        };
        scalar(&mut event, Key::Level, self.level.get(row));
        scalar(&mut event, Key::AuditId, self.audit_id.get(row));
        scalar(&mut event, Key::Stage, self.stage.get(row));
        scalar(&mut event, Key::RequestUri, self.uri.get(row));
        scalar(&mut event, Key::Verb, self.verb.get(row));
        self.write_users(row, &extra, &mut event);
        match find(&extra, Key::SourceIps) {
            Some(raw) => event.raw(Key::SourceIps.name(), raw),
            None => event.list(Key::SourceIps.name(), self.source_ips.get(row)),
        }
        scalar(&mut event, Key::UserAgent, self.user_agent.get(row));
        self.write_object_ref(row, &extra, &mut event);
        self.write_status(row, &extra, &mut event);
        for (key, body) in
            [(Key::RequestObject, &self.request_object), (Key::ResponseObject, &self.response_object)]
        {
            if let Some(body) = body.get(row) {
                event.raw(key.name(), body);
            }
        }
        for (key, times) in
            [(Key::RequestReceivedTimestamp, &self.received), (Key::StageTimestamp, &self.reached)]
        {
            match find(&extra, key) {
                Some(raw) => event.raw(key.name(), raw),
                None => event.time(key.name(), times[row]),
            }
        }
        self.write_annotations(row, &extra, &mut event);
        for (key, raw) in &extra {
            if Key::from_name(key.as_bytes()).is_none() {
                event.verbatim(key, raw);
            }
        }
        event.close();
    }

    fn write_users(&self, row: usize, extra: &Extra<'_>, event: &mut Object<'_>) {
        const KNOWN: &[&str] = &["username", "uid", "groups", "extra"];
        merge(event, Key::User, find(extra, Key::User), KNOWN, true, |out| self.user.write(out, row));
        let shown = !self.impersonated.is_null(row);
        merge(event, Key::ImpersonatedUser, find(extra, Key::ImpersonatedUser), KNOWN, shown, |out| {
            self.impersonated.write(out, row);
        });
        let constraint = self.constraint.get(row);
        let key = Key::AuthenticationMetadata;
        let known = &["impersonationConstraint"];
        merge(event, key, find(extra, key), known, constraint.is_some(), |out| {
            out.text("impersonationConstraint", constraint);
        });
    }

    fn write_object_ref(&self, row: usize, extra: &Extra<'_>, event: &mut Object<'_>) {
        let shown = self.object_ref.iter().any(|(_, texts)| texts.get(row).is_some());
        let known = self.object_ref.each_ref().map(|(key, _)| *key);
        merge(event, Key::ObjectRef, find(extra, Key::ObjectRef), &known, shown, |out| {
            for (key, texts) in &self.object_ref {
                // Go omits an empty group; every other empty value stood on the line.
                let text = texts.get(row).filter(|text| *key != "apiGroup" || !text.is_empty());
                out.text(key, text);
            }
        });
    }

    /// The Go struct has `metadata` first and `details` between reason and code, and neither has a column.
    fn write_status(&self, row: usize, extra: &Extra<'_>, event: &mut Object<'_>) {
        let key = Key::ResponseStatus;
        let rest = find(extra, key);
        let columns = [&self.status, &self.message, &self.reason];
        let shown = self.code[row].is_some() || columns.iter().any(|texts| texts.get(row).is_some());
        let unknown = rest.map(members).unwrap_or_default();
        let named = |name: &str| unknown.iter().find(|(key, _)| *key == name).map(|(_, raw)| *raw);
        let whole = ["status", "message", "reason", "code"].iter().any(|name| named(name).is_some());
        match rest {
            Some(raw) if whole || !raw.starts_with('{') => return event.raw(key.name(), raw),
            None if !shown => return,
            _ => {}
        }
        event.member(key.name(), |out| {
            let mut status = Object::open(out);
            status.raw("metadata", named("metadata").unwrap_or("{}"));
            status.text("status", self.status.get(row));
            status.text("message", self.message.get(row));
            status.text("reason", self.reason.get(row));
            if let Some(details) = named("details") {
                status.raw("details", details);
            }
            if let Some(code) = self.code[row] {
                status.raw("code", &code.to_string());
            }
            for (key, raw) in unknown.iter().filter(|(key, _)| !matches!(*key, "metadata" | "details")) {
                status.verbatim(key, raw);
            }
            status.close();
        });
    }

    fn write_annotations(&self, row: usize, extra: &Extra<'_>, event: &mut Object<'_>) {
        let key = Key::Annotations;
        if let Some(raw) = find(extra, key) {
            event.raw(key.name(), raw);
        } else if let Some(range) = self.annotations.range(row) {
            event.member(key.name(), |out| {
                let mut object = Object::open(out);
                for entry in range {
                    let value = self.annotations.values.get(entry);
                    object.text(self.annotations.keys.get(entry).unwrap_or_default(), value);
                }
                object.close();
            });
        }
    }
}

/// A column of its own type.
fn column(batch: &RecordBatch, name: &'static str) -> Result<ArrayRef, RestoreError> {
    let found = batch.column_by_name(name).ok_or(RestoreError::Missing(name))?;
    let kind = COLUMNS.iter().find(|column| column.name == name).ok_or(RestoreError::Missing(name))?.kind;
    let wanted = kind.data_type();
    if *found.data_type() == wanted {
        return Ok(found.clone());
    }
    arrow_cast::cast(found, &wanted).map_err(|error| RestoreError::Type { name, error })
}

fn find<'a>(extra: &Extra<'a>, key: Key) -> Option<&'a str> {
    extra.iter().find(|(name, _)| *name == key.name()).map(|(_, raw)| *raw)
}

/// The members of a JSON object; of anything else, none.
fn members(json: &str) -> Extra<'_> {
    let mut found = Vec::new();
    let Some(mut members) = Members::new(json.as_bytes(), 0) else { return found };
    while let Ok(Some(member)) = members.next_member() {
        let Ok(key) = std::str::from_utf8(member.key) else { continue };
        found.push((key, &json[member.start..member.end]));
    }
    found
}

/// Writes an object from its columns and the unknown members of `rest`; a rest with a known member is the whole value.
fn merge(
    event: &mut Object<'_>,
    key: Key,
    rest: Option<&str>,
    known: &[&str],
    shown: bool,
    write: impl FnOnce(&mut Object<'_>),
) {
    let unknown = rest.map(members).unwrap_or_default();
    match rest {
        Some(raw) if !raw.starts_with('{') || unknown.iter().any(|(key, _)| known.contains(key)) => {
            return event.raw(key.name(), raw);
        }
        None if !shown => return,
        _ => {}
    }
    event.member(key.name(), |out| {
        let mut object = Object::open(out);
        write(&mut object);
        for (key, raw) in unknown {
            object.verbatim(key, raw);
        }
        object.close();
    });
}
