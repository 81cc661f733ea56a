use std::collections::VecDeque;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// Gives at most `step` bytes a read and an error at the end if asked to.
struct Slow {
    data: VecDeque<u8>,
    step: usize,
    error: Option<io::Error>,
}

impl Read for Slow {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let room = self.step.min(out.len());
        match self.error.take_if(|_| self.data.is_empty()) {
            Some(error) => Err(error),
            None => self.data.read(&mut out[..room]),
        }
    }
}

fn open(data: &[u8], step: usize) -> Decoded {
    decode(Box::new(Slow { data: data.iter().copied().collect(), step, error: None })).unwrap()
}

/// All that comes out, read in pieces of `room` bytes, and how it ends.
fn drain(decoded: &mut Decoded, room: usize) -> (Vec<u8>, io::Result<()>) {
    let (mut got, mut out) = (Vec::new(), vec![0; room]);
    loop {
        match decoded.read(&mut out) {
            Ok(0) => return (got, Ok(())),
            Ok(read) => got.extend_from_slice(&out[..read]),
            Err(error) => return (got, Err(error)),
        }
    }
}

fn text() -> Vec<u8> {
    let line = |n| format!("{{\"kind\":\"Event\",\"auditID\":\"{n}-{}\",\"verb\":\"get\"}}\n", n * 7919);
    (0..5).map(line).collect::<String>().into_bytes()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum, and in several blocks when the text is long.
fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    for piece in text.chunks(90) {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
    }
    encoder.finish().unwrap()
}

/// The longest text that the inflater gets out of a cut stream when it has all of it at once.
fn inflate(mut rest: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while !rest.is_empty() {
        let mut inflater = Decompress::new_gzip(15);
        let mut out = vec![0; 1 << 16];
        inflater.decompress(rest, &mut out, FlushDecompress::Finish).unwrap();
        all.extend_from_slice(&out[..inflater.total_out() as usize]);
        rest = &rest[inflater.total_in() as usize..];
    }
    all
}

#[test]
fn formats_are_told_by_content() {
    let cases: [(&[u8], Format); 12] = [
        (b"", Format::Plain),
        (b"{\"ki", Format::Plain),
        (b"\x1f", Format::Gzip),
        (b"\x1f\x8b\x08", Format::Gzip),
        (b"\x1f\x9d\x90", Format::Plain),
        (b"(", Format::Plain),
        (b"(\xb5", Format::Zstd),
        (b"(\xb5/\xfd", Format::Zstd),
        (b"(\xb5/\xfc", Format::Plain),
        (b"P*M\x18", Format::Zstd),
        (b"_*M\x18", Format::Zstd),
        (b"P*M", Format::Plain),
    ];
    for (head, format) in cases {
        assert_eq!(sniff(head), format, "{head:x?}");
    }
}

#[test]
fn every_format_comes_out_whole() {
    let text = text();
    let gzips = [gzip(&text[..100]), gzip(b""), gzip(&text[100..])].concat();
    let skippable = b"\x5a\x2a\x4d\x18\x05\0\0\0hello".to_vec();
    let zstds = [skippable.clone(), zstd(&text[..100]), skippable, zstd(b""), zstd(&text[100..])].concat();
    for (data, format) in [(text.clone(), Format::Plain), (gzips, Format::Gzip), (zstds, Format::Zstd)] {
        for (step, room) in [(1, 1), (1, 4096), (3, 7), (4096, 1), (usize::MAX, 1 << 20)] {
            let mut decoded = open(&data, step);
            let (got, end) = drain(&mut decoded, room);
            end.unwrap();
            assert_eq!((got == text, decoded.format()), (true, format), "{step} {room}");
            assert_eq!(decoded.compressed_position(), data.len() as u64);
        }
    }
}

#[test]
fn a_short_plain_file_is_not_lost() {
    for data in [&b""[..], b"a", b"{}\n", b"1\n2\n"] {
        assert_eq!(drain(&mut open(data, 1), 10).0, data);
    }
}

#[test]
fn a_cut_gzip_gives_all_that_can_be_decoded() {
    let text = text();
    let (first, second) = (gzip(&text[..150]), gzip(&text[150..]));
    for (data, boundary) in [(gzip(&text), None), ([&first[..], &second].concat(), Some(first.len()))] {
        for cut in 0..data.len() {
            for (step, room) in [(1, 1), (1, 1000), (5, 3), (usize::MAX, 1), (usize::MAX, 1000)] {
                let mut decoded = open(&data[..cut], step);
                let (got, end) = drain(&mut decoded, room);
                assert!(text.starts_with(&got));
                assert_eq!(got, inflate(&data[..cut]), "cut at {cut}");
                if cut == 0 || Some(cut) == boundary {
                    end.unwrap();
                    continue;
                }
                let error = end.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                let place = format!("middle of a member at compressed offset {cut};");
                assert!(error.to_string().contains(&place), "{error}");
                let again = drain(&mut decoded, room);
                assert_eq!((again.0.len(), again.1.unwrap_err().to_string()), (0, error.to_string()));
            }
        }
    }
}

