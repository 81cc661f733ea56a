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

/// Makes a directory that only this user can look into, unless there is one, and those above it; durable when it returns.
pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    make_directory(path, &private())
}

/// A directory is durable once the one above it is.
fn make_directory(path: &Path, builder: &fs::DirBuilder) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    if above != path {
        make_directory(above, &fs::DirBuilder::new())?;
    }
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.and_then(|()| sync_directory(above)),
    }
}

#[cfg(unix)]
fn private() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// A user's own directories are private on Windows by what they inherit.
#[cfg(not(unix))]
fn private() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// A rename is durable once its directory is. Windows has no such call and needs none; on macOS `sync_all` has the drive
/// empty its cache as well (`F_FULLFSYNC`).
fn sync_directory(directory: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(directory)?.sync_all() {
        // Some network file systems and those in user space have no such call either; a failing disk says otherwise.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}
