//! What a task reads: a whole file, a range of a plain one, or a stream.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::input::open::{Format, decode};

use super::Input;
use super::ahead::Ahead;

/// Bytes of a file that are worth a thread of their own.
const LONG: u64 = 1 << 20;

/// One place to read from.
pub enum Source {
    /// A file by its path.
    Path(PathBuf),
    /// Anything else, with a name for messages (empty when it has none). It can be read once.
    Stream {
        /// Name for messages and the column `src_file`.
        name: String,
        /// The bytes, still encoded.
        reader: Input,
    },
}

/// A source, or a part of one, that one worker reads from end to end.
pub struct Task {
    /// Place of its source among the sources.
    pub source: usize,
    /// Place among the tasks of its source.
    pub part: usize,
    /// File as the column `src_file` names it; empty for a stream without a name.
    pub name: String,
    /// What to read.
    pub(super) what: What,
}

/// See [`Task`].
pub(super) enum What {
    /// All of a file, whatever it is encoded in.
    File(PathBuf),
    /// Bytes of a plain file; both ends stand at the beginning of a line.
    Range {
        /// The file.
        path: PathBuf,
        /// First byte.
        start: u64,
        /// Byte behind the last.
        end: u64,
    },
    /// All of a stream.
    Stream(Input),
}

/// A source that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {name}: {error}; {}", remedy(.error))]
pub struct OpenError {
    /// The file or stream.
    pub name: String,
    /// Why not.
    #[source]
    pub error: io::Error,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "it may have been rotated away: give its directory or a pattern instead",
        io::ErrorKind::PermissionDenied => {
            "kube-apiserver writes its log with mode 0600: read it as its owner"
        }
        _ => "nothing was read from it",
    }
}

impl Task {
    /// Whether it is one whole file that takes long enough for its work to be shared among threads.
    #[must_use]
    pub fn is_long_file(&self) -> bool {
        let What::File(path) = &self.what else { return false };
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() >= LONG)
    }

    /// Opens the task: its decoded bytes, and the offset of the first of them. Bytes are counted into `read` as they
    /// come off the disk, before they are decoded; with `ahead`, they are decoded on a thread of their own.
    ///
    /// # Errors
    /// [`OpenError`] names the file.
    pub fn open(self, read: &Arc<AtomicU64>, ahead: bool) -> Result<(Input, u64), OpenError> {
        let name = self.name;
        let opened = match self.what {
            What::File(path) => File::open(path).map(|file| (Box::new(file) as Input, 0)),
            What::Range { path, start, end } => open_range(path, start, end),
            What::Stream(reader) => Ok((reader, 0)),
        };
        let decoded = opened.and_then(|(input, base)| {
            let counted = Counted { inner: input, read: Arc::clone(read) };
            // A range begins inside a file that was found to be plain.
            let input: Input = if base > 0 { Box::new(counted) } else { decoded(counted, ahead)? };
            Ok((input, base))
        });
        decoded.map_err(|error| OpenError { name, error })
    }
}

fn decoded(counted: Counted, ahead: bool) -> io::Result<Input> {
    let decoded = decode(Box::new(counted))?;
    let ahead = ahead && decoded.format() != Format::Plain;
    Ok(if ahead { Box::new(Ahead::new(decoded)) } else { Box::new(decoded) })
}

fn open_range(path: PathBuf, start: u64, end: u64) -> io::Result<(Input, u64)> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    Ok((Box::new(file.take(end - start)), start))
}

/// Counts the bytes that pass.
struct Counted {
    inner: Input,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
