//! A file opened where reading is to go on, once it has been seen that it is the right one.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::input::discover::is_compressed;
use crate::input::open::{Format, decode, sniff};
use crate::lines::BEFORE;

use super::identity::{FileKey, Fingerprint, HEAD};

/// The bytes of a file, decoded.
pub type Input = Box<dyn Read + Send>;

/// Where to read on in a file.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// What it was when it was looked at.
    pub key: Option<FileKey>,
    /// Its first bytes.
    pub head: Fingerprint,
    /// Decompressed bytes to pass over.
    pub offset: u64,
    /// The bytes in front of `offset`.
    pub marker: Fingerprint,
}

/// Finds where a plain file of a length is to be cut behind an offset.
pub trait FindCuts: FnOnce(&File, u64, u64) -> io::Result<Vec<u64>> {}

impl<F: FnOnce(&File, u64, u64) -> io::Result<Vec<u64>>> FindCuts for F {}

/// Why a file is not opened at a place.
#[derive(Debug)]
pub enum NotThere {
    /// Another file has the name now.
    Other,
    /// The file begins as it did, but what stands in front of the offset is something else.
    Changed,
    /// It is as it was, but cannot be read, or not as far as that.
    Failed(io::Error),
}

impl From<io::Error> for NotThere {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::NotFound { Self::Other } else { Self::Failed(error) }
    }
}

/// A file that was opened at a place.
pub struct Opened {
    /// Gives the bytes from the place on.
    pub input: Input,
    /// The file, if it is plain: it may grow or be cut.
    pub plain: Option<Arc<File>>,
}

impl Place {
    /// Opens the file at the place.
    ///
    /// # Errors
    /// [`NotThere`].
    pub fn open(&self) -> Result<Opened, NotThere> {
        let file = File::open(&self.path)?;
        let key = FileKey::of(&file.metadata()?);
        if self.key.is_some() && key != self.key {
            return Err(NotThere::Other);
        }
        if is_plain(&file, &self.path)? { self.plain(Arc::new(file)) } else { self.compressed(file) }
    }

    /// The place cut into parts that can be read side by side, each with the offset where it ends, but for the last one.
    /// One that cannot be cut, or is another file by now, is one part: opening that tells.
    #[must_use]
    pub fn parts(self, find_cuts: impl FindCuts) -> Vec<(Self, Option<u64>)> {
        let cuts = self.cuts(find_cuts).unwrap_or_default();
        let starts = std::iter::once(self.offset).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().map(Some).chain([None]);
        let part = |(offset, end)| {
            let marker = if offset == self.offset { self.marker } else { Fingerprint::default() };
            (Self { offset, marker, ..self.clone() }, end)
        };
        starts.zip(ends).map(part).collect()
    }

    fn cuts(&self, find_cuts: impl FindCuts) -> Result<Vec<u64>, NotThere> {
        let opened = Self { offset: 0, marker: Fingerprint::default(), ..self.clone() }.open()?;
        let Some(file) = opened.plain else { return Ok(Vec::new()) };
        let len = file.metadata()?.len();
        Ok(find_cuts(&file, len, self.offset)?)
    }

    fn plain(&self, file: Arc<File>) -> Result<Opened, NotThere> {
        if !stands_at(&file, 0, self.head)? {
            return Err(NotThere::Other);
        }
        if !stands_before(&file, self.offset, self.marker)? {
            return Err(NotThere::Changed);
        }
        let input = Box::new(ReadFrom { file: Arc::clone(&file), offset: self.offset });
        Ok(Opened { input, plain: Some(file) })
    }

    /// There is no way into the middle of a compressed file but through its beginning, which is looked at on the way.
    fn compressed(&self, file: File) -> Result<Opened, NotThere> {
        let mut input = decode(Box::new(file))?;
        let mut head = Vec::new();
        let mut before = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        let mut left = self.offset;
        while left > 0 {
            let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = match input.read(&mut buffer[..room]) {
                Ok(0) => return Err(NotThere::Changed),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(NotThere::Failed(error)),
            };
            let more = HEAD.saturating_sub(head.len()).min(read);
            head.extend_from_slice(&buffer[..more]);
            before.extend_from_slice(&buffer[..read]);
            let kept = before.len().saturating_sub(self.marker.len as usize);
            before.drain(..kept);
            left -= read as u64;
        }
        if head.len() >= self.head.len as usize && !self.head.begins(&head) {
            return Err(NotThere::Other);
        }
        if Fingerprint::of(&before) != self.marker && self.marker.len > 0 {
            return Err(NotThere::Changed);
        }
        Ok(Opened { input: Box::new(input), plain: None })
    }
}

