//! Who called, by one comparison. In the usual order the values from user to user agent stand side by side, and the same
//! callers come again and again.

use std::ops::Range;

use super::known::{Known, Name, spread};

/// Lengths that are remembered.
const LENGTHS: usize = 1 << 10;

/// Keys from `user` to `userAgent`.
const KEYS: usize = 5;

/// The callers that were met lately, by what stands on the line from the value of `user` to the end of `userAgent`.
#[derive(Clone, Debug, Default)]
pub(super) struct Callers {
    /// How long the text was that began so: a text has to be known before its end is.
    lengths: Vec<u32>,
    texts: Known<Caller>,
}

/// Where the values of a caller stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// Where the values of the five keys stand in the text; an empty range at zero is an absent key.
    pub(super) values: [Range<u32>; KEYS],
    /// Whether the user agent is its own content.
    pub(super) plain: bool,
}

impl Callers {
    /// The caller with whose text `rest` begins. Where its values stand is what a scan of `rest` would find: the ends of
    /// strings and brackets are decided by the bytes in front of them, and these are the same.
    pub(super) fn find(&self, rest: &[u8]) -> Option<(Name, &Caller)> {
        let length = *self.lengths.get(beginning(rest)?)? as usize;
        self.texts.find(rest.get(..length)?)
    }

    /// Remembers a caller whose text `rest` begins with, unless it is too long.
    #[cold]
    pub(super) fn put(&mut self, rest: &[u8], length: usize, caller: Caller) -> Option<Name> {
        if self.lengths.is_empty() {
            self.lengths = vec![0; LENGTHS];
        }
        let beginning = beginning(rest)?;
        let name = self.texts.put(&rest[..length], caller)?;
        self.lengths[beginning] = length as u32;
        Some(name)
    }
}

/// Where to look for the length of a text: by a few bytes behind those that most user names begin with. It is no hash; a
/// wrong guess costs one comparison, whatever the log holds.
fn beginning(rest: &[u8]) -> Option<usize> {
    let word = |at: usize| rest.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
    let mixed = word(24)? ^ word(40)?.rotate_left(11) ^ word(56)?.rotate_left(22);
    Some(spread(mixed, LENGTHS))
}
