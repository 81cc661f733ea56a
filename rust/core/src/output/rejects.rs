//! The quarantine beside the output: one JSON object a line for each rejected line.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::parse::gojson::encode_string;
use crate::stats::Rejected;

use super::atomic::AtomicFile;

/// A file that is made when the first line is rejected.
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<AtomicFile>,
}

impl Rejects {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// The quarantine of an output file: its name and `.rejected.ndjson`.
    pub(crate) fn beside(out: &Path) -> Self {
        let mut path = out.as_os_str().to_owned();
        path.push(".rejected.ndjson");
        Self::new(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds lines: `{"file","offset","length","reason","detail","bytes"}`, the bytes in base64 since they may be no text.
    pub(crate) fn add(&mut self, rejected: &[Rejected]) -> io::Result<()> {
        for one in rejected {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(AtomicFile::create(&self.path)?),
            };
            file.write_all(&line(one))?;
        }
        Ok(())
    }

    /// Gives the file its name; answers its path when there is one.
    pub(crate) fn finish(self) -> io::Result<Option<PathBuf>> {
        match self.file {
            Some(file) => file.finish().map(|()| Some(self.path)),
            None => Ok(None),
        }
    }

    /// Gives the file its name, or removes one of an earlier run, which does not belong to this output.
    pub(crate) fn replace(self) -> io::Result<Option<PathBuf>> {
        if self.file.is_none() {
            // Mostly there is none.
            let _ = fs::remove_file(&self.path);
        }
        self.finish()
    }
}

fn line(rejected: &Rejected) -> Vec<u8> {
    let mut line = Vec::with_capacity(256 + rejected.bytes.len() * 4 / 3);
    line.extend_from_slice(b"{\"file\":");
    encode_string(&mut line, &rejected.file);
    line.extend_from_slice(
        format!(",\"offset\":{},\"length\":{}", rejected.offset, rejected.length).as_bytes(),
    );
    for (key, value) in [("reason", rejected.reason), ("detail", &rejected.detail)] {
        line.extend_from_slice(format!(",\"{key}\":").as_bytes());
        encode_string(&mut line, value);
    }
    line.extend_from_slice(b",\"bytes\":");
    encode_string(&mut line, &STANDARD.encode(&rejected.bytes));
    line.extend_from_slice(b"}\n");
    line
}
