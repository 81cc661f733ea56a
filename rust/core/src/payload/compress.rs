//! Compression of whole payloads: the same bytes for the same bytes.

use std::io::Write;

use flate2::GzBuilder;
use zstd::bulk;

/// How payloads are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// They are not.
    None,
    /// gzip at a level from 0 to 9.
    Gzip(u32),
    /// zstd at a level from 1 to 22.
    Zstd(i32),
}

impl Compression {
    /// The compression of that name; `Err` says what is wrong.
    ///
    /// # Errors
    /// For a name that is none, and for a level that it does not have.
    pub fn new(name: &str, level: i32) -> Result<Self, String> {
        match (name, level) {
            ("none", _) => Ok(Self::None),
            ("gzip", 0..=9) => Ok(Self::Gzip(level as u32)),
            ("gzip", _) => Err(format!("gzip has levels from 0 to 9, not {level}")),
            ("zstd", 1..=22) => Ok(Self::Zstd(level)),
            ("zstd", _) => Err(format!("zstd has levels from 1 to 22, not {level}")),
            _ => Err(format!("no compression '{name}': it is zstd, gzip or none")),
        }
    }
}

/// Compresses one payload after the other; it keeps its memory between them.
pub(super) enum Compressor {
    None,
    Gzip(u32),
    Zstd(Box<bulk::Compressor<'static>>),
}

impl Compressor {
    pub(super) fn new(compression: Compression) -> Self {
        match compression {
            Compression::None => Self::None,
            Compression::Gzip(level) => Self::Gzip(level),
            Compression::Zstd(level) => {
                Self::Zstd(Box::new(bulk::Compressor::new(level).expect("a level that zstd has")))
            }
        }
    }

    pub(super) fn compress(&mut self, body: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => body,
            Self::Gzip(level) => {
                let out = Vec::with_capacity(body.len() / 4);
                let mut writer = GzBuilder::new().mtime(0).write(out, flate2::Compression::new(*level));
                let written = writer.write_all(&body).and_then(|()| writer.finish());
                written.expect("memory takes everything")
            }
            Self::Zstd(compressor) => compressor.compress(&body).expect("memory takes everything"),
        }
    }
}
