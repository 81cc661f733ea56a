//! Payloads of any events under any limits: each decodes, holds its limits, and has every event but the oversized ones.

mod decode;
mod given;
mod policy;
mod rules;

use std::ops::Range;

use auditwake_core::payload::compress::Compression;
use auditwake_core::payload::pack::Payload;
use auditwake_core::payload::prepared::Prepared;
use auditwake_core::payload::rules::Rules;
use auditwake_core::payload::{Encoder, Format};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::logs;
use decode::{Document, decode, unpack};
use given::{MADE, batch, event, settings};

const FORMATS: [Format; 6] =
    [Format::Ndjson, Format::Json, Format::Datadog, Format::Otlp, Format::Elasticsearch, Format::Splunk];

fn lossy(event: &[u8]) -> String {
    String::from_utf8_lossy(event).into_owned()
}

/// The value of an event that is a valid JSON object.
fn object(event: &[u8]) -> Option<Value> {
    serde_json::from_str(&lossy(event)).ok().filter(Value::is_object)
}

/// The event after it lost bodies.
fn without(event: &[u8], bodies: &[&str]) -> Option<Value> {
    let mut value = object(event)?;
    let members = value.as_object_mut()?;
    for body in bodies {
        members.remove(*body);
    }
    let annotations = members.entry("annotations").or_insert_with(|| json!({}));
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations["audit.k8s.io/truncated"] = json!("true");
    Some(value)
}

/// Whether a document is the event, or what shrinking leaves of it.
fn is_of(document: &Document, event: &[u8], shrunk: bool) -> bool {
    let value = match document {
        Document::Value(value) => value.clone(),
        Document::Text(text) if shrunk => serde_json::from_str(text).unwrap(),
        Document::Text(text) => return *text == lossy(event),
    };
    if shrunk {
        let ways: [&[&str]; 2] = [&["responseObject"], &["responseObject", "requestObject"]];
        return ways.iter().any(|bodies| without(event, bodies).as_ref() == Some(&value));
    }
    value == object(event).unwrap_or_else(|| Value::String(lossy(event)))
}

/// What holds for the payloads of a range.
fn check(prepared: &Prepared, format: Format, limits: (usize, usize), range: Range<usize>) -> Vec<Payload> {
    let payloads = prepared.payloads(range.clone(), None);
    assert_eq!(payloads, prepared.payloads(range.clone(), None), "the same call");
    let mut at = range.start;
    for payload in &payloads {
        assert_eq!(payload.start, at);
        assert!(payload.stop > at);
        at = payload.stop;
        let mut all = [payload.indexes.clone(), payload.oversized.clone()].concat();
        assert!(payload.indexes.is_sorted() && payload.oversized.is_sorted());
        all.sort_unstable();
        assert_eq!(all, (payload.start..payload.stop).collect::<Vec<_>>());
        assert!(payload.bytes <= limits.1 && payload.indexes.len() <= limits.0);
        assert_eq!(payload.bytes, payload.body.len());
        assert!(payload.shrunk.iter().all(|index| payload.indexes.contains(index)));
        let documents = if payload.indexes.is_empty() { Vec::new() } else { decode(format, &payload.body) };
        assert_eq!(documents.len(), payload.indexes.len());
        for (document, index) in documents.iter().zip(&payload.indexes) {
            let event = prepared.event(*index).unwrap();
            let shrunk = payload.shrunk.contains(index);
            assert!(is_of(document, event, shrunk), "{format:?} {shrunk} {document:?} of {}", lossy(event));
        }
    }
    assert_eq!(at, range.end, "all of the range");
    for pair in payloads.windows(2) {
        if let Some(first) = pair[1].indexes.first() {
            assert!(prepared.payloads(pair[0].start..first + 1, None).len() > 1, "as many as fit");
        }
    }
    payloads
}

