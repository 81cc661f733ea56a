//! A wait that another thread can end.

use std::sync::Arc;
use std::time::Duration;

pub(super) use imp::Ends;

/// How long a wait may last for somebody who must see signals soon.
pub const PATIENCE: Duration = imp::PATIENCE;

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Its time.
    Time,
    /// Somebody.
    Somebody,
    /// A signal that this thread handled.
    Signal,
}

/// Wakes a [`Watch`](super::Watch), from anywhere.
#[derive(Clone, Debug)]
pub struct Waker(pub(super) Arc<Ends>);

impl Waker {
    /// Ends the present wait, or the next one if nobody waits.
    pub fn wake(&self) {
        self.0.wake();
    }
}

/// By a pair of sockets: unlike a lock, a read of one ends when a signal was handled (signal(7)), so that nobody has to get
/// up again and again only to see whether there was one.
#[cfg(unix)]
mod imp {
    use std::io::{ErrorKind, Read, Write};
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::Woken;

    /// A signal that was handled while nobody waited is seen after this time.
    pub(super) const PATIENCE: Duration = Duration::from_millis(250);

    /// The longest sleep without the sockets, which nobody can end.
    const NAP: Duration = Duration::from_millis(20);

    #[derive(Debug)]
    pub(in super::super) struct Ends {
        /// Where a byte is written, and where it is read; `None` where the system has no more sockets.
        pair: Option<(UnixStream, UnixStream)>,
        /// Whether a byte is on its way.
        sent: AtomicBool,
    }

    impl Ends {
        pub(in super::super) fn new() -> Self {
            Self { pair: UnixStream::pair().ok(), sent: AtomicBool::new(false) }
        }

        pub(super) fn wake(&self) {
            if let Some((sender, _)) = &self.pair
                && !self.sent.swap(true, Ordering::AcqRel)
            {
                // One byte at most is on its way, so that there is room for it.
                let _ = (&mut &*sender).write(&[0]);
            }
        }

        pub(in super::super) fn wait(&self, most: Duration) -> Woken {
            let nap = || {
                std::thread::sleep(most.min(NAP));
                Woken::Time
            };
            let Some((_, receiver)) = &self.pair else { return nap() };
            // No time at all is no time limit to the system.
            if receiver.set_read_timeout(Some(most.max(Duration::from_millis(1)))).is_err() {
                return nap();
            }
            match (&mut &*receiver).read(&mut [0]) {
                Ok(_) => {
                    self.sent.store(false, Ordering::Release);
                    Woken::Somebody
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => Woken::Signal,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    Woken::Time
                }
                Err(_) => nap(),
            }
        }
    }
}

/// By a channel.
#[cfg(not(unix))]
mod imp {
    use std::time::Duration;

    use crossbeam_channel::{Receiver, Sender, bounded};

    use super::Woken;

    /// No signal ends a wait.
    pub(super) const PATIENCE: Duration = Duration::from_millis(50);

    #[derive(Debug)]
    pub(in super::super) struct Ends {
        sender: Sender<()>,
        receiver: Receiver<()>,
    }

    impl Ends {
        pub(in super::super) fn new() -> Self {
            let (sender, receiver) = bounded(1);
            Self { sender, receiver }
        }

        pub(super) fn wake(&self) {
            // Where there is no room, one is on its way already.
            let _ = self.sender.try_send(());
        }

        pub(in super::super) fn wait(&self, most: Duration) -> Woken {
            if self.receiver.recv_timeout(most).is_ok() { Woken::Somebody } else { Woken::Time }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_wait_ends_when_somebody_wakes_it_and_once_for_many() {
        let ends = Arc::new(Ends::new());
        let waker = Waker(Arc::clone(&ends));
        assert_eq!(ends.wait(Duration::from_millis(5)), Woken::Time);
        for _ in 0..1000 {
            waker.wake();
        }
        assert_eq!(ends.wait(Duration::from_secs(60)), Woken::Somebody);
        assert_eq!(ends.wait(Duration::from_millis(5)), Woken::Time);
        let began = Instant::now();
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            waker.wake();
        });
        assert_eq!(ends.wait(Duration::from_secs(60)), Woken::Somebody);
        assert!(began.elapsed() < Duration::from_secs(30));
        other.join().unwrap();
    }
}
