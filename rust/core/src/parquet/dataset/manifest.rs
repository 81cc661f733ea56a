//! Says that an input is complete in the output: `_auditwake/<identity>.json`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::parse::gojson::{decode_string, encode_string};
use crate::scan::{Elements, Members};
use crate::schema::SCHEMA_VERSION;

use super::super::Settings;
use crate::output::atomic::AtomicFile;

/// Folder of the manifests; engines pass over names that begin with an underscore.
pub(super) const FOLDER: &str = "_auditwake";

/// What has to be the same for an input to be unchanged: one line of text.
pub(super) struct Manifest {
    state: String,
}

impl Manifest {
    /// The state of an input under these settings.
    pub(super) fn new(name: &str, size: u64, modified: u128, settings: &Settings) -> Self {
        let columns: Vec<_> = settings.reader.selection.columns().map(|column| column.name).collect();
        let mut state = format!(
            "{name}|{size}|{modified}|schema {SCHEMA_VERSION}|{}|{}|{:?}|{}|{:?}|{:?}|{}",
            columns.join(","),
            settings.partition_by.join(","),
            settings.compression,
            settings.row_group_rows,
            settings.reader.cluster,
            settings.reader.apiserver,
            settings.reader.keep_raw,
        );
        if !settings.reader.filter.is_empty() {
            let _ = write!(state, "|{:?}", settings.reader.filter);
        }
        Self { state }
    }

    /// Whether the output holds the input in this state: the manifest says so, and every file of it stands.
    pub(super) fn is_complete(&self, out: &Path, identity: &str) -> bool {
        let Ok(text) = fs::read_to_string(path(out, identity)) else { return false };
        let Some((state, files)) = read(&text) else { return false };
        state == self.state && files.iter().all(|file| out.join(file).is_file())
    }

    /// Writes the manifest.
    pub(super) fn write(
        &self,
        out: &Path,
        identity: &str,
        name: &str,
        files: &BTreeMap<&Path, u64>,
    ) -> io::Result<()> {
        let mut json = b"{\"input\":".to_vec();
        encode_string(&mut json, name);
        json.extend_from_slice(b",\"state\":");
        encode_string(&mut json, &self.state);
        let rows: u64 = files.values().sum();
        json.extend_from_slice(format!(",\"rows\":{rows},\"files\":[").as_bytes());
        for (i, file) in files.keys().enumerate() {
            if i > 0 {
                json.push(b',');
            }
            let relative = file.strip_prefix(out).unwrap_or(file);
            encode_string(&mut json, &relative.to_string_lossy());
        }
        json.extend_from_slice(b"]}\n");
        let mut file = AtomicFile::create(&path(out, identity))?;
        file.write_all(&json)?;
        file.finish()
    }
}

fn path(out: &Path, identity: &str) -> std::path::PathBuf {
    out.join(FOLDER).join(format!("{identity}.json"))
}

/// State and files of a manifest; `None` when it is not one that we wrote.
fn read(text: &str) -> Option<(String, Vec<String>)> {
    let (mut state, mut files) = (None, None);
    let mut members = Members::new(text.as_bytes(), 0)?;
    while let Some(member) = members.next_member().ok()? {
        let value = &text[member.start..member.end];
        match member.key {
            b"state" => state = string(value),
            b"files" => files = strings(value),
            _ => {}
        }
    }
    Some((state?, files?))
}

fn string(raw: &str) -> Option<String> {
    decode_string(raw.strip_prefix('"')?.strip_suffix('"')?).map(std::borrow::Cow::into_owned)
}

fn strings(raw: &str) -> Option<Vec<String>> {
    let mut elements = Elements::new(raw.as_bytes(), 0)?;
    let mut strings = Vec::new();
    while let Some((start, end)) = elements.next_element().ok()? {
        strings.push(string(&raw[start..end])?);
    }
    Some(strings)
}
