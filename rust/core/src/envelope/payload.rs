//! Text from inside strings: JSON escapes, base64, gzip.

use std::borrow::Cow;
use std::io::Read;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;

use super::verdict::Reject;
use crate::parse::gojson::decode_string;

const GZIP_MAGIC: &[u8] = b"\x1F\x8B";

/// Encoders disagree about padding, and it carries no information.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The value of a string, given what stands between its quotes.
///
/// Bytes that are no UTF-8 stay as they are: a client can put them into a body, and must not lose its event
/// by that.
pub(super) fn unescape(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let Ok(text) = std::str::from_utf8(raw) {
        return Some(match decode_string(text)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
    }
    let mut value = Vec::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        value.extend_from_slice(decode_string(chunk.valid())?.as_bytes());
        value.extend_from_slice(chunk.invalid());
    }
    Some(Cow::Owned(value))
}

/// What a payload turned out to hold.
pub(super) struct Payload {
    /// The text, up to the damage if there is any.
    pub(super) text: Vec<u8>,
    /// What is wrong with the rest.
    pub(super) damage: Option<Reject>,
}

/// Decodes base64 and, where that gives gzip, inflates at most `budget` bytes and takes them from it.
pub(super) fn decode(raw: &[u8], budget: &mut usize) -> Payload {
    let bad = |damage| Payload { text: Vec::new(), damage: Some(damage) };
    let Some(encoded) = unescape(raw) else { return bad(Reject::BadString) };
    let Ok(data) = BASE64.decode(encoded.as_ref()) else { return bad(Reject::BadBase64) };
    if !data.starts_with(GZIP_MAGIC) {
        return Payload { text: data, damage: None };
    }
    let mut text = Vec::new();
    let allowed = *budget;
    let outcome = MultiGzDecoder::new(data.as_slice()).take(allowed as u64 + 1).read_to_end(&mut text);
    let damage = if text.len() > allowed {
        text.truncate(allowed);
        Some(Reject::InflatedTooLong)
    } else {
        outcome.is_err().then_some(Reject::BadGzip)
    };
    *budget -= text.len();
    Payload { text, damage }
}
