//! What stands in a file, told by its first bytes and never by its name.
//!
//! The apiserver's log rotation compresses in the background, so a reader meets files that are cut in the
//! middle: every byte that can be decoded comes out before the error that says where the compressed stream
//! ends.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::counting::CountingReader;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{self, InBuffer, Operation, OutBuffer};

/// How much compressed input is read at once.
const INPUT_BUFFER: usize = 128 << 10;

/// Length of a zstd block's header, which zstd would like to get together with the block before it.
const BLOCK_HEADER: usize = 3;

/// Longest magic of the formats.
const MAGIC: usize = 4;

/// How the bytes of a file are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As they are.
    Plain,
    /// Members of RFC 1952, one after the other.
    Gzip,
    /// Frames of RFC 8878, one after the other, skippable ones among them.
    Zstd,
}

impl Format {
    /// What the format calls the parts that may follow one another.
    fn part(self) -> &'static str {
        if self == Self::Zstd { "frame" } else { "member" }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Tells the format from the first four bytes of a file, or from all of a shorter file.
///
/// A file cut inside the magic counts as compressed once it can no longer be text: `1f`, `28 b5`, `28 b5 2f`.
#[must_use]
pub fn sniff(head: &[u8]) -> Format {
    match head {
        [0x1f] | [0x1f, 0x8b, ..] => Format::Gzip,
        [0x28, 0xb5]
        | [0x28, 0xb5, 0x2f]
        | [0x28, 0xb5, 0x2f, 0xfd, ..]
        | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Format::Zstd,
        _ => Format::Plain,
    }
}

/// The decoded bytes of a file.
///
/// Of a damaged file, every byte that can be decoded comes first, then an error with the compressed offset of
/// the damage, again on each further read.
pub struct Decoded {
    /// What the first bytes said; decides the variant of `source`.
    format: Format,
    /// Bytes taken from the file, those read ahead included.
    position: Arc<AtomicU64>,
    /// Gives the decoded bytes.
    source: Source,
}

enum Source {
    Plain(Replay),
    Compressed(Box<Parts>),
}

/// Looks at the first bytes of `inner` and decodes what they say.
///
/// # Errors
///
/// Fails when there is no memory for a decoder. An error of `inner` itself is kept for the first read that
/// reaches it.
pub fn decode(inner: Box<dyn Read + Send>) -> io::Result<Decoded> {
    let counted = CountingReader::new(inner);
    let position = counted.position_handle();
    let replay = Replay::peek(counted);
    let format = sniff(&replay.head[..replay.end]);
    let codec = match format {
        Format::Plain => return Ok(Decoded { format, position, source: Source::Plain(replay) }),
        Format::Gzip => Codec::Gzip(Decompress::new_gzip(15)),
        Format::Zstd => Codec::Zstd { decoder: raw::Decoder::new()?, hint: 1 },
    };
    let parts = Parts {
        input: BufReader::with_capacity(INPUT_BUFFER, replay),
        codec,
        format,
        offset: 0,
        part: None,
        any_complete: false,
        output_was_full: false,
        damage: None,
    };
    Ok(Decoded { format, position, source: Source::Compressed(Box::new(parts)) })
}

impl Decoded {
    /// What the first bytes said.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes taken from the file so far, compressed as they are, those read ahead included.
    #[must_use]
    pub fn compressed_position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// The same as [`Self::compressed_position`], for a progress bar in another thread.
    #[must_use]
    pub fn position_handle(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.position)
    }
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Plain(replay) => replay.read(out),
            Source::Compressed(parts) => parts.read(out),
        }
    }
}

/// Gives again what was looked at, then the rest.
struct Replay {
    /// The first bytes of the file; valid up to `end`.
    head: [u8; MAGIC],
    /// How much of `head` was given again; at most `end`.
    start: usize,
    /// How much of `head` was read.
    end: usize,
    /// The error that ended the look, due when all of `head` was given again.
    failed: Option<io::Error>,
    /// Stands behind `head`.
    rest: CountingReader<Box<dyn Read + Send>>,
}

impl Replay {
    fn peek(rest: CountingReader<Box<dyn Read + Send>>) -> Self {
        let mut this = Self { head: [0; MAGIC], start: 0, end: 0, failed: None, rest };
        while this.end < MAGIC {
            match this.rest.read(&mut this.head[this.end..]) {
                Ok(0) => break,
                Ok(read) => this.end = MAGIC.min(this.end + read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    this.failed = Some(error);
                    break;
                }
            }
        }
        this
    }
}

impl Read for Replay {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start < self.end {
            let read = (&self.head[self.start..self.end]).read(out)?;
            self.start += read;
            return Ok(read);
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.rest.read(out),
        }
    }
}

/// Why the decoded bytes end before the file is complete.
#[derive(Clone, Debug, thiserror::Error)]
enum Damage {
    #[error(
        "the {format} stream ends in the middle of a {} at compressed offset {offset}; likely still being \
         written or cut; the bytes before it were read",
        format.part()
    )]
    Cut { format: Format, offset: u64 },
    #[error(
        "the {format} stream is damaged at compressed offset {offset}: {reason}; the bytes before it were \
         read, and those of the same {} may be wrong; test the file with `{format} -t`",
        format.part()
    )]
    Corrupt { format: Format, offset: u64, reason: String },
    #[error(
        "trailing garbage at compressed offset {offset}, after the end of a {format} {}: neither another one \
         nor padding; the bytes before it were read",
        format.part()
    )]
    Garbage { format: Format, offset: u64 },
}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        let kind = match damage {
            Damage::Cut { .. } => ErrorKind::UnexpectedEof,
            Damage::Corrupt { .. } | Damage::Garbage { .. } => ErrorKind::InvalidData,
        };
        Self::new(kind, damage)
    }
}

