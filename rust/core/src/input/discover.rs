//! From what the user gave to an ordered list of files.
//!
//! Names tell here which rotated set a file belongs to and when it was written; what stands in it is told by
//! its content when it is opened.

#[cfg(all(test, unix))]
mod tests;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Endings of a log's name, before what rotation and compression add to it.
const LOG_ENDINGS: [&[u8]; 5] = [b".log", b".json", b".jsonl", b".ndjson", b".txt"];

/// Endings that compression adds.
const COMPRESSED_ENDINGS: [&[u8]; 2] = [b".gz", b".zst"];

/// Why there is no list of files.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing has that name, and it is no pattern.
    #[error("{}: no such file or directory; check the path and whether it is mounted here", path.display())]
    NotFound {
        /// As the user gave it.
        path: PathBuf,
    },
    /// The pattern is well formed, but no file matches it.
    #[error("{pattern}: no file matches this pattern; see with `ls` what is there")]
    NoMatch {
        /// As the user gave it.
        pattern: String,
    },
    /// The pattern is not well formed.
    #[error("{pattern}: not a valid pattern, {reason} (at character {at}); write `[*]` for a literal `*`")]
    BadPattern {
        /// As the user gave it.
        pattern: String,
        /// Position in the pattern, counted in characters from 0.
        at: usize,
        /// What the matcher says.
        reason: &'static str,
    },
    /// The directory holds no file that looks like a log.
    #[error(
        "{}: no logs directly in this directory (.log, .json, .jsonl, .ndjson, .txt, also rotated or \
         compressed); name the files or give a pattern",
        path.display()
    )]
    EmptyDirectory {
        /// As the user gave it.
        path: PathBuf,
    },
    /// The file system refused to say.
    #[error("{}: {source}; check the path, and that this process may read it", path.display())]
    Io {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The files that `spec` means, in the order in which to read them (see [`order`]).
///
/// - A file that exists is itself, whatever its name.
/// - A directory is the regular files directly in it that look like logs: names that end in `.log`, `.json`,
///   `.jsonl`, `.ndjson` or `.txt`, or in these and what rotation and compression add (`.1`, `-20261124`,
///   `.gz`, `.2.gz`, `.zst`). Hidden files are skipped.
/// - All else with `*`, `?` or `[` in it is a pattern. Directories do not match, nor do hidden files unless
///   the pattern's last part starts with a dot, nor names that are not UTF-8.
///
/// # Errors
///
/// When that is no file at all, or the file system cannot be read.
pub fn discover(spec: &str) -> Result<Vec<PathBuf>, SourceError> {
    let path = Path::new(spec);
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => directory(path),
        Ok(_) => Ok(vec![path.to_owned()]),
        Err(_) if spec.contains(['*', '?', '[']) => pattern(spec),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(SourceError::NotFound { path: path.to_owned() })
        }
        Err(source) => Err(SourceError::Io { path: path.to_owned(), source }),
    }
}

