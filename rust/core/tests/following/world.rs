//! A log on disk and the plain model of it: which line stands in which file, and which files are gone.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// What the writer, the rotator or their enemy does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Writes so many lines.
    Write(u8),
    /// Writes the first half of a line; the next write ends it, unless the file is another then.
    Half,
    /// Renames the log and begins a new one, as lumberjack does.
    Rotate,
    /// Begins to compress the oldest plain backup, in place.
    BeginGzip,
    /// Ends it, and removes the plain file.
    EndGzip,
    /// Deletes the oldest backup.
    DeleteOldest,
    /// Cuts the log to nothing.
    Truncate,
    /// Begins to copy the log to a backup.
    BeginCopy,
    /// Ends it, and cuts the log to nothing.
    EndCopy,
    /// Deletes the log and begins a new one, which often gets the same inode.
    Recreate,
}

/// A line as the model knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) len: u64,
    /// The content that it is part of.
    pub(crate) content: usize,
}

/// What stands in a file, or stood.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// All names that it had.
    pub(crate) names: Vec<PathBuf>,
    pub(crate) deleted: bool,
    /// The file; one that was cut holds another content.
    file: usize,
    /// Bytes of it that are no complete line.
    pub(crate) torn: u64,
}

pub(crate) struct World {
    dir: PathBuf,
    /// Whether the writer appends; else its place in the file stays when somebody cuts it.
    append: bool,
    writer: File,
    /// The content of the live file.
    live: usize,
    pub(crate) contents: Vec<Content>,
    /// Lines in the order in which they were written; `None` for one that was begun and never ended.
    pub(crate) lines: Vec<Option<Written>>,
    /// Bytes that were written of the next line.
    half: usize,
    /// Backups, oldest first: name and content.
    backups: Vec<(PathBuf, usize)>,
    gzip: Option<(PathBuf, Vec<u8>)>,
    copy: Option<(PathBuf, u64)>,
    clock: u64,
}

impl World {
    pub(crate) fn new(dir: &Path, append: bool) -> Self {
        let live = dir.join("audit.log");
        let writer = open(&live, append);
        Self {
            dir: dir.to_owned(),
            append,
            writer,
            live: 0,
            contents: vec![Content { names: vec![live], ..Content::default() }],
            lines: Vec::new(),
            half: 0,
            backups: Vec::new(),
            gzip: None,
            copy: None,
            clock: 0,
        }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("audit.log")
    }

    pub(crate) fn act(&mut self, act: &Act) {
        match act {
            Act::Write(lines) => (0..*lines).for_each(|_| self.write()),
            Act::Half => self.write_half(),
            Act::Rotate => self.rotate(),
            Act::BeginGzip => self.begin_gzip(),
            Act::EndGzip => self.end_gzip(),
            Act::DeleteOldest => self.delete_oldest(),
            Act::Truncate => self.truncate(),
            Act::BeginCopy => self.begin_copy(),
            Act::EndCopy => self.end_copy(),
            Act::Recreate => self.recreate(),
        }
    }

    fn write(&mut self) {
        let line = line(self.lines.len());
        self.writer.write_all(&line[self.half..]).unwrap();
        self.half = 0;
        self.lines.push(Some(Written { len: line.len() as u64, content: self.live }));
    }

    fn write_half(&mut self) {
        if self.half == 0 {
            let line = line(self.lines.len());
            self.half = line.len() / 2;
            self.writer.write_all(&line[..self.half]).unwrap();
        }
    }

    /// The line that was begun stays a torn one.
    fn abandon_half(&mut self) {
        if self.half > 0 {
            self.contents[self.live].torn += self.half as u64;
            self.lines.push(None);
            self.half = 0;
        }
    }

    fn backup_name(&mut self) -> PathBuf {
        self.clock += 1;
        let (minute, second) = (self.clock / 60, self.clock % 60);
        self.dir.join(format!("audit-2026-11-26T10-{minute:02}-{second:02}.000.log"))
    }

    fn begin_live(&mut self) {
        self.writer = open(&self.log(), self.append);
        self.live = self.contents.len();
        let (names, file) = (vec![self.log()], self.live);
        self.contents.push(Content { names, file, ..Content::default() });
    }