/// Decodes gzip members or zstd frames one after the other.
struct Parts {
    /// The compressed bytes, from `offset` on.
    input: BufReader<Replay>,
    /// Decodes one part at a time.
    codec: Codec,
    /// Names the codec in errors.
    format: Format,
    /// Compressed bytes that were decoded, or skipped as padding.
    offset: u64,
    /// Where the part at hand begins; `None` between two of them.
    part: Option<u64>,
    /// Whether a part is complete, so that what follows it must be another one or padding.
    any_complete: bool,
    /// Whether the codec may hold decoded bytes back because there was no room for them.
    output_was_full: bool,
    /// Why there is nothing more to be had.
    damage: Option<Damage>,
}

impl Parts {
    /// Where the part at hand begins, the next one if none is; `None` at the end of the file.
    fn begin(&mut self) -> io::Result<Option<u64>> {
        while self.part.is_none() {
            let input = self.input.fill_buf()?;
            let Some(&first) = input.first() else { break };
            let padding = input.iter().take_while(|byte| **byte == 0).count();
            if !self.any_complete {
                self.part = Some(self.offset);
            } else if padding > 0 {
                self.input.consume(padding);
                self.offset += padding as u64;
            } else if self.codec.may_start_with(first) {
                self.codec.restart()?;
                self.part = Some(self.offset);
            } else {
                let damage = Damage::Garbage { format: self.format, offset: self.offset };
                return Err(self.damage.insert(damage).clone().into());
            }
        }
        Ok(self.part)
    }

    /// A part that fails in its magic is none, unless it is the first, which was sniffed.
    fn explain(&self, begin: u64, reason: String) -> Damage {
        let format = self.format;
        if self.any_complete && self.offset - begin < MAGIC as u64 {
            Damage::Garbage { format, offset: begin }
        } else {
            Damage::Corrupt { format, offset: self.offset, reason }
        }
    }
}

impl Read for Parts {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(damage) = &self.damage {
                return Err(damage.clone().into());
            }
            let Some(begin) = self.begin()? else { return Ok(0) };

            // What the codec holds back must come out before it, or the input, meets an error.
            let flush = self.output_was_full;
            let input = if flush { &[][..] } else { self.input.fill_buf()? };
            let Step { read, written, outcome } = self.codec.step(input, out);
            self.input.consume(read);
            self.offset += read as u64;
            self.output_was_full = written == out.len();
            match outcome {
                Outcome::More if !flush && read + written == 0 => {
                    self.damage = Some(Damage::Cut { format: self.format, offset: self.offset });
                }
                Outcome::More => {}
                Outcome::Ended => {
                    self.part = None;
                    self.any_complete = true;
                    self.output_was_full = false;
                }
                Outcome::Failed(reason) => self.damage = Some(self.explain(begin, reason)),
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

enum Codec {
    Gzip(Decompress),
    Zstd {
        decoder: raw::Decoder<'static>,
        /// How much input the decoder can take without going on to another block.
        hint: usize,
    },
}

/// What one call of a codec did.
struct Step {
    /// Bytes taken from the input.
    read: usize,
    /// Bytes put into the output, valid whatever the outcome.
    written: usize,
    /// Whether to go on.
    outcome: Outcome,
}

enum Outcome {
    More,
    Ended,
    Failed(String),
}

impl Codec {
    fn restart(&mut self) -> io::Result<()> {
        match self {
            // A gzip decoder stays one when it is reset with a header.
            Self::Gzip(inflate) => inflate.reset(true),
            Self::Zstd { decoder, hint } => {
                decoder.reinit()?;
                *hint = 1;
            }
        }
        Ok(())
    }

    fn may_start_with(&self, first: u8) -> bool {
        match self {
            Self::Gzip(_) => first == 0x1f,
            Self::Zstd { .. } => matches!(first, 0x28 | 0x50..=0x5f),
        }
    }

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        match self {
            Self::Gzip(inflate) => {
                let (read, written) = (inflate.total_in(), inflate.total_out());
                let outcome = match inflate.decompress(input, out, FlushDecompress::None) {
                    Ok(Status::StreamEnd) => Outcome::Ended,
                    Ok(Status::Ok | Status::BufError) => Outcome::More,
                    Err(error) => Outcome::Failed(error.message().unwrap_or("invalid data").to_owned()),
                };
                let read = (inflate.total_in() - read) as usize;
                Step { read, written: (inflate.total_out() - written) as usize, outcome }
            }
            Self::Zstd { decoder, hint } => {
                // Of a call that fails, zstd withholds all output: no call may do more than decode one block.
                let mut source = InBuffer::around(&input[..input.len().min(*hint)]);
                let mut target = OutBuffer::around(out);
                let outcome = match decoder.run(&mut source, &mut target) {
                    Ok(0) => Outcome::Ended,
                    Ok(next) => {
                        *hint = if next > BLOCK_HEADER { next - BLOCK_HEADER } else { next };
                        Outcome::More
                    }
                    Err(error) => Outcome::Failed(error.to_string()),
                };
                Step { read: source.pos(), written: target.pos(), outcome }
            }
        }
    }
}
