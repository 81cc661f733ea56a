//! As many events into each payload as its limits take.

use std::ops::Range;

use super::compress::Compressor;
use super::encode::{Encode, Item, encoder};
use super::prepared::Prepared;
use super::shrink::{Shrinker, Without};

/// A payload, ready to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// Encoded and compressed; empty where there is no event in it.
    pub body: Vec<u8>,
    /// Bytes before compression.
    pub bytes: usize,
    /// The first event that it was made of.
    pub start: usize,
    /// The event behind the last.
    pub stop: usize,
    /// The events in it, in order.
    pub indexes: Vec<usize>,
    /// Events in it that lost bodies to fit.
    pub shrunk: Vec<usize>,
    /// Events that do not fit even so, and are in no payload.
    pub oversized: Vec<usize>,
}

pub(super) fn pack(prepared: &Prepared, range: Range<usize>, most: Option<usize>) -> Vec<Payload> {
    let limits = [prepared.settings.max_event_bytes, most];
    let mut packer = Packer {
        prepared,
        most: limits.into_iter().flatten().min(),
        encoder: encoder(&prepared.settings, prepared.made),
        compressor: Compressor::new(prepared.settings.compression),
        shrinker: Shrinker::default(),
        open: Payload { start: range.start, ..Payload::default() },
        done: Vec::new(),
    };
    packer.encoder.begin(&mut packer.open.body);
    for index in range.clone() {
        packer.add(index);
    }
    if packer.open.start < range.end {
        packer.close(range.end, &[]);
    }
    packer.done
}

struct Packer<'a> {
    prepared: &'a Prepared,
    /// Most bytes of an event.
    most: Option<usize>,
    encoder: Box<dyn Encode>,
    compressor: Compressor,
    shrinker: Shrinker,
    /// The payload that is being filled: its body is not finished.
    open: Payload,
    done: Vec<Payload>,
}

impl Packer<'_> {
    fn add(&mut self, index: usize) {
        let mark = self.open.body.len();
        if !self.open.indexes.is_empty() {
            self.open.body.extend_from_slice(self.encoder.between());
        }
        let start = self.open.body.len();
        let Some(whole) = self.write(index, start) else {
            self.open.body.truncate(mark);
            self.open.oversized.push(index);
            return;
        };
        let settings = &self.prepared.settings;
        let is_full = self.open.indexes.len() == settings.max_events
            || self.encoder.size(self.open.body.len()) > settings.max_bytes;
        if is_full && !self.open.indexes.is_empty() {
            let item = self.open.body.split_off(start);
            self.open.body.truncate(mark);
            self.close(index, &item);
        }
        self.open.indexes.push(index);
        if !whole {
            self.open.shrunk.push(index);
        }
    }

    /// Writes an event behind the open body; answers whether it is whole, and nothing for one that does not fit.
    fn write(&mut self, index: usize, start: usize) -> Option<bool> {
        let event = self.prepared.event(index).expect("an event of the range");
        let stage = self.prepared.events[index].stage();
        let body = &mut self.open.body;
        self.encoder.item(&Item { text: event, event, stage }, body);
        if self.fits(start) {
            return Some(true);
        }
        for without in [Without::Response, Without::Both] {
            let Some(text) = self.shrinker.shrink(event, without) else { continue };
            self.open.body.truncate(start);
            self.encoder.item(&Item { text, event, stage }, &mut self.open.body);
            if self.fits(start) {
                return Some(false);
            }
        }
        None
    }

    /// Whether the item behind `start` fits into a payload of its own.
    fn fits(&self, start: usize) -> bool {
        let item = self.open.body.len() - start;
        let settings = &self.prepared.settings;
        self.most.is_none_or(|most| item <= most)
            && self.encoder.size(self.encoder.opening() + item) <= settings.max_bytes
    }

    /// Finishes the open payload; the next one begins with `item`.
    fn close(&mut self, stop: usize, item: &[u8]) {
        let mut next = Payload { start: stop, ..Payload::default() };
        self.encoder.begin(&mut next.body);
        next.body.extend_from_slice(item);
        let mut payload = std::mem::replace(&mut self.open, next);
        payload.stop = stop;
        if payload.indexes.is_empty() {
            payload.body = Vec::new();
        } else {
            let body = self.encoder.finish(payload.body);
            payload.bytes = body.len();
            payload.body = self.compressor.compress(body);
        }
        self.done.push(payload);
    }
}
