//! What Python gives to read: paths, patterns, and binary file objects.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use auditwake_core::input::discover as files;
use auditwake_core::reader::source::Source;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error;

/// The files that a path, directory or pattern names.
#[pyfunction]
pub(crate) fn discover(py: Python<'_>, spec: &str) -> PyResult<Vec<String>> {
    let files = files::discover(spec).map_err(|failed| error::source(py, &failed))?;
    Ok(files.into_iter().map(|file| file.to_string_lossy().into_owned()).collect())
}

/// One source as it was given.
pub(crate) enum Given {
    /// A path, directory or pattern; looked up anew by each pass.
    Spec(String),
    /// Standard input; it can be read once.
    Stdin {
        /// Whether a pass has taken it.
        used: AtomicBool,
    },
    /// A file object, and where it stood when it was given.
    File {
        /// The object.
        object: Py<PyAny>,
        /// Its name, or its class.
        name: String,
        /// Its position; `None` when it cannot be asked or cannot go back.
        start: Option<u64>,
        /// Whether a pass has read from it.
        used: AtomicBool,
    },
}

impl Given {
    /// Takes a string or a file object.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(spec) = object.extract::<String>() {
            let stdin = Self::Stdin { used: AtomicBool::new(false) };
            return Ok(if spec == "-" { stdin } else { Self::Spec(spec) });
        }
        let name = match object.getattr("name").and_then(|name| name.extract::<String>()) {
            Ok(name) => name,
            Err(_) => object.get_type().name()?.to_string(),
        };
        let seekable = object
            .call_method0("seekable")
            .and_then(|yes| yes.extract::<bool>())
            .unwrap_or_else(|_| object.hasattr("seek").unwrap_or(false));
        let position = object.call_method0("tell").and_then(|at| at.extract()).unwrap_or(0);
        let start = seekable.then_some(position);
        Ok(Self::File { object: object.clone().unbind(), name, start, used: AtomicBool::new(false) })
    }

    /// Whether reading needs the GIL: then no other thread may read, since the caller may hold it and wait.
    pub(crate) fn needs_python(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// The sources of one pass.
    pub(crate) fn sources(&self, py: Python<'_>) -> PyResult<Vec<Source>> {
        match self {
            Self::Spec(spec) => {
                let files = files::discover(spec).map_err(|failed| error::source(py, &failed))?;
                Ok(files.into_iter().map(Source::Path).collect())
            }
            Self::Stdin { used } => {
                if used.swap(true, Ordering::Relaxed) {
                    return Err(error::used_stream(py, "standard input"));
                }
                Ok(vec![Source::Stream { name: String::new(), reader: Box::new(io::stdin()) }])
            }
            Self::File { object, name, start, used } => {
                let again = used.swap(true, Ordering::Relaxed);
                match start {
                    Some(start) if again => drop(object.call_method1(py, "seek", (*start,))?),
                    None if again => return Err(error::used_stream(py, name)),
                    _ => {}
                }
                let reader = Box::new(FileObject { object: object.clone_ref(py), rest: Vec::new(), at: 0 });
                Ok(vec![Source::Stream { name: name.clone(), reader }])
            }
        }
    }
}

/// Reads from a file object, whose `read` may give more or less than was asked for.
struct FileObject {
    object: Py<PyAny>,
    /// Bytes that it gave and that were not asked for yet, from `at` on.
    rest: Vec<u8>,
    at: usize,
}

impl Read for FileObject {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.rest.len() {
            self.at = 0;
            self.rest = Python::attach(|py| -> PyResult<Vec<u8>> {
                let bytes = self.object.bind(py).call_method1("read", (buffer.len().max(1 << 16),))?;
                match bytes.cast::<PyBytes>() {
                    Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
                    Err(_) => bytes.extract(),
                }
            })
            .map_err(|failed| io::Error::other(failed.to_string()))?;
        }
        let count = buffer.len().min(self.rest.len() - self.at);
        buffer[..count].copy_from_slice(&self.rest[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
