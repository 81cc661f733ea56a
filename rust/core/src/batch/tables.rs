//! The tables of all keys, and the row of each that a row of the batch is made of.

use crate::event::{Event, Key};
use crate::parse::values::{Invalid, ObjectReference, ObjectTexts, Text};
use crate::repair::Repairs;
use crate::schema::Selection;

use super::heads::{Head, Heads};
use super::named::{Caller, Named};
use super::table::{self, ABSENT, Table};
use super::{BadValue, groups};

/// Tables are emptied at the end of a batch once they hold more than this together: memory stays bounded, whatever the log
/// holds, and a table that repeats stays warm.
const LIMIT: usize = 4 << 20;

/// Only tables larger than this are emptied then, as long as that is enough: URIs are new again and again, and annotations
/// should not have to be read anew for that.
const SHARE: usize = LIMIT / 8;

/// One table a key. See [`groups`] for what each holds.
pub(super) struct Tables {
    pub(super) level: Table,
    pub(super) stage: Table,
    pub(super) verb: Table,
    /// Rows of the three tables above that were met together lately.
    heads: Heads,
    pub(super) user: Table,
    pub(super) impersonated: Table,
    pub(super) constraint: Table,
    pub(super) effective: Table,
    /// Row of `effective` for each row of `user` without impersonation, [`ABSENT`] until it was asked for.
    pub(super) plain_effective: Vec<u32>,
    pub(super) source_ips: Table,
    pub(super) user_agent: Table,
    /// Rows of the six tables above for callers that were met lately.
    pub(super) callers: Named<Caller>,
    pub(super) uri: Table,
    pub(super) object_ref: Table,
    /// Scratch: an object reference without the texts that differ from object to object.
    constant: Vec<u8>,
    pub(super) status: Table,
    /// Row of `status` for the usual one of each code, [`ABSENT`] until it was met.
    usual_statuses: Box<[u32; 1000]>,
    pub(super) annotations: Table,
    /// Rows of `annotations` for values that were met lately.
    named_annotations: Named<u32>,
    pub(super) outcome: Table,
    /// Row of `outcome` for each of [`groups::OUTCOMES`], [`ABSENT`] until it was asked for.
    outcomes: [u32; groups::OUTCOMES.len()],
    pub(super) origin: Table,
}

/// Rows of the tables that make one row of the batch.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    pub(super) level: u32,
    pub(super) stage: u32,
    pub(super) verb: u32,
    pub(super) caller: Caller,
    pub(super) uri: u32,
    pub(super) object_ref: u32,
    pub(super) status: u32,
    pub(super) annotations: u32,
    pub(super) outcome: u32,
    pub(super) origin: u32,
}

impl Tables {
    pub(super) fn new(selection: &Selection, coded: bool) -> Self {
        let has = |name| selection.has(name);
        let outcome = has("outcome");
        let effective = has("eff_user") || has("actor");
        let long = has("is_long_running");
        let texts = has("name") || has("object_uid") || has("object_rv");
        let table = |names, needed| Table::new(names, selection, coded, needed);
        Self {
            level: table(groups::LEVEL, false),
            stage: table(groups::STAGE, outcome || has("duration_us")),
            verb: table(groups::VERB, long),
            heads: Heads::default(),
            user: table(groups::USER, effective),
            impersonated: table(groups::IMPERSONATED, effective),
            constraint: table(groups::CONSTRAINT, false),
            effective: table(groups::EFFECTIVE, false),
            plain_effective: Vec::new(),
            source_ips: table(groups::SOURCE_IPS, false),
            user_agent: table(groups::USER_AGENT, false),
            callers: Named::default(),
            uri: table(groups::URI, long),
            object_ref: table(groups::OBJECT_REF, long || texts),
            constant: Vec::new(),
            status: table(groups::STATUS, outcome),
            usual_statuses: Box::new([ABSENT; 1000]),
            annotations: table(groups::ANNOTATIONS, outcome || has("truncated")),
            named_annotations: Named::default(),
            outcome: table(groups::OUTCOME, false),
            outcomes: [ABSENT; groups::OUTCOMES.len()],
            origin: table(groups::ORIGIN, false),
        }
    }

