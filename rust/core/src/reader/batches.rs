//! A pass over sources: batches in the order of the input, whatever the number of threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::ordered::{Emit, Next, Ordered, Panicked};
use super::plan::plan;
use super::source::{OpenError, Source, Task};
use super::{Options, Reader, Step};

/// Most bytes of input in a batch when several threads read: each of them holds a few.
const PARALLEL_BYTES: usize = 16 << 20;

/// Why a pass stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A source cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A reader thread panicked.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// Batches of one pass.
pub struct Batches {
    inner: Inner,
    /// Bytes read from the sources, before decompression.
    read: Arc<AtomicU64>,
}

enum Inner {
    /// Reads on the caller's thread, and only while it asks.
    Here {
        reader: Box<Reader>,
        tasks: VecDeque<Task>,
    },
    Workers(Ordered<Result<Step, OpenError>>),
}

impl Batches {
    /// Begins a pass with that many threads; one is the caller's own.
    #[must_use]
    pub fn new(sources: Vec<Source>, mut options: Options, threads: usize) -> Self {
        let read = Arc::<AtomicU64>::default();
        if threads <= 1 {
            let tasks = plan(sources, None).into();
            return Self { inner: Inner::Here { reader: Box::new(Reader::new(options)), tasks }, read };
        }
        options.limits.bytes = options.limits.bytes.min(PARALLEL_BYTES);
        let tasks = plan(sources, Some(options.limits.bytes.max(1 << 16) as u64));
        let make = move || Reader::new(options.clone());
        let counter = Arc::clone(&read);
        let work = move |reader: &mut Reader, task: Task, emit: Emit<'_, Result<Step, OpenError>>| {
            if let Err(error) = read_task(reader, task, &counter, emit) {
                emit(Err(error));
            }
        };
        Self { inner: Inner::Workers(Ordered::start(tasks, threads, make, work)), read }
    }

    /// Bytes read from the sources so far, before decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The next batch. Reading on the caller's thread answers when it has one; else it waits no longer than `patience`.
    ///
    /// # Errors
    /// [`ReadError`]; the pass is over then.
    pub fn next(&mut self, patience: Duration) -> Result<Next<Step>, ReadError> {
        match &mut self.inner {
            Inner::Workers(ordered) => match ordered.next(patience)? {
                Next::Item(step) => Ok(Next::Item(step?)),
                Next::Pending => Ok(Next::Pending),
                Next::End => Ok(Next::End),
            },
            Inner::Here { reader, tasks } => loop {
                if let Some(step) = reader.next_step() {
                    return Ok(Next::Item(step));
                }
                let Some(task) = tasks.pop_front() else { return Ok(Next::End) };
                let name = task.name.clone();
                let (input, base) = task.open(&self.read, false)?;
                reader.start(input, &name, base);
            },
        }
    }
}

fn read_task(
    reader: &mut Reader,
    task: Task,
    read: &Arc<AtomicU64>,
    emit: Emit<'_, Result<Step, OpenError>>,
) -> Result<(), OpenError> {
    let name = task.name.clone();
    let ahead = task.is_long_file();
    let (input, base) = task.open(read, ahead)?;
    reader.start(input, &name, base);
    while let Some(step) = reader.next_step() {
        if !emit(Ok(step)) {
            break;
        }
    }
    Ok(())
}
