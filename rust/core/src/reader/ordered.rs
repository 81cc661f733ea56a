//! Tasks side by side, results in the order of the tasks, memory bounded: a worker begins a task only when few are
//! ahead of the consumer, and waits when its task's results are not taken.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

/// Results that a task may have waiting, unless somebody says otherwise.
const WAITING: usize = 2;

/// How long an abandoned worker is waited for: longer than a batch takes, shorter than people wait for Ctrl-C.
const FAREWELL: Duration = Duration::from_millis(80);

/// What a worker hands to the consumer.
enum Message<T> {
    Item(T),
    /// The task is done; a channel that closes without it had a worker that panicked.
    Done,
}

/// A worker panicked: a mistake of ours, never of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reader thread panicked; this is a mistake in auditwake, please report it with the message above")]
pub struct Panicked;

/// What [`Ordered::next`] found.
#[derive(Debug)]
pub enum Next<T> {
    /// The next result.
    Item(T),
    /// Nothing yet.
    Pending,
    /// No more results.
    End,
}

/// Emits a result; answers `false` when nobody wants more.
pub type Emit<'a, T> = &'a mut dyn FnMut(T) -> bool;

/// Results of tasks that run on threads, in the order of the tasks.
pub struct Ordered<T> {
    /// One channel a task that is not used up, in order.
    channels: VecDeque<Receiver<Message<T>>>,
    gate: Arc<Gate>,
    workers: Vec<JoinHandle<()>>,
}

/// How far the workers may run ahead.
struct Gate {
    /// Tasks used up, or `None` when everything is to stop.
    used: Mutex<Option<usize>>,
    changed: Condvar,
    /// Tasks that may be begun and not used up.
    ahead: usize,
}

