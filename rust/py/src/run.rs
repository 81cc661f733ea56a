//! The one place that lets go of the GIL and looks for Ctrl-C.

use std::num::NonZero;
use std::thread::{self, ThreadId};
use std::time::Duration;

use pyo3::prelude::*;

/// How long a wait may last before somebody looks for Ctrl-C.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// How many threads work where nobody says how many.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs work without the GIL.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> T) -> T {
    py.detach(work)
}

/// Looks for Ctrl-C from the thread that Python handles signals on; on any other it would only wait for the GIL, and a
/// consumer may hold that while it waits for us.
pub(crate) struct Interrupts {
    main: Option<ThreadId>,
}

impl Interrupts {
    /// For work that the current thread begins.
    pub(crate) fn new(py: Python<'_>) -> Self {
        let is_main = py.import("threading").and_then(|threading| {
            let main = threading.call_method0("main_thread")?;
            Ok(threading.call_method0("current_thread")?.is(&main))
        });
        Self { main: is_main.unwrap_or(false).then(|| thread::current().id()) }
    }

    /// Whether they come to this thread.
    pub(crate) fn are_seen(&self) -> bool {
        self.main == Some(thread::current().id())
    }

    /// The exception that a signal handler raised since the last look.
    pub(crate) fn look(&self) -> Option<PyErr> {
        if !self.are_seen() {
            return None;
        }
        Python::attach(|py| py.check_signals().err())
    }
}
