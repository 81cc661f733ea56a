//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Suffix of files that are not finished. The name is the same in every run, so that a run after a killed one writes
/// over what that one left.
const UNFINISHED: &str = ".unfinished";

/// A file under a temporary name beside its own.
pub(crate) struct AtomicFile {
    file: BufWriter<File>,
    unfinished: PathBuf,
    path: PathBuf,
    /// Whether the file has its own name; else dropping removes it.
    finished: bool,
}

impl AtomicFile {
    /// Creates the file and the directories above it.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent(path))?;
        let unfinished = unfinished(path);
        let file = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
        Ok(Self { file, unfinished, path: path.to_owned(), finished: false })
    }

    /// Makes the bytes durable, then gives the file its name, then makes the name durable.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.unfinished, &self.path)?;
        self.finished = true;
        sync_directory(parent(&self.path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: the next run writes over it.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

/// The name that a file has until it is finished.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Engines that scan a directory pass over names that begin with a dot.
    parent(path).join(format!(".{name}{UNFINISHED}"))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A rename is durable once its directory is. Windows has no such call and needs none.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
