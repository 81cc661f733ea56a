//! Long work without the GIL, whose caller hears how far it is and can stop it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use auditwake_core::reader::progress;
use pyo3::prelude::*;

use crate::run;

/// How often the caller hears of the progress.
const TICK: Duration = Duration::from_millis(100);

/// How often somebody looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(40);

/// How far a pass is.
#[pyclass(frozen, module = "auditwake._core")]
pub(crate) struct Progress(progress::Progress);

#[pymethods]
impl Progress {
    #[getter]
    fn bytes_done(&self) -> u64 {
        self.0.bytes_done
    }

    #[getter]
    fn bytes_total(&self) -> Option<u64> {
        self.0.bytes_total
    }

    #[getter]
    fn rows(&self) -> u64 {
        self.0.rows
    }

    #[getter]
    fn rejected(&self) -> u64 {
        self.0.rejected
    }
}

/// Does the work, and tells the caller of it: several times a second, and of its end, which `end` gives.
///
/// The outer error is what a signal handler or the caller's `tell` raised; the inner result is the work's own.
pub(crate) fn watched<T: Send, E: Send>(
    py: Python<'_>,
    tell: Option<Py<PyAny>>,
    work: impl Send + FnOnce(progress::Watch<'_>) -> Result<T, E>,
    end: impl FnOnce(&T) -> progress::Progress,
) -> PyResult<Result<T, E>> {
    let watcher = Mutex::new(Watcher { tell, told: Instant::now(), looked: Instant::now(), failure: None });
    let done = run::detached(py, || {
        work(&mut |progress| watcher.lock().is_ok_and(|mut watcher| watcher.tick(progress)))
    });
    let Some(Watcher { tell, failure, .. }) = watcher.into_inner().ok() else { return Ok(done) };
    match (&done, failure, tell) {
        (Err(_), Some(failure), _) => return Err(failure),
        // Work shorter than a tick is told of once, and any other of its end.
        (Ok(done), _, Some(tell)) => drop(tell.call1(py, (Progress(end(done)),))?),
        _ => {}
    }
    Ok(done)
}

/// Looks for Ctrl-C, and calls the caller's `tell` about ten times a second.
struct Watcher {
    tell: Option<Py<PyAny>>,
    /// When the caller was told last.
    told: Instant,
    /// When somebody looked for Ctrl-C last.
    looked: Instant,
    /// What a signal handler or the caller's `tell` raised.
    failure: Option<PyErr>,
}

impl Watcher {
    fn tick(&mut self, progress: &progress::Progress) -> bool {
        if self.looked.elapsed() < LOOK {
            return true;
        }
        self.looked = Instant::now();
        let tell = self.tell.as_ref().filter(|_| self.told.elapsed() >= TICK);
        if tell.is_some() {
            self.told = self.looked;
        }
        let told = Python::attach(|py| {
            py.check_signals()?;
            if let Some(tell) = tell {
                tell.call1(py, (Progress(*progress),))?;
            }
            Ok(())
        });
        self.failure = told.err();
        self.failure.is_none()
    }
}
