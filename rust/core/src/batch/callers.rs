//! Who called, by one comparison. In the usual order the values from user to user agent stand side by side, and the same
//! callers come again and again.

use super::guess::guess;

/// Callers that are remembered.
const SLOTS: usize = 1 << 10;

/// The longest text that is remembered, so that all of them stay within two megabytes.
const LONGEST: usize = 1 << 11;

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

/// The callers that were met lately, each in the one slot where its text belongs; the last one there stays.
pub(super) struct Callers(Vec<Slot>);

#[derive(Clone, Default)]
struct Slot {
    /// What stood on the line, empty for none.
    text: Vec<u8>,
    /// The rows of that text, until the tables are emptied.
    caller: Option<Caller>,
}

impl Default for Callers {
    fn default() -> Self {
        Self(vec![Slot::default(); SLOTS])
    }
}

impl Callers {
    /// The rows of the caller whose values stand in that text, side by side.
    #[inline]
    pub(super) fn get(&self, text: &[u8]) -> Option<Caller> {
        let slot = &self.0[guess(text, SLOTS)];
        if slot.text == text { slot.caller } else { None }
    }

    /// Remembers a caller.
    pub(super) fn put(&mut self, text: &[u8], caller: Caller) {
        if text.len() <= LONGEST {
            let slot = &mut self.0[guess(text, SLOTS)];
            slot.text.clear();
            slot.text.extend_from_slice(text);
            slot.caller = Some(caller);
        }
    }

    /// Forgets every caller: their rows are void.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(|slot| slot.caller = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: u32) -> Caller {
        Caller { user, impersonated: 1, constraint: 2, effective: 3, source_ips: 4, user_agent: 5 }
    }

    #[test]
    fn a_caller_is_known_by_all_of_its_text() {
        let mut callers = Callers::default();
        let texts: Vec<String> = (0..10_000).map(|i| format!("{{\"username\":\"user-{i}\"}}")).collect();
        for (i, text) in texts.iter().enumerate() {
            callers.put(text.as_bytes(), caller(i as u32));
            assert_eq!(callers.get(text.as_bytes()).map(|caller| caller.user), Some(i as u32));
        }
        let known = |(i, text): (usize, &String)| {
            callers.get(text.as_bytes()).map(|caller| assert_eq!(caller.user, i as u32))
        };
        assert!((1..=SLOTS).contains(&texts.iter().enumerate().filter_map(known).count()));
    }

    #[test]
    fn emptied_tables_and_long_texts_are_no_callers() {
        let mut callers = Callers::default();
        let long = vec![b'a'; LONGEST + 1];
        callers.put(&long, caller(7));
        callers.put(&long[1..], caller(8));
        assert!(callers.get(&long).is_none() && callers.get(&long[1..]).is_some());
        callers.clear();
        assert!(callers.get(&long[1..]).is_none() && callers.get(b"").is_none());
    }
}
