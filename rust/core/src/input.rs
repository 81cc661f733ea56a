//! Where bytes come from: files found and put in time order, and decoded by what stands in them.

pub mod counting;
pub mod discover;
pub mod open;
