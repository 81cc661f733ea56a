//! How far a reader has come, seen from another thread.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes that pass, for another thread to see.
pub struct CountingReader<R> {
    /// Read from by nobody else, or the count is short.
    inner: R,
    /// Bytes that `inner` has given so far.
    position: Arc<AtomicU64>,
}

impl<R> CountingReader<R> {
    /// Starts to count at 0.
    pub fn new(inner: R) -> Self {
        Self { inner, position: Arc::default() }
    }

    /// The count, to be read at any time from anywhere.
    pub fn position_handle(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.position)
    }
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
