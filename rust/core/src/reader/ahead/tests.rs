use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::input::open::decode;

/// Gives at most `step` bytes a read, every other of them after an interruption, then what `end` says.
struct Steps {
    data: Vec<u8>,
    at: usize,
    step: usize,
    interrupted: bool,
    end: Option<ErrorKind>,
}

impl Steps {
    fn new(data: &[u8], step: usize) -> Self {
        Self { data: data.to_vec(), at: 0, step, interrupted: false, end: None }
    }
}

impl Read for Steps {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        if let (Some(kind), true) = (self.end, self.at == self.data.len()) {
            return Err(io::Error::new(kind, "the disk is gone"));
        }
        let room = self.step.min(out.len());
        let count = (&self.data[self.at..]).read(&mut out[..room])?;
        self.at += count;
        Ok(count)
    }
}

/// All that comes out, read in pieces of `room` bytes, and how it ends: the error, asked for twice.
fn drain(reader: &mut dyn Read, room: usize) -> (Vec<u8>, [Option<(ErrorKind, String)>; 2]) {
    let (mut all, mut out) = (Vec::new(), vec![0; room]);
    let end = |read: io::Result<usize>| read.err().map(|error| (error.kind(), error.to_string()));
    loop {
        match reader.read(&mut out) {
            Ok(count @ 1..) => all.extend_from_slice(&out[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            first => {
                let again = loop {
                    match reader.read(&mut out) {
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        again => break again,
                    }
                };
                return (all, [end(first), end(again)]);
            }
        }
    }
}

/// Two gzip members, or zstd frames, of some lines.
fn packed(gzip: bool) -> Vec<u8> {
    let lines: Vec<String> = (0..12).map(|n| format!("{{\"auditID\":\"{n}-{}\"}}\n", n * 7919)).collect();
    let text = lines.concat();
    let mut all = Vec::new();
    for part in text.as_bytes().chunks(150) {
        if gzip {
            let mut encoder = GzEncoder::new(&mut all, flate2::Compression::default());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap();
        } else {
            let mut encoder = zstd::Encoder::new(&mut all, 1).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap();
        }
    }
    all
}

/// Reads the packed bytes plainly and ahead, and compares bytes and ends.
fn compare(data: &[u8], step: usize, size: usize, waiting: usize, room: usize) {
    let open = || decode(Box::new(Steps::new(data, step))).unwrap();
    let plain = drain(&mut open(), room);
    let ahead = drain(&mut Ahead::with_sizes(open(), size, waiting), room);
    assert_eq!(ahead, plain);
}

#[test]
fn a_cut_anywhere_gives_the_same_bytes_and_the_same_error() {
    for gzip in [true, false] {
        let data = packed(gzip);
        for cut in 0..=data.len() {
            compare(&data[..cut], usize::MAX, [1, 3, 5, 4096][cut % 4], cut % 3, 1000);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn damage_garbage_and_small_buffers_change_nothing(
        gzip: bool,
        bit in prop::option::of(any::<prop::sample::Index>()),
        after in prop::sample::select(vec![&b""[..], b"\0\0\0", b"\0plain", b"\x1fno gzip"]),
        step in prop::sample::select(vec![1, 3, 5, usize::MAX]),
        size in prop::sample::select(vec![1, 3, 5, 4096]),
        waiting in 0..3_usize,
        room in prop::sample::select(vec![1, 3, 5, 4096]),
    ) {
        let mut data = packed(gzip);
        if let Some(bit) = bit {
            // Behind the magic: without it, the bytes are plain.
            let bit = 32 + bit.index((data.len() - 4) * 8);
            data[bit / 8] ^= 1 << (bit % 8);
        }
        data.extend_from_slice(after);
        compare(&data, step, size, waiting, room);
    }
}

#[test]
fn an_error_comes_after_the_bytes_before_it_and_again_on_each_read() {
    let failing = Steps { end: Some(ErrorKind::TimedOut), ..Steps::new(b"0123456789", 3) };
    let (bytes, ends) = drain(&mut Ahead::with_sizes(failing, 4, 1), 7);
    let error = Some((ErrorKind::TimedOut, "the disk is gone".to_owned()));
    assert_eq!((&bytes[..], ends), (&b"0123456789"[..], [error.clone(), error]));
}

/// Counts how often it was read; gives without end.
struct Endless(Arc<AtomicUsize>);

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.fetch_add(1, Ordering::SeqCst);
        out.fill(b'x');
        Ok(out.len())
    }
}

#[test]
fn it_runs_so_far_ahead_and_ends_when_nobody_reads() {
    let reads = Arc::new(AtomicUsize::new(0));
    let mut ahead = Ahead::with_sizes(Endless(Arc::clone(&reads)), 10, 3);
    let deadline = Instant::now() + Duration::from_secs(60);
    for taken in 1..100 {
        ahead.read_exact(&mut [0; 10]).unwrap();
        // Three wait, and one waits for its place.
        assert!(reads.load(Ordering::SeqCst) <= taken + 4);
    }
    while reads.load(Ordering::SeqCst) < 103 && Instant::now() < deadline {
        thread::yield_now();
    }
    assert_eq!(reads.load(Ordering::SeqCst), 103);
    drop(ahead);
    while Arc::strong_count(&reads) > 1 && Instant::now() < deadline {
        thread::yield_now();
    }
    assert_eq!(Arc::strong_count(&reads), 1);
}

/// Panics at once.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("a mistake, on purpose")
    }
}

#[test]
fn a_panic_is_an_error_and_not_an_end() {
    let (bytes, [first, again]) = drain(&mut Ahead::new(Broken), 10);
    assert!(bytes.is_empty() && first.is_some_and(|(_, text)| text.contains("panicked")) && again.is_some());
}
