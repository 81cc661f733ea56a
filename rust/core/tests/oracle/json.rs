//! JSON by way of `serde_json`, with what Go does otherwise: keys keep their order and may repeat, and half of a
//! surrogate pair is U+FFFD.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One member of an object, by its place in the text.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// Position of the quote in front of the key.
    pub(crate) start: usize,
    pub(crate) value: Range<usize>,
}

/// The object that the text begins with, and the position behind it.
pub(crate) fn object(text: &str) -> Option<(Vec<Member>, usize)> {
    let readable = readable(text);
    let mut stream = serde_json::Deserializer::from_str(&readable).into_iter::<Ordered<'_>>();
    let Ordered(pairs) = stream.next()?.ok()?;
    let end = stream.byte_offset();
    let base = readable.as_ptr() as usize;
    let mut behind = readable.find('{')? + 1;
    let mut members = Vec::new();
    for (key, value) in pairs {
        let start = behind + readable[behind..].find('"')?;
        let from = value.get().as_ptr() as usize - base;
        behind = from + value.get().len();
        members.push(Member { key, start, value: from..behind });
    }
    Some((members, end))
}

/// The text of a JSON string; `None` for another value.
pub(crate) fn string(raw: &str) -> Option<String> {
    serde_json::from_str(&readable(raw)).ok()
}

/// The raw elements of an array; `None` for another value.
pub(crate) fn elements(raw: &str) -> Option<Vec<&str>> {
    let readable = readable(raw);
    let elements: Vec<&RawValue> = serde_json::from_str(&readable).ok()?;
    let base = readable.as_ptr() as usize;
    let span = |element: &&RawValue| {
        let from = element.get().as_ptr() as usize - base;
        &raw[from..from + element.get().len()]
    };
    Some(elements.iter().map(span).collect())
}

/// An object's pairs in their order, each as often as it stands.
struct Ordered<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Ordered<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Pairs).map(Ordered)
    }
}

/// The text with `\ufffd` for each half of a surrogate pair that stands alone, which is as long, so that positions stay.
fn readable(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let (mut at, mut in_string) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => match (unit(bytes, at), unit(bytes, at + 6)) {
                (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at += 11,
                (Some(0xd800..0xe000), _) => {
                    out[at + 2..at + 6].copy_from_slice(b"fffd");
                    at += 5;
                }
                _ => at += 1,
            },
            _ => {}
        }
        at += 1;
    }
    String::from_utf8(out).expect("only ASCII was replaced, by ASCII")
}

fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}