    pub(super) fn all(&mut self) -> [&mut Table; 15] {
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

    /// Empties tables if they hold too much; answers whether it did. Rows given out before are void then.
    pub(super) fn shrink(&mut self) -> bool {
        let sizes = self.all().map(|table| table.size());
        let total: usize = sizes.iter().sum();
        if total <= LIMIT {
            return false;
        }
        let small: usize = sizes.iter().filter(|size| **size <= SHARE).sum();
        let most = if small <= LIMIT / 2 { SHARE } else { 0 };
        for (table, size) in self.all().into_iter().zip(sizes) {
            if size > most {
                table.clear();
            }
        }
        // Its keys are rows of other tables.
        self.effective.clear();
        self.plain_effective.clear();
        self.callers.clear();
        self.named_annotations.clear();
        self.usual_statuses.fill(ABSENT);
        self.outcomes.fill(ABSENT);
        true
    }

    /// Finds or makes the rows of every value in the tables; with them come the texts of the object reference, which has
    /// a row for what is left of it.
    #[inline]
    pub(super) fn look_up<'a>(
        &mut self,
        event: &Event<'a>,
        origin: u32,
    ) -> Result<(Codes, ObjectTexts<'a>), BadValue> {
        let tables = &mut *self;
        let [level, stage, verb] = tables.head(event)?;
        let met = event.caller().and_then(|name| tables.callers.get(name));
        let caller = if let Some(caller) = met { caller } else { tables.caller(event)? };
        let status = match tables.usual_statuses[event.usual_code()] {
            ABSENT => tables.status(event)?,
            row => row,
        };
        let met = event.annotations().and_then(|name| tables.named_annotations.get(name));
        let annotations = if let Some(row) = met { row } else { tables.annotations(event)? };
        let uri = find(&mut tables.uri, event, Key::RequestUri, groups::uri)?;
        let (object_ref, texts) = tables.object_ref(event)?;
        let outcome = tables.outcome(stage, status, annotations)?;
        let codes =
            Codes { level, stage, verb, caller, uri, object_ref, status, annotations, outcome, origin };
        Ok((codes, texts))
    }

    /// The rows of level, stage and verb: by a guess at all three, or one by one.
    #[inline]
    fn head(&mut self, event: &Event<'_>) -> Result<Head, BadValue> {
        let [level, stage, verb] = *self.heads.of(event);
        let known = self.level.is_row(level, event.bytes(Key::Level))
            && self.stage.is_row(stage, event.bytes(Key::Stage))
            && self.verb.is_row(verb, event.bytes(Key::Verb));
        if known { Ok([level, stage, verb]) } else { self.new_head(event) }
    }

    #[cold]
    fn new_head(&mut self, event: &Event<'_>) -> Result<Head, BadValue> {
        let head = [
            find(&mut self.level, event, Key::Level, groups::level)?,
            find(&mut self.stage, event, Key::Stage, groups::stage)?,
            find(&mut self.verb, event, Key::Verb, groups::verb)?,
        ];
        *self.heads.of(event) = head;
        Ok(head)
    }

    /// Looks up who called value by value, and remembers it.
    fn caller(&mut self, event: &Event<'_>) -> Result<Caller, BadValue> {
        let user = find(&mut self.user, event, Key::User, groups::user)?;
        let impersonated = find(&mut self.impersonated, event, Key::ImpersonatedUser, groups::impersonated)?;
        let mut caller = Caller {
            tells: false,
            user,
            impersonated,
            constraint: find(&mut self.constraint, event, Key::AuthenticationMetadata, groups::constraint)?,
            effective: self.effective(user, impersonated)?,
            source_ips: find(&mut self.source_ips, event, Key::SourceIps, groups::source_ips)?,
            user_agent: find(&mut self.user_agent, event, Key::UserAgent, groups::user_agent)?,
        };
        caller.tells = self.user.tells(caller.user)
            || self.impersonated.tells(caller.impersonated)
            || self.constraint.tells(caller.constraint)
            || self.source_ips.tells(caller.source_ips)
            || self.user_agent.tells(caller.user_agent);
        if let Some(name) = event.caller() {
            self.callers.put(name, caller);
        }
        Ok(caller)
    }

