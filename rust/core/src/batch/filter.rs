//! Which rows are built. Decided when the values of an event are found and before any table is touched: an event that is
//! left out costs no more than that.

use crate::event::{Event, Key};
use crate::parse::time::MicroTimes;
use crate::parse::values::{Invalid, ObjectReference, Single, Status, UserInfo};
use crate::repair::Repairs;

use super::{BadValue, groups, rows};

mod answers;
mod choice;

use answers::Answers;
pub use choice::{Choice, Pattern, Resource, Words};

/// The rows to build: those that meet every condition. One that names nothing is met by all rows.
///
/// Conditions are about the columns of the row that would be built. A row without a time or a code does not meet a
/// condition on it; a text that is absent is the empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Earliest `ts_received`, in microseconds since 1970.
    pub since: Option<i64>,
    /// What `ts_received` has to be before, in microseconds since 1970.
    pub until: Option<i64>,
    /// Ranges of `code`, first and last.
    pub code: Vec<(i16, i16)>,
    /// `verb`.
    pub verb: Words,
    /// `stage`.
    pub stage: Words,
    /// `level`.
    pub level: Words,
    /// `eff_user`: who was impersonated, or else who was authenticated.
    pub user: Words,
    /// `user`: who was authenticated.
    pub authenticated: Words,
    /// `actor`.
    pub actor: Words,
    /// `namespace`.
    pub namespace: Words,
    /// `resource`, with `api_group` and `subresource`.
    pub resource: Choice<Resource>,
}

impl Filter {
    /// Whether all rows are built.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn takes_time(&self, time: i64) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    fn takes_status(&self, raw: &str) -> Result<bool, BadValue> {
        let status = Status::parse(raw).map_err(|Invalid| BadValue(Key::ResponseStatus))?;
        let is_in = |code| self.code.iter().any(|&(first, last)| (first..=last).contains(&code));
        Ok(status.code.is_some_and(is_in))
    }

    fn takes_users(&self, user: Option<&str>, impersonated: Option<&str>) -> Result<bool, BadValue> {
        let is_known = user.is_some() || impersonated.is_some();
        let user = user.map(UserInfo::parse).transpose().map_err(|Invalid| BadValue(Key::User))?;
        let impersonated = impersonated.map(UserInfo::parse).transpose();
        let impersonated = impersonated.map_err(|Invalid| BadValue(Key::ImpersonatedUser))?;
        let user = user.unwrap_or_default();
        if !self.authenticated.take(user.username.as_deref().unwrap_or_default()) {
            return Ok(false);
        }
        let effective = groups::effective_user(user, impersonated);
        let actor = if is_known { groups::actor_of(&effective) } else { "" };
        Ok(self.user.take(effective.username.as_deref().unwrap_or_default()) && self.actor.take(actor))
    }

    fn takes_object(&self, raw: &str) -> Result<bool, BadValue> {
        let object = ObjectReference::parse(raw).map_err(|Invalid| BadValue(Key::ObjectRef))?;
        Ok(self.takes(&object))
    }

    fn takes(&self, object: &ObjectReference<'_>) -> bool {
        self.namespace.take(object.namespace.as_deref().unwrap_or_default()) && self.resource.take(object)
    }
}

/// A filter at work, with what it decided lately.
pub struct RowFilter {
    filter: Filter,
    times: MicroTimes,
    statuses: Answers,
    users: Answers,
    objects: Answers,
    /// Scratch: an object reference without the texts that differ from object to object.
    constant: Vec<u8>,
}

impl RowFilter {
    /// A filter that has seen nothing yet.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            times: MicroTimes::default(),
            statuses: Answers::default(),
            users: Answers::default(),
            objects: Answers::default(),
            constant: Vec::new(),
        }
    }

    /// Whether the row of an event is to be built: what is cheap to know and leaves out most comes first.
    ///
    /// # Errors
    /// [`BadValue`] names a value that was asked for and is no valid JSON. Values that nobody asks for are not looked at.
    #[inline]
    pub fn keeps(&mut self, event: &Event<'_>) -> Result<bool, BadValue> {
        Ok(self.keeps_time(event)?
            && keeps_word(&self.filter.verb, event, Key::Verb)?
            && keeps_word(&self.filter.stage, event, Key::Stage)?
            && keeps_word(&self.filter.level, event, Key::Level)?
            && self.keeps_status(event)?
            && self.keeps_users(event)?
            && self.keeps_object(event)?)
    }

    #[inline]
    fn keeps_time(&mut self, event: &Event<'_>) -> Result<bool, BadValue> {
        if self.filter.since.is_none() && self.filter.until.is_none() {
            return Ok(true);
        }
        let (key, mut repairs) = (Key::RequestReceivedTimestamp, Repairs::default());
        let time = rows::time(&mut self.times, event, key, &mut repairs, &mut None)?;
        Ok(time.is_some_and(|time| self.filter.takes_time(time)))
    }

    #[inline]
    fn keeps_status(&mut self, event: &Event<'_>) -> Result<bool, BadValue> {
        let Self { filter, statuses, .. } = self;
        if filter.code.is_empty() {
            return Ok(true);
        }
        let Some(raw) = event.get(Key::ResponseStatus) else { return Ok(false) };
        statuses.of(raw.as_bytes(), || filter.takes_status(raw))
    }

    #[inline]
    fn keeps_users(&mut self, event: &Event<'_>) -> Result<bool, BadValue> {
        let Self { filter, users, .. } = self;
        if filter.user.is_any() && filter.authenticated.is_any() && filter.actor.is_any() {
            return Ok(true);
        }
        let user = event.get(Key::User);
        match event.get(Key::ImpersonatedUser) {
            None => users.of(user.unwrap_or_default().as_bytes(), || filter.takes_users(user, None)),
            impersonated => filter.takes_users(user, impersonated),
        }
    }

    #[inline]
    fn keeps_object(&mut self, event: &Event<'_>) -> Result<bool, BadValue> {
        let Self { filter, objects, constant, .. } = self;
        if filter.namespace.is_any() && filter.resource.is_any() {
            return Ok(true);
        }
        let Some(raw) = event.get(Key::ObjectRef) else {
            return Ok(filter.takes(&ObjectReference::default()));
        };
        if event.split_object(constant).is_none() {
            return filter.takes_object(raw);
        }
        // The whole reference says the same of what is asked for as what is left of it.
        objects.of(constant, || filter.takes_object(raw))
    }
}

#[inline]
fn keeps_word(words: &Words, event: &Event<'_>, key: Key) -> Result<bool, BadValue> {
    if words.is_any() {
        return Ok(true);
    }
    if let Some(plain) = event.plain(key) {
        return Ok(words.take(plain));
    }
    let single = event.get(key).map(Single::parse).transpose().map_err(|Invalid| BadValue(key))?;
    Ok(words.take(single.and_then(|single| single.text).as_deref().unwrap_or_default()))
}
