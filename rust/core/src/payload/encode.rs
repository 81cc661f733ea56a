//! What the formats have in common.

use super::formats::{Datadog, Elasticsearch, Lines, Otlp, Splunk};
use super::{Format, Settings};

/// An event to be written.
pub(super) struct Item<'a> {
    /// Its text, which may have lost bodies.
    pub(super) text: &'a [u8],
    /// The whole event.
    pub(super) event: &'a [u8],
    /// `stageTimestamp`, microseconds since the epoch.
    pub(super) stage: Option<i64>,
}

/// A format. A body is begun, gets items with what stands between them, and is finished.
pub(super) trait Encode {
    /// Writes what stands in front of the items while the body grows.
    fn begin(&self, body: &mut Vec<u8>) {
        let _ = body;
    }

    /// Bytes that [`Encode::begin`] writes.
    fn opening(&self) -> usize {
        0
    }

    /// Writes an item.
    fn item(&mut self, item: &Item<'_>, body: &mut Vec<u8>);

    /// What stands between two items.
    fn between(&self) -> &'static [u8] {
        b""
    }

    /// Bytes of the payload that a body of `body` bytes becomes.
    fn size(&self, body: usize) -> usize {
        body
    }

    /// Makes a body a payload.
    fn finish(&self, body: Vec<u8>) -> Vec<u8> {
        body
    }
}

/// The encoder of a format; `made`: milliseconds since the epoch.
pub(super) fn encoder(settings: &Settings, made: i64) -> Box<dyn Encode> {
    match settings.format {
        Format::Ndjson => Box::new(Lines),
        Format::Json => Box::new(super::formats::Array),
        Format::Datadog => Box::new(Datadog::new(settings, made)),
        Format::Otlp => Box::new(Otlp::new(settings, made)),
        Format::Elasticsearch => Box::new(Elasticsearch::new(made)),
        Format::Splunk => Box::new(Splunk::new(settings, made)),
    }
}
