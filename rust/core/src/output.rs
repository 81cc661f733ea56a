//! What is written: files that appear whole or not at all, streams, and the rejected lines beside them.

pub(crate) mod atomic;
pub(crate) mod identity;
pub(crate) mod rejects;
pub(crate) mod text;