fn directory(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let refused = |source| SourceError::Io { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        if !looks_like_log(&entry.path()) {
            continue;
        }
        // Follows links, as kubelet's log directories are made of them. A file may be rotated away meanwhile.
        match fs::metadata(entry.path()) {
            Ok(found) if found.is_file() => files.push(entry.path()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(SourceError::Io { path: entry.path(), source }),
        }
    }
    if files.is_empty() {
        return Err(SourceError::EmptyDirectory { path: path.to_owned() });
    }
    Ok(order(files))
}

fn pattern(spec: &str) -> Result<Vec<PathBuf>, SourceError> {
    let matches = glob::glob(spec).map_err(|error| SourceError::BadPattern {
        pattern: spec.to_owned(),
        at: error.pos,
        reason: error.msg,
    })?;
    // Like a shell; the matcher's own option for this panics on names that are not UTF-8.
    let wants_hidden = spec.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let mut files = Vec::new();
    for found in matches {
        let path =
            found.map_err(|error| SourceError::Io { path: error.path().to_owned(), source: error.into() })?;
        if !path.is_dir() && (wants_hidden || !is_hidden(&path)) {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(SourceError::NoMatch { pattern: spec.to_owned() });
    }
    Ok(order(files))
}

/// Puts files in the order in which their lines were written, as far as names tell.
///
/// - Files go by directory, then by rotated set, then by time; a set is what one live file was rotated to,
///   and goes by the live file's name. A file that belongs to no set is one of its own, so that all else goes
///   by name.
/// - lumberjack (kube-apiserver): `audit-2006-01-02T15-04-05.000.log[.gz|.zst]` by its timestamp, then
///   `audit.log`.
/// - logrotate: `audit.log.10.gz`, `audit.log.2.gz`, `audit.log.1`, `audit.log`; with `dateext`,
///   `audit.log-20261124` by its date, then `audit.log`. On top of lumberjack, `audit-<timestamp>.log.2`
///   before `audit-<timestamp>.log.1`.
///
/// Rotation compresses in the background and unlinks the original last: where a rotated file stands next to
/// its compressed twin, only the plain one is kept, since the other may be half written and would double its
/// lines.
#[must_use]
pub fn order(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let plain: HashSet<PathBuf> = paths.iter().filter(|path| !is_compressed(path)).cloned().collect();
    let is_twin = |path: &PathBuf| {
        let name = Name::of(path);
        is_compressed(path) && name.is_rotated() && plain.contains(&path.with_extension(""))
    };
    let mut paths: Vec<PathBuf> = paths.into_iter().filter(|path| !is_twin(path)).collect();
    paths.sort_by_cached_key(|path| (path.parent().map(Path::to_owned), Name::of(path), path.clone()));
    paths
}

/// The live file of the rotated set that a file belongs to by its name, in its directory; the file itself if it is live.
#[must_use]
pub fn live_file(path: &Path) -> PathBuf {
    let name = Name::of(path);
    if !name.is_rotated() {
        return path.to_owned();
    }
    // Rotation adds ASCII only: what is left is a name again.
    path.with_file_name(String::from_utf8_lossy(&name.live).as_ref())
}

/// Whether a name says that the file was compressed.
#[must_use]
pub fn is_compressed(path: &Path) -> bool {
    let name = name_of(path);
    strip_compression(name).len() < name.len()
}

/// Whether a name is that of a log, live, rotated or compressed.
#[must_use]
pub fn looks_like_log(path: &Path) -> bool {
    let (rest, _) = split_number(strip_compression(name_of(path)));
    let rest = split_date(rest).map_or(rest, |(live, _)| live);
    !is_hidden(path) && LOG_ENDINGS.iter().any(|ending| rest.ends_with(ending))
}

/// A file's name, taken apart; the order of the fields is the order of the files.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    /// Name of the live file of the set, or what it would be.
    live: Vec<u8>,
    /// When the file was rotated, if its name has a timestamp.
    age: Age,
    /// logrotate's number, which counts up as files get older; `None` is younger than all.
    number: Reverse<Option<u64>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    /// The digits of the timestamp, from the year on.
    Rotated(Vec<u8>),
    /// No timestamp.
    Live,
}

impl Name {
    fn of(path: &Path) -> Self {
        let name = strip_compression(name_of(path));
        // The timestamp goes first: its milliseconds look like logrotate's number when the live file has no
        // extension.
        if let Some((before, stamp, after)) = split_lumberjack(name) {
            let (after, number) = split_number(after);
            return Self {
                live: [before, after].concat(),
                age: Age::Rotated(digits(stamp)),
                number: Reverse(number),
            };
        }
        let (name, number) = split_number(name);
        let (live, age) = match split_date(name) {
            Some((live, date)) => (live, Age::Rotated(digits(date))),
            None => (name, Age::Live),
        };
        Self { live: live.to_vec(), age, number: Reverse(number) }
    }

    fn is_rotated(&self) -> bool {
        self.age != Age::Live || self.number.0.is_some()
    }
}

/// Rotation and compression add ASCII only, which stands for itself in the encoding of every platform.
fn name_of(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_encoded_bytes()
}

fn is_hidden(path: &Path) -> bool {
    name_of(path).starts_with(b".")
}

fn strip_compression(name: &[u8]) -> &[u8] {
    COMPRESSED_ENDINGS.iter().find_map(|ending| name.strip_suffix(*ending)).unwrap_or(name)
}

/// `audit.log.12` to `audit.log` and 12. logrotate writes no leading zeros, as `split` does.
fn split_number(name: &[u8]) -> (&[u8], Option<u64>) {
    let whole = (name, None);
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else { return whole };
    let (rest, number) = (&name[..dot], &name[dot + 1..]);
    if rest.is_empty() || number.len() > 1 && number[0] == b'0' || !number.iter().all(u8::is_ascii_digit) {
        return whole;
    }
    match str::from_utf8(number).ok().and_then(|number| number.parse().ok()) {
        Some(number) => (rest, Some(number)),
        None => whole,
    }
}

/// `audit-2006-01-02T15-04-05.000.log` to `audit`, the timestamp and `.log`.
fn split_lumberjack(name: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    const SHAPE: &[u8] = b"-dddd-dd-ddTdd-dd-dd.ddd";
    let ends_name = |rest: &[u8]| rest.is_empty() || rest[0] == b'.';
    let at = name
        .windows(SHAPE.len())
        .rposition(|window| has_shape(window, SHAPE))
        .filter(|at| ends_name(&name[at + SHAPE.len()..]))?;
    Some((&name[..at], &name[at + 1..at + SHAPE.len()], &name[at + SHAPE.len()..]))
}

/// `audit.log-20261124` to `audit.log` and the date; also with the hour or the seconds since 1970 that
/// logrotate's manual suggests for several rotations a day.
fn split_date(name: &[u8]) -> Option<(&[u8], &[u8])> {
    const SHAPES: [&[u8]; 3] = [b"-20dddddd", b"-20dddddddd", b"-20dddddd-dddddddddd"];
    let shape = SHAPES
        .into_iter()
        .find(|shape| name.len() > shape.len() && has_shape(&name[name.len() - shape.len()..], shape))?;
    let (live, date) = name.split_at(name.len() - shape.len());
    Some((live, &date[1..]))
}

/// Whether the text has a digit for each `d` of the shape, and the shape's own byte for each other.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.iter()
        .zip(shape)
        .all(|(byte, shape)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape })
}

fn digits(stamp: &[u8]) -> Vec<u8> {
    stamp.iter().copied().filter(u8::is_ascii_digit).collect()
}
