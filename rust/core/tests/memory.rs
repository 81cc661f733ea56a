//! Memory depends on the sizes of batch and line, not on what the input holds. One test, since it watches the whole
//! process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use auditwake_core::batch::Limits;
use auditwake_core::lines::LineOptions;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::stats::{Outcome, Outcomes};

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count.
struct Counting;

// SAFETY: every call is handed to the system's allocator as it is; the counters have no part in the memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `memory` came from the system's allocator with that layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Repeats a piece of text up to a length, without ever holding it.
struct Endless {
    head: &'static [u8],
    piece: Vec<u8>,
    at: usize,
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let source = if self.head.is_empty() { &self.piece[self.at..] } else { self.head };
        let count = source.len().min(out.len()).min(self.left);
        out[..count].copy_from_slice(&source[..count]);
        self.left -= count;
        if self.head.is_empty() {
            self.at = (self.at + count) % self.piece.len();
        } else {
            self.head = &self.head[count..];
        }
        Ok(count)
    }
}

/// Reads so much of the text; answers the peak of memory on the way and the counts.
fn peak(head: &'static [u8], piece: &[u8], length: usize) -> (usize, Outcomes) {
    let options = Options {
        limits: Limits { rows: 65_536, bytes: 1 << 20, ..Limits::default() },
        lines: LineOptions { buffer: 1 << 16, ..LineOptions::default() },
        ..Options::default()
    };
    let mut reader = Reader::new(options);
    let before = USED.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    reader.start(Box::new(Endless { head, piece: piece.to_vec(), at: 0, left: length }), "", 0);
    let mut outcomes = Outcomes::default();
    while let Some(step) = reader.next_step() {
        outcomes.merge(&step.account.outcomes);
    }
    assert_eq!(outcomes.bytes(), length as u64);
    (PEAK.load(Ordering::Relaxed) - before, outcomes)
}

const MB: usize = 1_000_000;

#[test]
fn memory_is_bounded() {
    let event =
        br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","stage":"Panic","verb":"get"}"#;

    let (used, outcomes) = peak(b"", &[event, &b"\n"[..]].concat(), 100 * MB);
    assert!(outcomes.events > 1_000_000 && used < 30 * MB, "plain events: {} MB", used / MB);

    let (used, outcomes) = peak(b"", b"nothing that is known\n", 60 * MB);
    assert_eq!(outcomes.total(Outcome::Rejected).bytes, 60 * MB as u64);
    assert!(used < 30 * MB, "rejected lines: {} MB", used / MB);

    let body = br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","stage":"Panic","requestObject":{"a":""#;
    let (used, outcomes) = peak(body, b"0123456789abcdef", 100 * MB);
    assert_eq!(outcomes.events, 1);
    assert!(used < 700 * MB, "a line of 100 MB: {} MB", used / MB);

    // One byte that is no UTF-8, in front of thousands of events without a newline between them.
    let (used, outcomes) = peak(b"\xff", event, 4 * MB);
    assert!(outcomes.events > 40_000);
    assert!(used < 100 * MB, "events on one line: {} MB", used / MB);
}