#[test]
fn a_cut_zstd_gives_all_complete_blocks() {
    let text = text();
    let data = [zstd(&text[..200]), zstd(&text[200..])].concat();
    let boundary = zstd(&text[..200]).len();
    let mut longest = 0;
    for cut in 2..data.len() {
        for (step, room) in [(1, 1), (1, 1000), (usize::MAX, 1), (usize::MAX, 1000)] {
            let (got, end) = drain(&mut open(&data[..cut], step), room);
            assert!(text.starts_with(&got));
            assert!(got.len() >= longest, "cut at {cut}: fewer bytes than from a shorter file");
            longest = got.len();
            if cut == boundary {
                end.unwrap();
                continue;
            }
            let error = end.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            let place = format!("the zstd stream ends in the middle of a frame at compressed offset {cut};");
            assert!(error.to_string().contains(&place), "{error}");
        }
        if cut == boundary - 4 {
            assert_eq!(longest, 200, "only the checksum is missing");
        }
    }
}

#[test]
fn damage_does_not_depend_on_how_the_bytes_arrive() {
    let text = text();
    for data in [gzip(&text), zstd(&text)] {
        for at in 4..data.len() {
            let mut data = data.clone();
            data[at] ^= 0x24;
            let (want, want_end) = drain(&mut open(&data, 1), 1);
            for (step, room) in [(1, 1000), (7, 5), (usize::MAX, 3), (usize::MAX, 1000)] {
                let (got, end) = drain(&mut open(&data, step), room);
                assert_eq!(
                    got.escape_ascii().to_string(),
                    want.escape_ascii().to_string(),
                    "{at} {step} {room}"
                );
                assert_eq!(end.is_err(), want_end.is_err());
            }
        }
    }
}

#[test]
fn a_wrong_checksum_comes_after_the_text() {
    let text = text();
    let mut data = gzip(&text);
    let crc = data.len() - 8;
    data[crc] ^= 1;
    let (got, end) = drain(&mut open(&data, usize::MAX), 1000);
    let error = end.unwrap_err();
    assert_eq!((got, error.kind()), (text.clone(), ErrorKind::InvalidData));
    let place = format!("damaged at compressed offset {}: incorrect data check", crc + 4);
    assert!(error.to_string().contains(&place), "{error}");

    let mut data = zstd(&text);
    *data.last_mut().unwrap() ^= 1;
    let (got, end) = drain(&mut open(&data, usize::MAX), 1000);
    let error = end.unwrap_err();
    assert_eq!((got, error.kind()), (text, ErrorKind::InvalidData));
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn padding_is_skipped_and_garbage_is_named() {
    let text = text();
    for data in [gzip(&text), zstd(&text)] {
        for (after, garbage_at) in [
            (vec![0; 1000], None),
            ([vec![0; 9], data.clone()].concat(), None),
            (b"{\"kind\"".to_vec(), Some(0)),
            (b"\0\0\0plain".to_vec(), Some(3)),
            (b"\x1fno gzip".to_vec(), Some(0)),
            (b"(no zstd)".to_vec(), Some(0)),
        ] {
            let all = [data.clone(), after.clone()].concat();
            for step in [1, usize::MAX] {
                let (got, end) = drain(&mut open(&all, step), 1000);
                assert!(got.starts_with(&text));
                let Some(at) = garbage_at else {
                    end.unwrap();
                    continue;
                };
                let error = end.unwrap_err();
                let place = format!("trailing garbage at compressed offset {},", data.len() + at);
                assert!(error.to_string().contains(&place), "{error}");
                assert_eq!((got.len(), error.kind()), (text.len(), ErrorKind::InvalidData));
            }
        }
    }
}

#[test]
fn an_error_of_the_file_comes_after_the_bytes_before_it() {
    let text = text();
    for data in [text[..2].to_vec(), text.clone(), gzip(&text), zstd(&text)] {
        let error = Some(io::Error::other("the disk is gone"));
        let file = Slow { data: data.iter().copied().collect(), step: 3, error };
        let (got, end) = drain(&mut decode(Box::new(file)).unwrap(), 1000);
        assert_eq!(got.len(), text.len().min(if data.len() == 2 { 2 } else { usize::MAX }));
        assert_eq!(end.unwrap_err().to_string(), "the disk is gone");
    }
}
