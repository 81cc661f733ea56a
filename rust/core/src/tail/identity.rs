//! Which file is this? Told by what stands in it: names change at rotation, and so do inodes when a file is compressed.

use std::fmt;
use std::fs::Metadata;

use sha2::{Digest, Sha256};

/// Bytes at the beginning of a file, decoded, that tell it from others. An event's own times stand within them.
pub const HEAD: usize = 1024;

/// A hash of some bytes, and how many they are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// How many bytes; 0 says nothing about a file.
    pub len: u32,
    /// The first half of their SHA-256.
    pub hash: [u8; 16],
}

impl Fingerprint {
    /// Of all the bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(bytes)[..16]);
        Self { len: bytes.len() as u32, hash }
    }

    /// Of the bytes, if they tell a file from others. NULs do not: a hole that copytruncate leaves is in many files.
    #[must_use]
    pub fn telling(bytes: &[u8]) -> Self {
        if bytes.iter().all(|byte| *byte == 0) { Self::default() } else { Self::of(bytes) }
    }

    /// Whether it is that of the first bytes.
    #[must_use]
    pub fn begins(&self, bytes: &[u8]) -> bool {
        bytes.get(..self.len as usize).is_some_and(|first| Self::of(first) == *self)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.len)?;
        self.hash[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Where the file system keeps a file: a shortcut only, since both numbers are used again for other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileKey {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

impl FileKey {
    /// That of an open file or a path; `None` where the platform has none.
    #[cfg(unix)]
    #[must_use]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self { device: metadata.dev(), inode: metadata.ino() })
    }

    /// That of an open file or a path; `None` where the platform has none.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of(_: &Metadata) -> Option<Self> {
        None
    }
}
