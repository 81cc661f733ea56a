//! Reads on a thread of its own, some buffers ahead of whoever asks: what takes time to decode is decoded beside the
//! parsing of what came before it.

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};
use std::mem;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::ordered::farewell;

/// Size of a buffer: it stays in the processor's cache until it is parsed.
const BUFFER: usize = 256 << 10;

/// Buffers that may wait: about the text that is decoded while a batch is encoded.
const WAITING: usize = 32;

/// Bytes that were read; the end when there are none.
struct Filled {
    buffer: Vec<u8>,
    /// How much of `buffer` was read.
    len: usize,
}

/// Gives the bytes of a reader that is read elsewhere: the same bytes, then the same end or error.
pub(super) struct Ahead {
    /// What was read, in order; closes without an end when the thread panicked.
    filled: Receiver<io::Result<Filled>>,
    /// Takes buffers back.
    empty: Sender<Vec<u8>>,
    /// The one that is being given out.
    now: Filled,
    /// How much of it was given.
    given: usize,
    end: End,
    thread: Option<JoinHandle<()>>,
}

/// How the bytes end.
enum End {
    /// They have not.
    Open,
    Clean,
    /// By an error, which each further read answers again.
    Failed(ErrorKind, String),
}

impl Ahead {
    /// Begins to read.
    pub(super) fn new<R: Read + Send + 'static>(inner: R) -> Self {
        Self::with_sizes(inner, BUFFER, WAITING)
    }

    /// As [`Self::new`], with the size of a buffer and how many of them may wait.
    fn with_sizes<R: Read + Send + 'static>(inner: R, size: usize, waiting: usize) -> Self {
        let (filled, filled_here) = bounded(waiting);
        // One more is being filled, and one is being given out.
        let (empty, empty_there) = bounded(waiting + 2);
        let thread = thread::spawn(move || fill(inner, size, &empty_there, &filled));
        Self {
            filled: filled_here,
            empty,
            now: Filled { buffer: Vec::new(), len: 0 },
            given: 0,
            end: End::Open,
            thread: Some(thread),
        }
    }

    /// Waits for the next bytes, or for how they end.
    fn advance(&mut self) -> io::Result<()> {
        let next = self.filled.recv().unwrap_or_else(|_| {
            Err(io::Error::other(
                "a decoding thread panicked; this is a mistake in auditwake, please report it with the message above",
            ))
        });
        let next = next.inspect_err(|error| self.end = End::Failed(error.kind(), error.to_string()))?;
        if next.len == 0 {
            self.end = End::Clean;
        }
        let used = mem::replace(&mut self.now, next);
        self.given = 0;
        // There is room, and nobody takes buffers back behind the end.
        let _ = self.empty.try_send(used.buffer);
        Ok(())
    }
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.given == self.now.len {
            match &self.end {
                End::Open => self.advance()?,
                End::Clean => return Ok(0),
                End::Failed(kind, text) => return Err(io::Error::new(*kind, text.clone())),
            }
        }
        let count = (&self.now.buffer[self.given..self.now.len]).read(out)?;
        self.given += count;
        Ok(count)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The thread ends when it finds its channel closed.
        self.filled = bounded(0).1;
        farewell(self.thread.take());
    }
}

/// Reads to the end, or as long as somebody wants it. What a read gives is handed on at once: more may be long in coming.
fn fill(mut inner: impl Read, size: usize, empty: &Receiver<Vec<u8>>, filled: &Sender<io::Result<Filled>>) {
    loop {
        let mut buffer = empty.try_recv().unwrap_or_default();
        buffer.resize(size, 0);
        let read = loop {
            match inner.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let last = !matches!(read, Ok(1..));
        if filled.send(read.map(|len| Filled { buffer, len })).is_err() || last {
            return;
        }
    }
}
