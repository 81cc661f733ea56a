//! One line's text to an event. A *lane* finds where the values stand; the other modules say what single values mean.
//!
//! Every lane answers the same for the same text: the general lane takes any key order and white space, and lanes that
//! guess must fall back to it.

pub mod actor;
pub mod agent;
pub mod canonical;
pub mod general;
pub mod gojson;
pub mod reason;
pub mod time;
pub mod uri;
pub mod values;

use crate::event::Key;

/// Why a text is no whole event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// No JSON object begins here.
    NotAnObject,
    /// The text ends inside the object. `metadata` says whether all that stands in front of the bodies was read.
    Cut {
        /// Position of the value that is cut.
        at: usize,
        /// Whether the cut is inside or behind the first body.
        metadata: bool,
    },
    /// No valid JSON; the position of the first offence.
    Invalid(usize),
    /// A value that a later one of the same key replaces is no valid JSON.
    Replaced(Key),
    /// A whole JSON object, but of another kind.
    NotAnEvent {
        /// Position behind it.
        end: usize,
    },
}