    /// Looks up the status, and remembers a usual one.
    fn status(&mut self, event: &Event<'_>) -> Result<u32, BadValue> {
        let row = find(&mut self.status, event, Key::ResponseStatus, groups::status)?;
        if event.usual_code() > 0 {
            self.usual_statuses[event.usual_code()] = row;
        }
        Ok(row)
    }

    /// Looks up the annotations, and remembers them.
    fn annotations(&mut self, event: &Event<'_>) -> Result<u32, BadValue> {
        let row = find(&mut self.annotations, event, Key::Annotations, groups::annotations)?;
        if let Some(name) = event.annotations() {
            self.named_annotations.put(name, row);
        }
        Ok(row)
    }

    /// Whether the request is long-running, by its verb or by what it asks for.
    pub(super) fn long_running(&self, codes: &Codes) -> Option<bool> {
        let tables = self;
        if codes.verb == ABSENT {
            return None;
        }
        let by_target = match tables.object_ref.fact(codes.object_ref) {
            groups::NO_OBJECT => tables.uri.fact(codes.uri) > 0,
            fact => fact == groups::LONG,
        };
        Some(by_target || tables.verb.fact(codes.verb) > 0)
    }

    /// Whether any value of a row tells anything beside its cells.
    #[inline]
    pub(super) fn tell(&self, codes: &Codes) -> bool {
        codes.caller.tells
            | self.level.tells(codes.level)
            | self.stage.tells(codes.stage)
            | self.uri.tells(codes.uri)
            | self.verb.tells(codes.verb)
            | self.object_ref.tells(codes.object_ref)
            | self.status.tells(codes.status)
            | self.annotations.tells(codes.annotations)
    }

    /// Calls `tell` with what each value of a row tells beside its cells, in wire order: raw JSON for `extra_fields`, and
    /// repairs.
    #[inline]
    pub(super) fn asides(&self, codes: &Codes, mut tell: impl FnMut(Key, &table::Aside)) {
        let tables = self;
        let mut ask = |key, table: &Table, row| {
            if let Some(aside) = table.aside(row) {
                tell(key, aside);
            }
        };
        ask(Key::Level, &tables.level, codes.level);
        ask(Key::Stage, &tables.stage, codes.stage);
        ask(Key::RequestUri, &tables.uri, codes.uri);
        ask(Key::Verb, &tables.verb, codes.verb);
        ask(Key::User, &tables.user, codes.caller.user);
        ask(Key::ImpersonatedUser, &tables.impersonated, codes.caller.impersonated);
        ask(Key::AuthenticationMetadata, &tables.constraint, codes.caller.constraint);
        ask(Key::SourceIps, &tables.source_ips, codes.caller.source_ips);
        ask(Key::UserAgent, &tables.user_agent, codes.caller.user_agent);
        ask(Key::ObjectRef, &tables.object_ref, codes.object_ref);
        ask(Key::ResponseStatus, &tables.status, codes.status);
        ask(Key::Annotations, &tables.annotations, codes.annotations);
    }

    /// Adds the repairs of all values of a row.
    #[inline]
    pub(super) fn gather_repairs(&self, codes: &Codes, repairs: &mut Repairs) {
        self.asides(codes, |_, aside| repairs.merge(aside.repairs));
    }
}

