//! A log that is being written, its rotated backups included, as one stream of bytes. Knows bytes and offsets, and no
//! JSON.

pub mod events;
pub mod identity;
pub mod loss;
mod open;
pub mod set;
pub mod stream;
pub mod watch;

pub use open::{FindCuts, Input, NotThere, Opened, Place};
