//! A log that is being written, its rotated backups included, as one stream of bytes. Knows bytes and offsets, and no
//! JSON.

pub mod identity;