impl Tables {
    /// The row of the effective user, remembered for users without impersonation: nearly all of them.
    #[inline]
    fn effective(&mut self, user: u32, impersonated: u32) -> Result<u32, BadValue> {
        if !self.effective.active || (user == ABSENT && impersonated == ABSENT) {
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
            let user = if user == ABSENT { "{}" } else { text(users.key(user))? };
            let other = (impersonated != ABSENT).then(|| text(impersonations.key(impersonated)));
            groups::effective(user, other.transpose()?, out)
        };
        effective.row(&key, prepare).map_err(|Invalid| BadValue(Key::User))
    }

    /// A reference in its usual form is looked up without its texts: what is left repeats, where the whole hardly ever
    /// does.
    #[inline]
    fn object_ref<'a>(&mut self, event: &Event<'a>) -> Result<(u32, ObjectTexts<'a>), BadValue> {
        let Self { object_ref: table, constant, .. } = self;
        let Some(raw) = event.get(Key::ObjectRef).filter(|_| table.active) else {
            return Ok((ABSENT, ObjectTexts::default()));
        };
        let bad = |Invalid| BadValue(Key::ObjectRef);
        if let Some([name, uid, resource_version]) = event.split_object(constant) {
            let text = |constant| std::str::from_utf8(constant).map_err(|_| Invalid);
            let row = table.row(constant, |out| groups::object_ref(text(constant)?, out));
            let [name, uid, resource_version] =
                [name, uid, resource_version].map(|text| text.map(Text::Borrowed));
            return Ok((row.map_err(bad)?, ObjectTexts { name, uid, resource_version }));
        }
        let row = table.row(raw.as_bytes(), |out| groups::object_ref(raw, out)).map_err(bad)?;
        Ok((row, ObjectReference::parse(raw).map_err(bad)?.texts))
    }

    #[inline]
    fn outcome(&mut self, stage: u32, status: u32, annotations: u32) -> Result<u32, BadValue> {
        if !self.outcome.active || stage == ABSENT {
            return Ok(ABSENT);
        }
        let decision = self.annotations.fact(annotations) & (groups::ALLOW | groups::FORBID);
        let outcome = groups::outcome(self.stage.fact(stage), self.status.fact(status), decision);
        match self.outcomes[outcome] {
            ABSENT => self.new_outcome(outcome),
            row => Ok(row),
        }
    }

    #[cold]
    fn new_outcome(&mut self, outcome: usize) -> Result<u32, BadValue> {
        let word = groups::OUTCOMES[outcome];
        let prepare = |out: &mut table::Writer<'_>| {
            out.text(Some(word));
            Ok(table::Aside::default())
        };
        let row = self.outcome.row(word.as_bytes(), prepare);
        self.outcomes[outcome] = row.map_err(|Invalid| BadValue(Key::ResponseStatus))?;
        Ok(self.outcomes[outcome])
    }
}

/// The row of a key's value in its table, [`ABSENT`] for an absent value or a table that no column needs.
#[expect(clippy::inline_always, reason = "on the way of every line: as a call it costs more than it does")]
#[inline(always)]
fn find(
    table: &mut Table,
    event: &Event<'_>,
    key: Key,
    prepare: fn(&str, &mut table::Writer<'_>) -> Result<table::Aside, Invalid>,
) -> Result<u32, BadValue> {
    match event.bytes(key) {
        Some(raw) if table.active => match table.lately(raw) {
            Some(row) => Ok(row),
            None => find_by_hash(table, event, key, prepare),
        },
        _ => Ok(ABSENT),
    }
}

#[inline(never)]
fn find_by_hash(
    table: &mut Table,
    event: &Event<'_>,
    key: Key,
    prepare: fn(&str, &mut table::Writer<'_>) -> Result<table::Aside, Invalid>,
) -> Result<u32, BadValue> {
    let raw = event.get(key).unwrap_or_default();
    table.row_by_hash(raw.as_bytes(), |out| prepare(raw, out)).map_err(|Invalid| BadValue(key))
}