fn events_of(payloads: &[Payload]) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
    let all = |of: fn(&Payload) -> &Vec<usize>| payloads.iter().flat_map(of).copied().collect();
    (all(|payload| &payload.indexes), all(|payload| &payload.shrunk), all(|payload| &payload.oversized))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: given::cases(), ..ProptestConfig::default() })]

    #[test]
    fn every_event_is_in_a_payload_or_oversized(
        events in prop::collection::vec(event(), 0..12),
        format in prop::sample::select(FORMATS.to_vec()),
        max_events in 1_usize..6,
        max_bytes in prop_oneof![20_usize..600, 600_usize..4000],
        max_event_bytes in prop::option::weighted(0.7, prop_oneof![10_usize..200, 200_usize..900]),
        cut in 0_usize..12,
    ) {
        let settings = auditwake_core::payload::Settings {
            max_events, max_bytes, max_event_bytes, ..settings(format, Compression::None)
        };
        let encoder = Encoder::new(settings, Rules::default(), None);
        let prepared = encoder.prepare([Ok(batch(&events))], MADE).unwrap();
        prop_assert_eq!(prepared.len(), events.len());
        let lines: Vec<u8> = events.iter().flat_map(|event| [event.as_slice(), b"\n"].concat()).collect();
        prop_assert_eq!(prepared.lines(), lines.as_slice());
        let limits = (max_events, max_bytes);
        let whole = check(&prepared, format, limits, 0..events.len());
        let cut = cut.min(events.len());
        let mut halves = check(&prepared, format, limits, 0..cut);
        halves.extend(check(&prepared, format, limits, cut..events.len()));
        prop_assert_eq!(events_of(&halves), events_of(&whole));
        for (index, event) in events.iter().enumerate() {
            let alone = check(&prepared, format, limits, index..index + 1);
            let frame = match format { Format::Json | Format::Datadog => 2, Format::Ndjson => 1, _ => 0 };
            if let (Some(most), true) = (max_event_bytes, format != Format::Otlp && alone[0].bytes > 0) {
                prop_assert!(alone[0].bytes - frame <= most);
            }
            let bodies = ["responseObject", "requestObject"];
            let lossless = object(event).is_none_or(|event| bodies.iter().all(|body| event.get(body).is_none()));
            prop_assert!(!lossless || alone[0].shrunk.is_empty(), "nothing to lose");
        }
    }
}

#[test]
fn an_event_loses_its_response_first() {
    let event = br#"{"a":1,"requestObject":{"b":"0123456789"},"responseObject":{"c":"0123456789"}}"#.to_vec();
    let note = r#""annotations":{"audit.k8s.io/truncated":"true"}"#;
    let shrunk = |most: usize| {
        let settings = auditwake_core::payload::Settings {
            max_event_bytes: Some(most),
            ..settings(Format::Ndjson, Compression::None)
        };
        let prepare = |settings| {
            let encoder = Encoder::new(settings, Rules::default(), None);
            encoder.prepare([Ok(batch(std::slice::from_ref(&event)))], MADE).unwrap()
        };
        let payloads = prepare(settings).payloads(0..1, None);
        // A receiver that turns out to take less is served alike.
        let later = prepare(self::settings(Format::Ndjson, Compression::None)).payloads(0..1, Some(most));
        assert_eq!(later, payloads);
        String::from_utf8(payloads[0].body.clone()).unwrap()
    };
    let first = format!(r#"{{"a":1,"requestObject":{{"b":"0123456789"}},{note}}}"#);
    let both = format!(r#"{{"a":1,{note}}}"#);
    assert_eq!(shrunk(event.len()), lossy(&event) + "\n");
    // The annotation is longer than the response: an event may only fit without both.
    let long = event.len() - 1;
    assert_eq!(shrunk(long), if first.len() <= long { first.clone() } else { both.clone() } + "\n");
    assert_eq!(shrunk(both.len()), both.clone() + "\n");
    assert_eq!(shrunk(both.len() - 1), "");
}

#[test]
fn compression_keeps_the_bytes_and_is_the_same_each_time() {
    let lines = logs::text_of("metadata/audit.log.gz");
    let events: Vec<Vec<u8>> = lines.split(|byte| *byte == b'\n').take(500).map(<[u8]>::to_vec).collect();
    for format in FORMATS {
        let bodies = |compression| {
            let encoder = Encoder::new(settings(format, compression), Rules::default(), None);
            encoder.prepare([Ok(batch(&events))], MADE).unwrap().payloads(0..500, None).remove(0)
        };
        let plain = bodies(Compression::None);
        for compression in [Compression::Gzip(6), Compression::Zstd(1), Compression::Zstd(3)] {
            let packed = bodies(compression);
            assert_eq!(packed, bodies(compression));
            assert_eq!(packed.bytes, plain.body.len());
            assert!(packed.body.len() < plain.body.len() / 4);
            assert!(unpack(compression, &packed.body) == plain.body);
        }
    }
}
