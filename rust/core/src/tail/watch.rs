//! Wakes whoever waits for a log. Asking again and again is enough without it: a wake-up only comes sooner.

mod wake;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use wake::Ends;
pub use wake::{PATIENCE, Waker, Woken};

/// Waits for directories to change.
pub struct Watch {
    ends: Arc<Ends>,
    /// `None` where the system gives no watcher: time alone wakes then.
    watcher: Option<RecommendedWatcher>,
    /// Directories that are watched at present.
    watched: BTreeSet<PathBuf>,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// Watches nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { ends: Arc::new(Ends::new()), watcher: None, watched: BTreeSet::new() }
    }

    /// Something to wake it with.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.ends))
    }

    /// Watches these directories. Whoever reads a log that is being written should not: the server's every write would wake
    /// it.
    pub fn arm<'a>(&mut self, directories: impl IntoIterator<Item = &'a Path>) {
        if self.watcher.is_none() {
            let waker = self.waker();
            // Without a watcher, or for a directory that is not there, the time that is waited is all there is.
            let wake = move |event: notify::Result<notify::Event>| {
                // Our own looks open the directory and its files.
                if !event.is_ok_and(|event| event.kind.is_access()) {
                    waker.wake();
                }
            };
            self.watcher = notify::recommended_watcher(wake).ok();
        }
        let Some(watcher) = &mut self.watcher else { return };
        for directory in directories {
            if !self.watched.contains(directory)
                && watcher.watch(directory, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(directory.to_owned());
            }
        }
    }

    /// Watches nothing any more.
    pub fn disarm(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        for directory in std::mem::take(&mut self.watched) {
            // A directory that is gone is watched no longer anyway.
            let _ = watcher.unwatch(&directory);
        }
    }

    /// Whether anything is watched.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Waits until something changes, but no longer than `most`.
    #[must_use]
    pub fn wait(&self, most: Duration) -> Woken {
        self.ends.wait(most)
    }
}
