//! Text to where it was asked for: a file that appears whole or not at all, or a stream; compressed as its name says.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

use super::atomic::{AtomicFile, unfinished};
use super::identity::{self, Identity};
use super::rejects::Rejects;

/// The name of standard output.
const STDOUT: &str = "-";

/// Where text goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output.
    Stdout,
    /// A pipe or a device.
    Device(PathBuf),
    /// A file.
    File(PathBuf),
}

impl Target {
    /// What a name means. A link to a file is followed, so that the file is replaced and not the link.
    pub(crate) fn new(name: &Path) -> Self {
        if name == Path::new(STDOUT) {
            return Self::Stdout;
        }
        match fs::metadata(name) {
            Ok(meta) if !meta.is_file() && !meta.is_dir() => Self::Device(name.to_owned()),
            Ok(_) if name.is_symlink() => {
                Self::File(fs::canonicalize(name).unwrap_or_else(|_| name.to_owned()))
            }
            _ => Self::File(name.to_owned()),
        }
    }

    /// The quarantine beside it; a stream has none.
    pub(crate) fn rejects(&self) -> Option<Rejects> {
        match self {
            Self::File(path) => Some(Rejects::beside(path)),
            Self::Stdout | Self::Device(_) => None,
        }
    }

    /// The files that writing to it would replace or write to.
    pub(crate) fn files(&self) -> Vec<Identity> {
        match self {
            Self::Stdout => identity::of_stream(&io::stdout()).into_iter().collect(),
            Self::Device(_) => Vec::new(),
            Self::File(path) => {
                let rejects = Rejects::beside(path);
                let names = [path, rejects.path()].map(|path| [path.to_owned(), unfinished(path)]);
                names.iter().flatten().filter_map(|path| identity::of_path(path)).collect()
            }
        }
    }
}

/// Text on its way.
pub(crate) struct TextWriter(Encoded);

enum Encoded {
    Plain(Sink),
    Gzip(GzEncoder<Sink>),
    Zstd(ZstdEncoder<'static, Sink>),
}

enum Sink {
    File(AtomicFile),
    Stream(Box<dyn Write>),
}

impl TextWriter {
    /// Opens the target; a name that ends in `.gz` or `.zst` says how it is compressed.
    pub(crate) fn create(target: &Target) -> io::Result<Self> {
        let (sink, name) = match target {
            Target::Stdout => (Sink::Stream(Box::new(io::stdout())), Path::new(STDOUT)),
            Target::Device(path) => {
                let device = File::options().write(true).open(path)?;
                (Sink::Stream(Box::new(device)), Path::new(STDOUT))
            }
            Target::File(path) if path.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Target::File(path) => (Sink::File(AtomicFile::create(path)?), path.as_path()),
        };
        Ok(Self(match name.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Encoded::Gzip(GzEncoder::new(sink, Compression::default())),
            Some("zst") => {
                let mut encoder = ZstdEncoder::new(sink, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                encoder.include_checksum(true)?;
                Encoded::Zstd(encoder)
            }
            _ => Encoded::Plain(sink),
        }))
    }

    /// Writes what is left; a file gets its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        let sink = match self.0 {
            Encoded::Plain(sink) => sink,
            Encoded::Gzip(encoder) => encoder.finish()?,
            Encoded::Zstd(encoder) => encoder.finish()?,
        };
        match sink {
            Sink::File(file) => file.finish(),
            Sink::Stream(mut stream) => stream.flush(),
        }
    }
}

impl Write for TextWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Encoded::Plain(sink) => sink.write(bytes),
            Encoded::Gzip(encoder) => encoder.write(bytes),
            Encoded::Zstd(encoder) => encoder.write(bytes),
        }
    }

    /// Does nothing: text becomes whole when it is finished, and a compressor that is flushed compresses less.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}
