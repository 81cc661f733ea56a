//! Who called, by the name that the lane gave: five look-ups are saved where it was met before.

use crate::event::CallerName;

/// Rows of the tables for the values of one caller.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub(super) user: u32,
    pub(super) impersonated: u32,
    pub(super) constraint: u32,
    pub(super) effective: u32,
    pub(super) source_ips: u32,
    pub(super) user_agent: u32,
}

/// The callers that were met lately, each in the slot of its name, until the tables are emptied.
pub(super) struct Callers(Vec<Option<(CallerName, Caller)>>);

impl Default for Callers {
    fn default() -> Self {
        Self(vec![None; CallerName::SLOTS])
    }
}

impl Callers {
    /// The rows of the caller of that name.
    #[inline]
    pub(super) fn get(&self, name: CallerName) -> Option<Caller> {
        self.0[name.slot as usize].filter(|(known, _)| *known == name).map(|(_, caller)| caller)
    }

    /// Remembers a caller.
    pub(super) fn put(&mut self, name: CallerName, caller: Caller) {
        self.0[name.slot as usize] = Some((name, caller));
    }

    /// Forgets every caller: their rows are void.
    pub(super) fn clear(&mut self) {
        self.0.fill(None);
    }
}
