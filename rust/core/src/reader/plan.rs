//! Sources to tasks. A large plain file is cut into ranges, so that its parts can be read side by side.
//!
//! A cut stands in front of a line that begins as kube-apiserver begins an event, and only files that begin so are cut:
//! such a line is never in the middle of anything, so a range reads as it would read inside the whole.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::event_text::EVENT_START;
use super::source::{Source, Task, What};

/// How far a cut may move to find a line that begins an event; beyond it the file is not cut there.
const SEARCH: u64 = 16 << 20;

/// The tasks of the sources, in order. Ranges are about `range` bytes; `None` cuts nothing.
#[must_use]
pub fn plan(sources: Vec<Source>, range: Option<u64>) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (source, what) in sources.into_iter().enumerate() {
        match what {
            Source::Stream { name, reader } => {
                tasks.push(Task { source, part: 0, name, what: What::Stream(reader) });
            }
            Source::Path(path) => file_tasks(source, path, range, &mut tasks),
        }
    }
    tasks
}

fn file_tasks(source: usize, path: PathBuf, range: Option<u64>, tasks: &mut Vec<Task>) {
    let name = path.to_string_lossy().into_owned();
    // A file that cannot be looked at is one task; opening it says what is wrong.
    let cuts = range.and_then(|range| cuts(&path, range).ok()).unwrap_or_default();
    if cuts.len() < 3 {
        tasks.push(Task { source, part: 0, name, what: What::File(path) });
        return;
    }
    for (part, ends) in cuts.windows(2).enumerate() {
        let what = What::Range { path: path.clone(), start: ends[0], end: ends[1] };
        tasks.push(Task { source, part, name: name.clone(), what });
    }
}

/// Where the ranges of a plain log begin, and where the last one ends; empty for a file that is not to be cut. The last
/// range is open-ended: a log that grows while it is read is read as far as it has come.
fn cuts(path: &Path, range: u64) -> io::Result<Vec<u64>> {
    // Asked before it is opened: who closes a pipe takes what was written into it along.
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Ok(Vec::new());
    }
    let inner = cuts_behind(&mut File::open(path)?, metadata.len(), 0, range)?;
    Ok(if inner.is_empty() { inner } else { [&[0], &inner[..], &[u64::MAX]].concat() })
}

/// Where what stands behind an offset of a plain log, up to its length, is to be cut.
///
/// # Errors
/// The file cannot be read.
pub fn cuts_behind<F: Read + Seek>(file: &mut F, len: u64, offset: u64, range: u64) -> io::Result<Vec<u64>> {
    let mut cuts = Vec::new();
    let mut head = [0; EVENT_START.len()];
    if len.saturating_sub(offset) < 2 * range {
        return Ok(cuts);
    }
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut head)?;
    if head != EVENT_START {
        return Ok(cuts);
    }
    let mut nominal = offset + range;
    while nominal < len {
        match find_cut(file, nominal)? {
            Some(cut) => {
                cuts.push(cut);
                nominal = offset + ((cut - offset) / range + 1) * range;
            }
            None => nominal += SEARCH.max(range),
        }
    }
    Ok(cuts)
}

/// The first line at or behind `from` that begins an event.
fn find_cut<F: Read + Seek>(file: &mut F, from: u64) -> io::Result<Option<u64>> {
    const STEP: usize = 64 << 10;
    let needle: Vec<u8> = [b"\n", EVENT_START].concat();
    let finder = memmem::Finder::new(&needle);
    let start = from - 1;
    file.seek(SeekFrom::Start(start))?;
    let mut window = Vec::new();
    loop {
        let searched = window.len().saturating_sub(needle.len());
        let count = file.by_ref().take(STEP as u64).read_to_end(&mut window)?;
        if let Some(at) = finder.find(&window[searched..]) {
            return Ok(Some(start + (searched + at) as u64 + 1));
        }
        if count == 0 || window.len() as u64 > SEARCH {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: usize) -> Vec<u8> {
        let mut log = Vec::new();
        for i in 0..lines {
            log.extend_from_slice(EVENT_START);
            log.extend_from_slice(format!("v1\",\"pad\":\"{}\"}}\n", "x".repeat(i % 37)).as_bytes());
        }
        log
    }

    #[test]
    fn ranges_cover_a_file_and_begin_at_events() {
        let dir = std::env::temp_dir().join(format!("auditwake-plan-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("audit.log");
        let log = log(500);
        std::fs::write(&path, &log).unwrap();
        for range in [100, 1000, 7777] {
            let cuts = cuts(&path, range).unwrap();
            assert!(cuts.len() > 3, "{range}: {cuts:?}");
            assert_eq!((cuts[0], *cuts.last().unwrap()), (0, u64::MAX));
            for &cut in &cuts[1..cuts.len() - 1] {
                assert!(log[cut as usize..].starts_with(EVENT_START));
            }
            assert!(cuts.is_sorted_by(|a, b| a < b));
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
