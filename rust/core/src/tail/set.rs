//! The files of one log: the live one and what rotation made of it.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use glob::Pattern;

use crate::input::discover::{self, SourceError};

use super::identity::FileKey;

/// No file system's times are coarser.
const COARSE: Duration = Duration::from_secs(2);

/// The files of one log.
#[derive(Clone, Debug)]
pub struct Set {
    /// The file that is being written; it need not be there.
    live: PathBuf,
    /// What belongs to it beside.
    members: Members,
}

#[derive(Clone, Debug)]
enum Members {
    /// Files that rotation names after the live one.
    Rotated,
    /// Files whose name matches.
    Named(Pattern),
    /// Files whose path matches one of these, compressed or not: nobody writes them.
    Only(Vec<Pattern>),
}

/// A file, as one look found it.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its path, links followed where the live file is one.
    pub path: PathBuf,
    /// Where the file system keeps it.
    pub key: Option<FileKey>,
    /// Bytes on disk.
    pub len: u64,
    /// When it was last written.
    pub modified: Option<SystemTime>,
    /// Whether it is the live file.
    pub live: bool,
}

impl Set {
    /// The set of a live file; `backups` is a pattern for the names of its backups if they are not named after it.
    #[must_use]
    pub fn new(live: PathBuf, backups: Option<&Pattern>) -> Self {
        let members = backups.map_or(Members::Rotated, |pattern| Members::Named(pattern.clone()));
        Self { live, members }
    }

    /// The file that is being written.
    #[must_use]
    pub fn live(&self) -> &Path {
        &self.live
    }

    /// Takes in what another set of the same live file means.
    pub fn merge(&mut self, other: Self) {
        match (&mut self.members, other.members) {
            (Members::Only(mine), Members::Only(more)) => {
                let new: Vec<Pattern> = more.into_iter().filter(|pattern| !mine.contains(pattern)).collect();
                mine.extend(new);
            }
            (members @ Members::Only(_), whole) => *members = whole,
            _ => {}
        }
    }

    /// The directories in which its files are.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        let mut directories = vec![parent(&self.live).to_owned()];
        if let Some(target) = self.target() {
            let other = parent(&target).to_owned();
            if other != directories[0] {
                directories.push(other);
            }
        }
        directories
    }

    /// What is there now, in the order in which it was written. A directory that is not there has nothing in it.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn look(&self) -> io::Result<Vec<Found>> {
        let mut backups = Vec::new();
        self.list(parent(&self.live), &self.live, &mut backups)?;
        if let Some(target) = self.target() {
            self.list(parent(&target), &target, &mut backups)?;
        }
        let mut found: Vec<Found> = Vec::new();
        let mut keys = HashSet::new();
        let live = self.target().unwrap_or_else(|| self.live.clone());
        let is_live = !matches!(self.members, Members::Only(_));
        let all = in_order(backups)?.into_iter().map(|path| (path, false));
        for (path, live) in all.chain(is_live.then_some((live, true))) {
            match fs::metadata(&path) {
                Ok(meta) if meta.is_file() => {
                    let one = Found::new(path, &meta, live);
                    // The live file may have been renamed between the two: then it is found as a backup already.
                    if one.key.is_none_or(|key| keys.insert(key)) {
                        found.push(one);
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// When its directories were changed; `None` if that was so lately that another change could have the same time.
    #[must_use]
    pub fn stamp(&self) -> Option<Vec<SystemTime>> {
        let rested = |directory: PathBuf| {
            let changed = fs::metadata(directory).ok()?.modified().ok()?;
            changed.elapsed().ok().filter(|rest| *rest >= COARSE).map(|_| changed)
        };
        self.directories().into_iter().map(rested).collect()
    }

    /// The key of the live file, to see at little cost whether it is another file now.
    #[must_use]
    pub fn live_key(&self) -> Option<FileKey> {
        fs::metadata(&self.live).ok().and_then(|meta| FileKey::of(&meta))
    }

    /// Where the live file is, if its name is a link.
    fn target(&self) -> Option<PathBuf> {
        let is_link = fs::symlink_metadata(&self.live).is_ok_and(|meta| meta.is_symlink());
        is_link.then(|| fs::canonicalize(&self.live).ok()).flatten()
    }

    fn list(&self, directory: &Path, live: &Path, backups: &mut Vec<PathBuf>) -> io::Result<()> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = directory.join(entry?.file_name());
            if path.file_name() != live.file_name() && self.is_backup(live, &path) {
                backups.push(path);
            }
        }
        Ok(())
    }

    fn is_backup(&self, live: &Path, path: &Path) -> bool {
        match &self.members {
            Members::Named(pattern) => {
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| pattern.matches(name))
            }
            Members::Rotated => discover::live_file(path).file_name() == live.file_name(),
            Members::Only(patterns) => patterns.iter().any(|pattern| {
                pattern.matches_path(path)
                    || discover::is_compressed(path) && pattern.matches_path(&path.with_extension(""))
            }),
        }
    }
}

