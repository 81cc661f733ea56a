//! Which file is which: content decides, and where a file is kept only saves a look into it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;

use super::super::identity::{FileKey, Fingerprint, HEAD};
use super::super::open::{Place, is_plain, read_head, stands_before, stated_len};
use super::super::set::Found;
use super::Stream;
use super::tracked::{Mark, Tracked};

/// What a found file turned out to be.
pub(super) enum Is {
    /// One that is known, by its place in `files`.
    Known(usize),
    /// A copy of one that is known and still there.
    Copy,
    /// Another.
    New(Vec<u8>),
}

impl Stream {
    /// What each found file is.
    pub(super) fn identify(&self, found: &[Found]) -> io::Result<Vec<Is>> {
        let kept = self.kept();
        let mut is: Vec<Option<Is>> = Vec::with_capacity(found.len());
        let mut taken = vec![false; self.files.len()];
        for one in found {
            let mut same = None;
            for &index in kept.get(&Where::of(one.key, &one.path)).into_iter().flatten() {
                if !taken[index] && self.is_same(index, one)? {
                    taken[index] = true;
                    same = Some(Is::Known(index));
                    break;
                }
            }
            is.push(same);
        }
        for (is, one) in is.iter_mut().zip(found) {
            if is.is_none() {
                *is = Some(self.identify_by_content(one, &mut taken, found)?);
            }
        }
        Ok(is.into_iter().flatten().collect())
    }

    /// The known files by where they are kept. Two may have the same place: a file was cut, or the place used again.
    fn kept(&self) -> HashMap<Where<'_>, Vec<usize>> {
        let mut kept: HashMap<_, Vec<usize>> = HashMap::with_capacity(self.files.len());
        for (index, file) in self.files.iter().enumerate() {
            kept.entry(Where::of(file.mark.key, &file.mark.path)).or_default().push(index);
        }
        kept
    }

    /// Whether a file that is kept where a known one was is that one: the place of a deleted file is used again.
    fn is_same(&self, index: usize, found: &Found) -> io::Result<bool> {
        let file = &self.files[index];
        // An open file keeps its place, and whether it was cut is seen at its end.
        if self.current() == Some(file.id) || file.verified && !file.differs(found) {
            return Ok(true);
        }
        // Nothing was read of a backup that was short: it may have turned out to be a copy.
        if file.mark.offset == 0 && (file.mark.head.len as usize) < HEAD && !found.live {
            return Ok(false);
        }
        let head = match read_head(&found.path) {
            Ok(head) => head,
            // Opening it will say what is wrong.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        if !file.mark.head.begins(&head) {
            return Ok(false);
        }
        // A plain file only grows, unless somebody cuts it; it may have grown again since.
        let opened = File::open(&found.path)?;
        let is_uncut = || {
            let stands = stands_before(&opened, file.mark.offset, file.mark.marker)?;
            Ok(found.len >= file.mark.size && stands)
        };
        if is_plain(&opened, &found.path)? { is_uncut() } else { Ok(true) }
    }

    fn identify_by_content(&self, one: &Found, taken: &mut [bool], found: &[Found]) -> io::Result<Is> {
        let head = match read_head(&one.path) {
            Ok(head) => head,
            // What it is must be known before anything behind it is read; without following, the error is all there is.
            Err(error) if self.follow || error.kind() == io::ErrorKind::NotFound => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", one.path.display())));
            }
            Err(_) => Vec::new(),
        };
        let compressed = is_compressed_now(one)?;
        let mut heads = Heads::of(&head);
        let mut fits = |file: &Tracked| {
            let is_long_enough = compressed || one.len >= file.mark.offset;
            match file.mark.head.len {
                0 => is_long_enough && (is_made_of(one, &file.mark) || has_marker(one, &file.mark)),
                _ => is_long_enough && heads.begin_with(file.mark.head),
            }
        };
        let mut copy = false;
        for (index, file) in self.files.iter().enumerate() {
            if !fits(file) {
                continue;
            }
            if !taken[index] {
                taken[index] = true;
                return Ok(Is::Known(index));
            }
            copy = true;
        }
        copy |= Self::is_copy_of_live(one, &head, found);
        // The live file is what copies are made of.
        Ok(if copy && !one.live { Is::Copy } else { Is::New(head) })
    }

    /// Whether a backup begins as the live file does: that is being copied, and will be cut.
    fn is_copy_of_live(one: &Found, head: &[u8], found: &[Found]) -> bool {
        let begins = Fingerprint::telling(head);
        let live = found.iter().find(|live| live.live && live.path != one.path && live.len >= one.len);
        begins.len > 0
            && live.is_some_and(|live| read_head(&live.path).is_ok_and(|head| begins.begins(&head)))
    }
}

/// Where a file is kept; where nobody says, how it is called.
#[derive(PartialEq, Eq, Hash)]
enum Where<'a> {
    Key(FileKey),
    Path(&'a Path),
}

impl<'a> Where<'a> {
    fn of(key: Option<FileKey>, path: &'a Path) -> Self {
        key.map_or(Self::Path(path), Self::Key)
    }
}

/// The head of a file and the fingerprints of its beginnings, each made once: most known heads are of one length.
struct Heads<'a> {
    head: &'a [u8],
    made: HashMap<u32, Fingerprint>,
}

impl<'a> Heads<'a> {
    fn of(head: &'a [u8]) -> Self {
        Self { head, made: HashMap::new() }
    }

    fn begin_with(&mut self, known: Fingerprint) -> bool {
        let Some(first) = self.head.get(..known.len as usize) else { return false };
        *self.made.entry(known.len).or_insert_with(|| Fingerprint::of(first)) == known
    }
}

/// Whether a compressed file is called as a file that begins with a hole, and states its length.
fn is_made_of(found: &Found, mark: &Mark) -> bool {
    found.path.with_extension("") == mark.path
        && stated_len(&found.path, found.len) == Some(mark.size & u64::from(u32::MAX))
}

/// Whether the bytes in front of the offset of a file that begins with a hole stand there: nothing else tells it.
fn has_marker(found: &Found, mark: &Mark) -> bool {
    let (path, key, head) = (found.path.clone(), found.key, Fingerprint::default());
    mark.marker.len > 0 && Place { path, key, head, offset: mark.offset, marker: mark.marker }.open().is_ok()
}

/// Whether what stands in the file is compressed.
pub(super) fn is_compressed_now(found: &Found) -> io::Result<bool> {
    match File::open(&found.path) {
        Ok(file) => Ok(!is_plain(&file, &found.path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => Ok(crate::input::discover::is_compressed(&found.path)),
    }
}
