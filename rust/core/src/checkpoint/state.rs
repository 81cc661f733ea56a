//! Offsets of streams, and how a slot spells them.
//!
//! A slot is one line, `auditwake-offsets <version> <generation> <sha256 of the rest>`, and one line of JSON. The
//! generation stands in the JSON too, so that the hash covers it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::host::Host;
use crate::tail::identity::{FileKey, Fingerprint};

const MAGIC: &str = "auditwake-offsets ";

/// What this program writes, and the only one it reads. To change the JSON is to raise it and to keep reading this one.
const VERSION: u32 = 1;

/// Above all generations, so that adding one cannot wrap.
pub(super) const GENERATIONS: u64 = 1 << 63;

/// All streams that a state directory keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// By the path of the live file.
    pub streams: BTreeMap<String, StreamMark>,
}

/// A place in a log and its rotated backups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamMark {
    /// In the order of the log.
    pub files: Vec<FileMark>,
    /// Whether files older than the first were read, and are not listed.
    pub older_done: bool,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMark {
    /// Its name at the time of the commit: a hint.
    pub name: String,
    /// Where it was then: a hint.
    #[serde(with = "key")]
    pub key: Option<FileKey>,
    /// Of its first decompressed bytes: what it is known by.
    #[serde(with = "fingerprint")]
    pub head: Fingerprint,
    /// Decompressed bytes that were committed.
    pub offset: u64,
    /// Of the bytes just before the offset.
    #[serde(with = "fingerprint")]
    pub marker: Fingerprint,
    /// Most decompressed bytes that it was known to have.
    pub size: u64,
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which save it was, counted from 1.
    pub generation: u64,
    /// Where it was written.
    pub host: Host,
    /// The offsets.
    pub state: State,
}

/// Why the bytes of a slot are of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// There are none.
    #[error("the file is empty: its bytes never reached the disk")]
    Empty,
    /// The file has its length and not its bytes.
    #[error("the file has NUL bytes where text was written: its bytes never reached the disk")]
    Nuls,
    /// The end is missing.
    #[error("the file breaks off: its last bytes never reached the disk")]
    Torn,
    /// Some bytes are not what was written.
    #[error("the file was changed after it was written: its checksum does not fit")]
    Checksum,
    /// Of a version that this program does not know.
    #[error("the file is of format {0}, and this auditwake reads format {VERSION}")]
    Newer(u32),
    /// Something else.
    #[error("the file is no saved state of auditwake")]
    NotOurs,
    /// The checksum fits, but it is not what this program writes.
    #[error("the file is whole and does not say what it should: {0}")]
    Content(String),
    /// The file system does not give the bytes.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
}

impl Bad {
    /// One word.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Nuls => "nuls",
            Self::Torn => "torn",
            Self::Checksum => "checksum",
            Self::Newer(_) => "newer_version",
            Self::NotOurs => "not_ours",
            Self::Content(_) => "content",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// What to do about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Empty | Self::Nuls | Self::Torn => "if this machine lost no power, check its disk",
            Self::Checksum => "check the disk, and whether something else writes to this directory",
            Self::Newer(_) => "to go on from it, stop this one and run the auditwake that wrote it",
            Self::NotOurs => "give auditwake a directory of its own",
            Self::Content(_) => "please report it, with the file",
            Self::Unreadable(_) => "check the disk, and that this process may read the file",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    generation: u64,
    host: Cow<'a, Host>,
    streams: Cow<'a, BTreeMap<String, StreamMark>>,
}

/// The bytes of a slot.
///
/// # Panics
///
/// Never: names and numbers can always be written as JSON.
#[must_use]
pub fn encode(state: &State, generation: u64, host: &Host) -> Vec<u8> {
    let body = Body { generation, host: Cow::Borrowed(host), streams: Cow::Borrowed(&state.streams) };
    let mut json = serde_json::to_vec(&body).expect("text, numbers, and maps by text");
    json.push(b'\n');
    let mut slot = header(generation, &json).into_bytes();
    slot.extend_from_slice(&json);
    slot
}

/// What the bytes of a slot say.
///
/// # Errors
///
/// When they are not exactly what [`encode`] gives.
pub fn decode(bytes: &[u8]) -> Result<Slot, Bad> {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return Err(Bad::Empty) };
    if *first == 0 || *last == 0 {
        return Err(Bad::Nuls);
    }
    let Some(line) = bytes.strip_prefix(MAGIC.as_bytes()) else {
        return Err(if MAGIC.as_bytes().starts_with(bytes) { Bad::Torn } else { Bad::NotOurs });
    };
    let Some(end) = memchr::memchr(b'\n', line) else { return Err(Bad::Torn) };
    let (line, json) = (&line[..end], &line[end + 1..]);
    let mut fields = line.split(|byte| *byte == b' ').map(|field| str::from_utf8(field).unwrap_or_default());
    match fields.next().and_then(|version| version.parse::<u32>().ok()) {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => return Err(Bad::Newer(newer)),
        _ => return Err(Bad::NotOurs),
    }
    // JSON in one line: whatever does not end with its newline lost its end.
    if json.last() != Some(&b'\n') {
        return Err(Bad::Torn);
    }
    let generation = fields.next().and_then(|field| field.parse().ok()).unwrap_or_default();
    if header(generation, json).as_bytes() != &bytes[..bytes.len() - json.len()] {
        return Err(Bad::Checksum);
    }
    let body: Body<'_> = serde_json::from_slice(json).map_err(|error| Bad::Content(error.to_string()))?;
    if body.generation != generation {
        return Err(Bad::Checksum);
    }
    if !(1..GENERATIONS).contains(&generation) {
        return Err(Bad::Content(format!("there is no generation {generation}")));
    }
    let state = State { streams: body.streams.into_owned() };
    Ok(Slot { generation, host: body.host.into_owned(), state })
}

fn header(generation: u64, json: &[u8]) -> String {
    format!("{MAGIC}{VERSION} {generation} {}\n", Hex(&Sha256::digest(json)))
}

/// Bytes as hex digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// `<bytes>:<32 hex digits>`.
mod fingerprint {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Fingerprint, Hex};

    pub(super) fn serialize<S: Serializer>(value: &Fingerprint, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{}:{}", value.len, Hex(&value.hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Fingerprint, D::Error> {
        let text = String::deserialize(from)?;
        parse(&text).ok_or_else(|| D::Error::custom(format_args!("{text:?} is no fingerprint")))
    }

    fn parse(text: &str) -> Option<Fingerprint> {
        let (len, digits) = text.split_once(':')?;
        // Of any other length it would be none; and a sign is no digit.
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let hash = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Fingerprint { len: len.parse().ok()?, hash })
    }
}

/// `[device, inode]`.
mod key {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::FileKey;

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(value: &Option<FileKey>, to: S) -> Result<S::Ok, S::Error> {
        value.map(|key| (key.device, key.inode)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<FileKey>, D::Error> {
        Ok(Option::<(u64, u64)>::deserialize(from)?.map(|(device, inode)| FileKey { device, inode }))
    }
}