impl Found {
    fn new(path: PathBuf, meta: &Metadata, live: bool) -> Self {
        Self { path, key: FileKey::of(meta), len: meta.len(), modified: meta.modified().ok(), live }
    }
}

/// Names that tell no time go by when they were last written.
fn in_order(backups: Vec<PathBuf>) -> io::Result<Vec<PathBuf>> {
    if backups.iter().all(|path| discover::live_file(path) != *path) {
        return Ok(discover::order(backups));
    }
    let mut timed = Vec::new();
    for path in discover::order(backups) {
        match fs::metadata(&path) {
            Ok(meta) => timed.push((meta.modified().ok(), path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    timed.sort();
    Ok(timed.into_iter().map(|(_, path)| path).collect())
}

/// The logs that are meant by a path, a directory or a pattern, as far as they are there. A path that is nothing yet is
/// a log that will be.
///
/// # Errors
/// A pattern that is none, or a directory that cannot be read.
pub fn sets(spec: &str, backups: Option<&Pattern>) -> Result<Vec<Set>, SourceError> {
    let path = Path::new(spec);
    let is_pattern = spec.contains(['*', '?', '[']);
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => directory(spec, backups),
        Err(_) if is_pattern => pattern(spec, backups),
        _ if spec.ends_with('/') => Ok(Vec::new()),
        _ if discover::live_file(path) != path => {
            Ok(vec![only(discover::live_file(path), &Pattern::escape(spec))])
        }
        _ => Ok(vec![Set::new(path.to_owned(), backups)]),
    }
}

fn directory(spec: &str, backups: Option<&Pattern>) -> Result<Vec<Set>, SourceError> {
    let files = match discover::discover(spec) {
        Err(SourceError::EmptyDirectory { .. }) => Vec::new(),
        other => other?,
    };
    let is_backup = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        backups.is_some_and(|pattern| name.is_some_and(|name| pattern.matches(name)))
    };
    let mut live: Vec<PathBuf> =
        files.iter().filter(|path| !is_backup(path)).map(|path| discover::live_file(path)).collect();
    live.sort();
    live.dedup();
    Ok(live.into_iter().map(|path| Set::new(path, backups)).collect())
}

/// A pattern that matches a live file means its whole set, since what it does not match of it is the same log under other
/// names. One that matches backups only means those.
fn pattern(spec: &str, backups: Option<&Pattern>) -> Result<Vec<Set>, SourceError> {
    let files = match discover::discover(spec) {
        Err(SourceError::NoMatch { .. }) => Vec::new(),
        other => other?,
    };
    let mut by_live: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in files {
        by_live.entry(discover::live_file(&path)).or_default().push(path);
    }
    let set = |(live, paths): (PathBuf, Vec<PathBuf>)| {
        if paths.contains(&live) { Set::new(live, backups) } else { only(live, spec) }
    };
    Ok(by_live.into_iter().map(set).collect())
}

/// Files that nobody writes; `live` is what the file was called that they were.
fn only(live: PathBuf, pattern: &str) -> Set {
    // `discover` has refused a pattern that is none.
    let patterns = Pattern::new(pattern).into_iter().collect();
    Set { live, members: Members::Only(patterns) }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