/// Whether the bytes from `offset` on are those.
pub(super) fn stands_at(file: &File, offset: u64, bytes: Fingerprint) -> io::Result<bool> {
    let mut found = vec![0; bytes.len as usize];
    let read = read_at(file, &mut found, offset)?;
    Ok(read == found.len() && Fingerprint::of(&found) == bytes || bytes.len == 0)
}

/// Whether the bytes in front of `offset` are those.
pub(super) fn stands_before(file: &File, offset: u64, bytes: Fingerprint) -> io::Result<bool> {
    match offset.checked_sub(u64::from(bytes.len)) {
        Some(start) => stands_at(file, start, bytes),
        None => Ok(false),
    }
}

/// The first bytes of a file, decoded; as many of [`HEAD`] as there are yet.
///
/// # Errors
/// The file cannot be read at all.
pub(super) fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if is_plain(&file, path)? {
        return head_of(&file);
    }
    let mut head = Vec::with_capacity(HEAD);
    let read = decode(Box::new(file))?.take(HEAD as u64).read_to_end(&mut head);
    match read {
        // Half a compressed file has half a head.
        Err(error) if !matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) => {
            Err(error)
        }
        _ => Ok(head),
    }
}

/// The first bytes of a plain file.
pub(super) fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let read = read_at(file, &mut head, 0)?;
    head.truncate(read);
    Ok(head)
}

/// The decompressed length that a whole gzip file of one member states, modulo 2³².
pub(super) fn stated_len(path: &Path, metadata_len: u64) -> Option<u64> {
    let file = File::open(path).ok()?;
    let mut magic = [0; 2];
    let mut stated = [0; 4];
    let whole = read_at(&file, &mut magic, 0).ok()? == 2
        && read_at(&file, &mut stated, metadata_len.checked_sub(4)?).ok()? == 4;
    (whole && magic == [0x1f, 0x8b]).then(|| u64::from(u32::from_le_bytes(stated)))
}

/// Whether a file is to be read as it stands. One without a first byte is what its name says.
pub(super) fn is_plain(file: &File, path: &Path) -> io::Result<bool> {
    let mut magic = [0; 4];
    let read = read_at(file, &mut magic, 0)?;
    let empty = read == 0;
    Ok(if empty { !is_compressed(path) } else { sniff(&magic[..read]) == Format::Plain })
}

/// Reads from an offset of its own on: others may read the file as well.
struct ReadFrom {
    file: Arc<File>,
    offset: u64,
}

impl Read for ReadFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_once(&self.file, buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Gives its error once.
pub(super) struct Failing(pub(super) Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match read_once(file, &mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(unix)]
fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// Moves the file's own position as well, which nobody else uses.
#[cfg(windows)]
fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// Whether the file has no name any more.
#[cfg(unix)]
pub(super) fn is_unlinked(meta: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(meta) == 0
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
pub(super) fn is_unlinked(_: &Metadata) -> bool {
    false
}

/// Where the last line ends among the first `len` bytes of a plain file, and the bytes in front of that.
pub(super) fn last_line_end(path: &Path, len: u64) -> io::Result<(u64, Vec<u8>)> {
    const STEP: u64 = 64 << 10;
    let file = File::open(path)?;
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut bytes = vec![0; (end - start) as usize];
        let read = read_at(&file, &mut bytes, start)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes[..read]) {
            let offset = start + at as u64 + 1;
            let from = offset.saturating_sub(BEFORE as u64);
            let mut before = vec![0; (offset - from) as usize];
            let read = read_at(&file, &mut before, from)?;
            before.truncate(read);
            return Ok((offset, before));
        }
        end = start;
    }
    Ok((0, Vec::new()))
}
