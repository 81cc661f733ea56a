//! One process, and one tail in it, for a state directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::host::Host;
use crate::output::identity::{of_path, of_stream};

const NAME: &str = "lock";

/// Most of what a lock file says: `pid 123 on node-a`.
const SAID: u64 = 512;

/// Held until it is dropped, or the process ends in whatever way. The file stays: to delete it would let two processes
/// hold locks on two files of one name.
///
/// A child that was forked and runs no other program keeps the lock for as long as it lives.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of a directory, or says who has it.
    pub(super) fn take(dir: &Path, host: &Host) -> Result<Self, CheckpointError> {
        let path = dir.join(NAME);
        let failed = |source| CheckpointError::io("the lock cannot be taken", &path)(source);
        loop {
            let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = options.map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(CheckpointError::Locked { dir: dir.to_owned(), by: holder(&mut file) });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            let lock = Self { file, path: path.clone() };
            // Else someone deleted the file between the two calls.
            if lock.is_held() {
                // For the message only: a full disk is no reason to read no logs.
                let _ = lock.sign(host);
                return Ok(lock);
            }
        }
    }

    /// Whether the file that is locked is still the one of that name: the directory may have been removed.
    pub(super) fn is_held(&self) -> bool {
        of_stream(&self.file).map_or_else(|| self.path.exists(), |ours| of_path(&self.path) == Some(ours))
    }

    fn sign(&self, host: &Host) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        // At once, so that nobody reads half a number.
        file.write_all(format!("pid {} on {}\n", std::process::id(), host.name).as_bytes())
    }
}

/// Who holds a lock. On Windows nobody else can read a file that is locked.
fn holder(file: &mut File) -> String {
    let mut said = String::new();
    // Not even text, if someone else wrote it.
    let _ = file.take(SAID).read_to_string(&mut said);
    let pid = said.strip_prefix("pid ").and_then(|rest| rest.split_once(" on ")?.0.parse::<u32>().ok());
    match pid {
        Some(pid) if pid == std::process::id() => format!("this process (pid {pid})"),
        Some(pid) => format!("another process (pid {pid})"),
        None => "another process".to_owned(),
    }
}