impl Gate {
    /// Waits until the task may begin; `false` when everything is to stop.
    fn pass(&self, task: usize) -> bool {
        let mut used = self.lock();
        loop {
            match *used {
                None => return false,
                Some(used) if task < used + self.ahead => return true,
                Some(_) => used = self.changed.wait(used).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<usize>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Ordered<T> {
    /// Starts `threads` workers on the tasks. Each has a state of its own from `make`, and `work` does one task with it.
    pub fn start<Task: Send + 'static, State: 'static>(
        tasks: Vec<Task>,
        threads: usize,
        make: impl Fn() -> State + Clone + Send + 'static,
        work: impl Fn(&mut State, Task, Emit<'_, T>) + Clone + Send + 'static,
    ) -> Self {
        Self::start_with(WAITING, tasks, threads, make, work)
    }

    /// As [`Self::start`], with so many results that a task may have waiting.
    pub fn start_with<Task: Send + 'static, State: 'static>(
        waiting: usize,
        tasks: Vec<Task>,
        threads: usize,
        make: impl Fn() -> State + Clone + Send + 'static,
        work: impl Fn(&mut State, Task, Emit<'_, T>) + Clone + Send + 'static,
    ) -> Self {
        let gate = Arc::new(Gate { used: Mutex::new(Some(0)), changed: Condvar::new(), ahead: threads + 1 });
        let mut channels = VecDeque::with_capacity(tasks.len());
        let mut queue = VecDeque::with_capacity(tasks.len());
        for (place, task) in tasks.into_iter().enumerate() {
            let (sender, receiver) = bounded(waiting);
            channels.push_back(receiver);
            queue.push_back((place, task, sender));
        }
        let queue = Arc::new(Mutex::new(queue));
        let workers = (0..threads.min(channels.len()))
            .map(|_| {
                let (queue, gate) = (Arc::clone(&queue), Arc::clone(&gate));
                let (make, work) = (make.clone(), work.clone());
                thread::spawn(move || {
                    let mut state = make();
                    run(&queue, &gate, |task, emit| work(&mut state, task, emit));
                })
            })
            .collect();
        Self { channels, gate, workers }
    }

    /// The next result, waiting for it no longer than `patience`.
    ///
    /// # Errors
    /// [`Panicked`]; the results of that task are not complete.
    pub fn next(&mut self, patience: Duration) -> Result<Next<T>, Panicked> {
        while let Some(channel) = self.channels.front() {
            match channel.recv_timeout(patience) {
                Ok(Message::Item(item)) => return Ok(Next::Item(item)),
                Ok(Message::Done) => self.use_up(),
                Err(RecvTimeoutError::Timeout) => return Ok(Next::Pending),
                Err(RecvTimeoutError::Disconnected) => {
                    self.stop();
                    return Err(Panicked);
                }
            }
        }
        Ok(Next::End)
    }
}

impl<T> Ordered<T> {
    fn use_up(&mut self) {
        self.channels.pop_front();
        if let Some(used) = self.gate.lock().as_mut() {
            *used += 1;
        }
        self.gate.changed.notify_all();
    }

    /// Stops the workers at their next result and waits for them a moment. One that waits for input that may never come
    /// is left behind: it holds nothing that anybody waits for, and ends with its input.
    fn stop(&mut self) {
        *self.gate.lock() = None;
        self.gate.changed.notify_all();
        self.channels.clear();
        farewell(self.workers.drain(..));
    }
}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits a moment for workers that were told to stop.
pub(super) fn farewell(workers: impl IntoIterator<Item = JoinHandle<()>>) {
    let workers: Vec<_> = workers.into_iter().collect();
    let deadline = Instant::now() + FAREWELL;
    while Instant::now() < deadline && workers.iter().any(|worker| !worker.is_finished()) {
        thread::sleep(Duration::from_millis(1));
    }
    for worker in workers.into_iter().filter(JoinHandle::is_finished) {
        // A panic was reported by the closed channel of its task.
        let _ = worker.join();
    }
}

/// Tasks that no worker has begun, in order, each with the channel of its results.
type Queue<Task, T> = Mutex<VecDeque<(usize, Task, Sender<Message<T>>)>>;

/// Does tasks in order until there are no more.
fn run<Task, T>(queue: &Queue<Task, T>, gate: &Gate, mut work: impl FnMut(Task, Emit<'_, T>)) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((place, task, sender)) = next else { return };
        if !gate.pass(place) {
            return;
        }
        work(task, &mut |item| sender.send(Message::Item(item)).is_ok());
        let _ = sender.send(Message::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(mut ordered: Ordered<usize>) -> Result<Vec<usize>, Panicked> {
        let mut all = Vec::new();
        loop {
            match ordered.next(Duration::from_secs(60))? {
                Next::Item(item) => all.push(item),
                Next::Pending => panic!("no result within a minute"),
                Next::End => return Ok(all),
            }
        }
    }

    fn start(threads: usize, work: fn(&mut (), usize, Emit<'_, usize>)) -> Ordered<usize> {
        Ordered::start((0..50).collect(), threads, || (), work)
    }

    #[test]
    fn results_come_in_the_order_of_the_tasks() {
        for threads in [1, 2, 4] {
            let ordered = start(threads, |(), task, emit| {
                for item in 0..task % 7 {
                    emit(task * 10 + item);
                }
            });
            let expected: Vec<_> =
                (0..50).flat_map(|task| (0..task % 7).map(move |i| task * 10 + i)).collect();
            assert_eq!(drain(ordered), Ok(expected));
        }
    }

    #[test]
    fn a_panic_is_an_error_and_not_an_end() {
        let ordered = start(2, |(), task, emit| {
            assert!(task != 20, "task 20");
            emit(task);
        });
        assert_eq!(drain(ordered), Err(Panicked));
    }

    #[test]
    fn a_worker_that_waits_for_ever_is_left_behind() {
        let mut ordered = start(2, |(), task, emit| {
            emit(task);
            if task > 0 {
                thread::park();
            }
        });
        assert!(matches!(ordered.next(Duration::from_secs(60)), Ok(Next::Item(0))));
        drop(ordered);
    }

    #[test]
    fn dropping_it_early_ends_the_workers() {
        let mut ordered = start(3, |(), _, emit| while emit(1) {});
        assert!(matches!(ordered.next(Duration::from_secs(60)), Ok(Next::Item(1))));
        drop(ordered);
    }
}
