//! Every byte belongs to one record, whatever the input is. `read` checks it.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// One of every shape, with what can stand between them.
const SHAPES: &[&str] = &[
    "",
    "\n",
    "\0\0\0",
    "\u{feff}",
    "[",
    "]",
    ",",
    "{",
    "}",
    "[{\n",
    "]}\n",
    "}, {\n",
    "\"log\": \"x\",\n",
    "\"items\": [\n",
    EVENT,
    ITEM,
    "{\n  \"kind\": \"Event\",\n  \"apiVersion\": \"audit.k8s.io/v1\",\n  \"auditID\": \"x\"\n}",
    "{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"items\":[\n{\"level\":\"x\"},\n{\"level\":\"y\"}\n]}",
    "{\"events\": [\n  {\"message\": \"{\\\"kind\\\":\\\"Event\\\"}\"}\n]}",
    "{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"message\":\"{\\\"auditID\\\":1,\\\"stage\\\":2}\"}]}",
    "{\"awslogs\":{\"data\":\"H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==\"}}",
    "{\"records\":[{\"category\":\"kube-audit\",\"properties\":{\"log\":\"{\\\"kind\\\":1}\"}}]}",
    "{\"streams\":[{\"values\":[[\"1\",\"{}\"]]}]}",
    "{\"log\":\"{\\\"kind\\\":\\\"Ev\",\"stream\":\"stdout\",\"time\":\"x\"}",
    "{\"log\":\"ent\\\"}\\n\",\"stream\":\"stdout\",\"time\":\"x\"}",
    "{\"log\":\"x\\n\",\"stream\":\"stderr\",\"time\":\"x\"}",
    "2026-11-24T00:10:16.026Z stdout P {\"kind\":\"Event\",",
    "2026-11-24T00:10:16.026Z stdout F \"x\":1}",
    "2026-11-24T00:10:16.026Z stderr P x",
    "2026-11-24T00:10:16.026Z stderr F y",
    "2026-11-24T00:10:16.026Z {\"a\":1}",
    "2026-11-24T00:10:16.026Z AUDIT: id=\"x\"",
    "master-0 {\"kind\":\"Event\"}",
    "kube> {\"kind\":\"Event\"}",
    "I0714 12:00:00.000000       1 x.go:1] y",
    "{\"log\":\"{\\\"log\\\":\\\"{\\\\\\\"message\\\\\\\":{\\\\\\\"log\\\\\\\":\\\\\\\"{\\\\\\\"}}\\\"}\",\"x\":1}",
    "\"{\\\"kind\\\":\\\"Event\\\"}\"",
    "text",
];

fn mixture() -> impl Strategy<Value = Vec<u8>> {
    let shape = (
        select(SHAPES),
        any::<prop::sample::Index>(),
        0..6u8,
        select(&["\n", "\n", "\n", "\r\n", "", ","][..]),
    );
    let piece = shape.prop_map(|(shape, cut, whole, end)| {
        let bytes = shape.as_bytes();
        let kept = if whole > 0 { bytes.len() } else { cut.index(bytes.len() + 1) };
        [&bytes[..kept], end.as_bytes()].concat()
    });
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn a_shape_cut_at_every_byte() {
    for shape in SHAPES {
        for cut in 0..=shape.len() {
            read(&shape.as_bytes()[..cut]);
            let records = read(&[&shape.as_bytes()[..cut], b"\n", EVENT.as_bytes(), b"\n"].concat());
            assert!(texts(&records).contains(&EVENT), "{shape} cut at {cut} loses the event behind it");
        }
    }
}

proptest! {
    #[test]
    fn mixtures(input in mixture(), max_line in 1usize..300, limit in 1usize..300) {
        read(&input);
        let options = LineOptions { buffer: 1, max_line, keep_tail: 4 };
        for record in read_with(&input, options, limit) {
            prop_assert!(record.bytes.len() <= limit.max(max_line));
        }
    }

    #[test]
    fn noise(input in "[\\[\\]{}:,\"\\\\a1 \n\0]{0,64}") {
        read(input.as_bytes());
    }

    #[test]
    fn bytes(input in prop::collection::vec(any::<u8>(), 0..64)) {
        read(&input);
    }

    /// Whatever came before, an event of kube-apiserver on a line of its own is found.
    #[test]
    fn an_event_is_never_hidden(input in mixture()) {
        let input = [&input[..], b"\n", EVENT.as_bytes(), b"\n"].concat();
        let at = (input.len() - EVENT.len() - 1) as u64;
        let records = read(&input);
        let found = records.iter().find(|record| record.offset == at).map(|record| &record.events[..]);
        let found = found.is_some_and(|events| events.len() == 1 && events[0].text == EVENT);
        prop_assert!(found, "{:?}", String::from_utf8_lossy(&input));
    }
}