    fn rotate(&mut self) {
        self.end_copy();
        self.abandon_half();
        let name = self.backup_name();
        fs::rename(self.log(), &name).unwrap();
        let file = self.contents[self.live].file;
        for content in self.contents.iter_mut().filter(|content| content.file == file) {
            content.names.push(name.clone());
        }
        self.backups.push((name, self.live));
        self.begin_live();
    }

    fn begin_gzip(&mut self) {
        let plain = self.backups.iter().find(|(name, _)| name.extension().is_some_and(|end| end == "log"));
        if let (None, Some((name, _))) = (&self.gzip, plain) {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&fs::read(name).unwrap()).unwrap();
            let whole = gzip.finish().unwrap();
            fs::write(gz(name), &whole[..whole.len() / 2]).unwrap();
            self.gzip = Some((name.clone(), whole));
        }
    }

    fn end_gzip(&mut self) {
        let Some((name, whole)) = self.gzip.take() else { return };
        if let Some(backup) = self.backups.iter_mut().find(|(known, _)| *known == name) {
            fs::write(gz(&name), whole).unwrap();
            fs::remove_file(&name).unwrap();
            backup.0 = gz(&name);
            self.contents[backup.1].names.push(gz(&name));
        }
    }

    fn delete_oldest(&mut self) {
        self.end_gzip();
        if !self.backups.is_empty() {
            let (name, content) = self.backups.remove(0);
            fs::remove_file(name).unwrap();
            self.contents[content].deleted = true;
        }
    }

    /// A copy that comes to nothing is removed.
    fn end_no_copy(&mut self) {
        if let Some((name, _)) = self.copy.take() {
            fs::remove_file(name).unwrap();
        }
    }

    fn truncate(&mut self) {
        // A hole that is cut again and grows past what it was is the same hole, as far as anybody can tell.
        if fs::read(self.log()).unwrap().first() == Some(&0) {
            return;
        }
        self.end_no_copy();
        self.abandon_half();
        self.contents[self.live].deleted = true;
        self.cut();
    }

    /// The file is cut, and goes on as another content.
    fn cut(&mut self) {
        OpenOptions::new().write(true).open(self.log()).unwrap().set_len(0).unwrap();
        let (names, file) = (vec![self.log()], self.contents[self.live].file);
        self.live = self.contents.len();
        self.contents.push(Content { names, file, ..Content::default() });
    }

    fn begin_copy(&mut self) {
        let bytes = fs::read(self.log()).unwrap();
        // Half a copy of a hole cannot be told from another hole.
        if self.copy.is_none() && bytes.first() != Some(&0) {
            let name = self.backup_name();
            let half = bytes.len() / 2;
            fs::write(&name, &bytes[..half]).unwrap();
            self.copy = Some((name, half as u64));
        }
    }

    fn end_copy(&mut self) {
        let Some((name, _)) = self.copy.take() else { return };
        self.abandon_half();
        let mut bytes = Vec::new();
        File::open(self.log()).unwrap().read_to_end(&mut bytes).unwrap();
        fs::write(&name, bytes).unwrap();
        self.contents[self.live].names.push(name.clone());
        self.backups.push((name, self.live));
        self.cut();
    }

    fn recreate(&mut self) {
        self.end_no_copy();
        self.abandon_half();
        fs::remove_file(self.log()).unwrap();
        self.contents[self.live].deleted = true;
        self.begin_live();
    }
}

fn open(path: &Path, append: bool) -> File {
    OpenOptions::new().create(true).append(append).write(true).open(path).unwrap()
}

fn gz(name: &Path) -> PathBuf {
    name.with_extension("log.gz")
}

/// Lines are of different length, so that offsets of files differ.
pub(crate) fn line(number: usize) -> Vec<u8> {
    let pad = "x".repeat(number * 37 % 101);
    let line = format!(
        "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"{number}\",\
         \"stage\":\"ResponseComplete\",\"requestURI\":\"/{pad}\",\"verb\":\"get\",\"user\":{{}},\
         \"requestReceivedTimestamp\":\"2026-11-26T10:00:00.000000Z\",\
         \"stageTimestamp\":\"2026-11-26T10:00:00.000000Z\"}}\n"
    );
    line.into_bytes()
}
