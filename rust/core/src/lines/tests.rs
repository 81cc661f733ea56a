use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// A line without its loan.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    offset: u64,
    len: u64,
    bytes: Vec<u8>,
    tail: Vec<u8>,
    terminated: bool,
    kind: LineKind,
}

/// The rules of the reader, on the whole input at once.
fn model(mut rest: &[u8], options: LineOptions) -> Vec<Owned> {
    let mut lines = Vec::new();
    let mut offset = 0;
    while !rest.is_empty() {
        let nuls = rest.iter().take_while(|byte| **byte == 0).count();
        let text_len = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let content = if nuls > 0 { nuls } else { text_len };
        let terminated = rest.get(content) == Some(&b'\n');
        let text = &rest[..content];
        let too_long = nuls == 0 && content > options.max_line;
        let kind = match (nuls > 0, too_long, terminated) {
            (true, ..) => LineKind::Nul,
            (_, true, _) => LineKind::TooLong,
            (_, _, true) => LineKind::Whole,
            _ => LineKind::Unterminated,
        };
        let bytes = if nuls > 0 { &[] } else { &text[..content.min(options.max_line)] };
        let tail = if too_long { &text[content.saturating_sub(options.keep_tail)..] } else { &[] };
        let len = content + usize::from(terminated);
        lines.push(Owned {
            offset,
            len: len as u64,
            bytes: bytes.to_vec(),
            tail: tail.to_vec(),
            terminated,
            kind,
        });
        offset += len as u64;
        rest = &rest[len..];
    }
    lines
}

/// Gives short reads, an `Interrupted` before each of them, and an error at the end if asked to.
struct Rough {
    data: VecDeque<u8>,
    reads: Vec<usize>,
    calls: usize,
    fails: bool,
}

impl Rough {
    fn new(data: &[u8], reads: &[usize], fails: bool) -> Self {
        Self { data: data.iter().copied().collect(), reads: reads.to_vec(), calls: 0, fails }
    }
}

impl Read for Rough {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls % 2 == 1 {
            return Err(ErrorKind::Interrupted.into());
        }
        if self.data.is_empty() && self.fails {
            self.fails = false;
            return Err(io::Error::other("the disk is gone"));
        }
        let step = self.reads[self.calls / 2 % self.reads.len()].min(out.len());
        self.data.read(&mut out[..step])
    }
}

fn own(line: Line<'_>) -> Owned {
    let Line { offset, len, bytes, tail, terminated, kind } = line;
    Owned { offset, len, bytes: bytes.to_vec(), tail: tail.to_vec(), terminated, kind }
}

fn drain<R: Read>(lines: &mut LineReader<R>) -> (Vec<Owned>, io::Result<()>) {
    let mut got = Vec::new();
    loop {
        match lines.next_line() {
            Ok(Some(line)) => got.push(own(line)),
            Ok(None) => return (got, Ok(())),
            Err(error) => return (got, Err(error)),
        }
    }
}

fn text(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => Just(0_u8), 3 => Just(b'\n'), 6 => b'a'..=b'e', 1 => any::<u8>()];
    let run = (byte, prop_oneof![4 => 1..4_usize, 1 => 1..max]).prop_map(|(byte, n)| vec![byte; n]);
    prop::collection::vec(run, 0..40).prop_map(|runs| runs.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

    #[test]
    fn equals_the_model(
        data in text(300),
        buffer in prop::sample::select(vec![0, 1, 3, 5, 64, 4096]),
        max_line in prop::sample::select(vec![0, 1, 5, 16, 1 << 20]),
        keep_tail in prop::sample::select(vec![0, 1, 3, 8, 1000]),
        reads in prop::collection::vec(1..8_usize, 1..5),
        whole_reads: bool,
        error_at in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let options = LineOptions { buffer, max_line, keep_tail };
        let fails = error_at.is_some();
        let given = &data[..error_at.map_or(data.len(), |at| at.index(data.len() + 1))];
        let reads = if whole_reads { vec![usize::MAX] } else { reads };
        let mut lines = LineReader::new(Rough::new(given, &reads, fails), options);
        let (got, end) = drain(&mut lines);

        let want = model(given, options);
        prop_assert_eq!(&got, &want);
        prop_assert_eq!(got.iter().map(|line| line.len).sum::<u64>(), given.len() as u64);
        prop_assert_eq!(end.is_err(), fails);
        prop_assert_eq!(lines.offset(), given.len() as u64);
        prop_assert!(lines.next_line().unwrap().is_none());
        prop_assert!(lines.buf.len() <= max_line + buffer.max(1));
        prop_assert!(lines.tail.len() <= 2 * keep_tail);
    }
}

fn kinds(data: &[u8], options: LineOptions) -> Vec<(LineKind, u64, u64)> {
    let (got, end) = drain(&mut LineReader::new(data, options));
    end.unwrap();
    got.iter().map(|line| (line.kind, line.offset, line.len)).collect()
}

#[test]
fn a_hole_is_a_line_of_its_own() {
    use LineKind::{Nul, Unterminated, Whole};
    let got = kinds(b"a\n\0\0\0{}\n\0\n\0b\0c\n\0", LineOptions::default());
    assert_eq!(
        got,
        [(Whole, 0, 2), (Nul, 2, 3), (Whole, 5, 3), (Nul, 8, 2), (Nul, 10, 1), (Whole, 11, 4), (Nul, 15, 1)]
    );
    assert_eq!(kinds(b"\0x", LineOptions::default()), [(Nul, 0, 1), (Unterminated, 1, 1)]);
    assert_eq!(kinds(b"", LineOptions::default()), []);
}

