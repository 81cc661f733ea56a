//! What was looked up for values that a lane gave a name: it need not be looked up again.

use crate::event::Name;

/// Rows of the tables for the values of one caller: five look-ups.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub(super) user: u32,
    pub(super) impersonated: u32,
    pub(super) constraint: u32,
    pub(super) effective: u32,
    pub(super) source_ips: u32,
    pub(super) user_agent: u32,
    /// Whether any of these values tells anything beside its cells.
    pub(super) tells: bool,
}

/// What was found for values that were met lately, each in the slot of its name, until the tables are emptied.
pub(super) struct Named<T>(Vec<Option<(Name, T)>>);

impl<T: Copy> Default for Named<T> {
    fn default() -> Self {
        Self(vec![None; Name::SLOTS])
    }
}

impl<T: Copy> Named<T> {
    /// What was found for the value of that name.
    #[inline]
    pub(super) fn get(&self, name: Name) -> Option<T> {
        self.0[name.slot as usize].filter(|(known, _)| *known == name).map(|(_, found)| found)
    }

    /// Remembers what was found.
    pub(super) fn put(&mut self, name: Name, found: T) {
        self.0[name.slot as usize] = Some((name, found));
    }

    /// Forgets everything: rows that were found are void.
    pub(super) fn clear(&mut self) {
        self.0.fill(None);
    }
}