#[test]
fn a_large_hole_is_not_buffered() {
    let hole = 300_000_000;
    let input = io::repeat(0).take(hole).chain(&b"{}\n"[..]);
    let mut lines = LineReader::new(input, LineOptions { buffer: 65536, ..LineOptions::default() });
    let (got, end) = drain(&mut lines);
    end.unwrap();
    assert_eq!((got[0].kind, got[0].len), (LineKind::Nul, hole));
    assert_eq!((got[1].offset, &got[1].bytes[..]), (hole, &b"{}"[..]));
    assert_eq!(lines.buf.len(), 65536);
}

#[test]
fn a_long_line_keeps_its_ends_and_the_memory_is_given_back() {
    let long = io::repeat(b'x').take(10_000_000).chain(&b"end\nnext\n"[..]);
    let options = LineOptions { buffer: 4096, max_line: 100_000, keep_tail: 5 };
    let mut lines = LineReader::new(long, options);
    let line = lines.next_line().unwrap().unwrap();
    assert_eq!((line.kind, line.len, line.bytes.len()), (LineKind::TooLong, 10_000_004, 100_000));
    assert_eq!((line.tail, line.terminated), (&b"xxend"[..], true));
    assert_eq!(lines.next_line().unwrap().unwrap().bytes, b"next");
    assert!(lines.next_line().unwrap().is_none());
    assert_eq!(lines.buf.len(), 4096);
}

#[test]
fn an_error_comes_once_and_after_the_bytes() {
    let mut lines = LineReader::new(Rough::new(b"a\nbc", &[7], true), LineOptions::default());
    let (got, end) = drain(&mut lines);
    assert_eq!((got[1].kind, &got[1].bytes[..]), (LineKind::Unterminated, &b"bc"[..]));
    assert_eq!(end.unwrap_err().to_string(), "the disk is gone");
    assert_eq!(lines.offset(), 4);
    assert!(lines.next_line().unwrap().is_none());
}

#[test]
fn a_lying_reader_does_no_harm() {
    struct Liar(bool);
    impl Read for Liar {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            Ok(if std::mem::take(&mut self.0) { out.len() + 10 } else { 0 })
        }
    }
    let (got, end) =
        drain(&mut LineReader::new(Liar(true), LineOptions { buffer: 8, ..LineOptions::default() }));
    end.unwrap();
    assert_eq!(got.iter().map(|line| line.len).sum::<u64>(), 8);
}

/// What a growing input has so far; reads take as much as there is room for.
#[derive(Clone, Default)]
struct Grown(std::rc::Rc<std::cell::RefCell<VecDeque<u8>>>);

impl Read for Grown {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(room)
    }
}

fn owned(line: &Line<'_>) -> Owned {
    let Line { offset, len, bytes, tail, terminated, kind } = *line;
    Owned { offset, len, bytes: bytes.to_vec(), tail: tail.to_vec(), terminated, kind }
}

/// Joins runs of NULs that follow each other, and the newline behind: they come as they were written.
fn with_whole_runs(lines: Vec<Owned>) -> Vec<Owned> {
    let mut joined: Vec<Owned> = Vec::new();
    for line in lines {
        match joined.last_mut() {
            Some(last)
                if last.kind == LineKind::Nul
                    && !last.terminated
                    && (line.kind == LineKind::Nul || line.bytes.is_empty()) =>
            {
                last.len += line.len;
                last.terminated = line.terminated;
            }
            _ => joined.push(line),
        }
    }
    joined
}

proptest! {
    #[test]
    fn a_growing_input_gives_the_lines_of_the_whole(
        pieces in prop::collection::vec("[a\\x00\\n]{0,12}", 0..12),
        buffer in 1_usize..9,
        max_line in 1_usize..9,
        keep_tail in 0_usize..9,
    ) {
        let whole = pieces.concat().into_bytes();
        let options = LineOptions { buffer, max_line, keep_tail };
        let input = Grown::default();
        let mut reader = LineReader::growing(input.clone(), options);
        let mut lines = Vec::new();
        for piece in &pieces {
            input.0.borrow_mut().extend(piece.bytes());
            while let Some(line) = reader.next_line().unwrap() {
                prop_assert!(line.terminated || line.kind == LineKind::Nul);
                lines.push(owned(&line));
                check_before(&reader, &whole)?;
            }
            prop_assert_eq!(lines.iter().map(|line| line.len).sum::<u64>(), reader.offset());
            check_before(&reader, &whole)?;
        }
        prop_assert_eq!(reader.offset() + reader.waiting(), whole.len() as u64);
        reader.finish();
        while let Some(line) = reader.next_line().unwrap() {
            lines.push(owned(&line));
        }
        prop_assert_eq!(with_whole_runs(lines), model(&whole, options));
    }
}

fn check_before(reader: &LineReader<Grown>, whole: &[u8]) -> Result<(), TestCaseError> {
    let before = reader.before();
    prop_assert!(whole[..reader.offset() as usize].ends_with(&before));
    prop_assert_eq!(before.is_empty(), reader.offset() == 0);
    Ok(())
}

#[test]
fn an_error_of_a_growing_input_loses_nothing() {
    struct Failing(u32);
    impl Read for Failing {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => (&b"whole\nha"[..]).read(room),
                3 => (&b"lf\n"[..]).read(room),
                2 => Err(io::Error::other("the disk")),
                _ => Ok(0),
            }
        }
    }
    let mut reader = LineReader::growing(Failing(0), LineOptions::default());
    assert_eq!(reader.next_line().unwrap().unwrap().bytes, b"whole");
    assert_eq!(reader.next_line().unwrap_err().to_string(), "the disk");
    assert_eq!((reader.offset(), reader.waiting()), (6, 2));
    let line = owned(&reader.next_line().unwrap().unwrap());
    assert_eq!((line.offset, line.bytes), (6, b"half".to_vec()));
    assert!(reader.next_line().unwrap().is_none());
}
