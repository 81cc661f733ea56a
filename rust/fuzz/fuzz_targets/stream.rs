//! A log of any bytes, plain or compressed: every byte has an outcome, and what is a row can be written back.

#![no_main]

use std::io::{Cursor, Read};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use auditwake_core::batch::Limits;
use auditwake_core::input::open::decode;
use auditwake_core::lines::LineOptions;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::restore::Restorer;
use auditwake_core::stats::{Outcome, Outcomes};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// Every row comes back; as JSON, if nothing was repaired and its bodies are JSON.
fn restore(batch: &RecordBatch) {
    let restorer = Restorer::new(batch).expect("a whole batch");
    let bodies =
        ["request_object", "response_object", "repairs"].map(|name| batch.column_by_name(name).expect(name));
    for row in 0..restorer.len() {
        let mut line = Vec::new();
        restorer.write(row, &mut line);
        let [request, response, repairs] = bodies;
        let whole = |body: &arrow_array::ArrayRef| {
            body.is_null(row) || is_json(body.as_string::<i32>().value(row).as_bytes())
        };
        if repairs.is_null(row) && whole(request) && whole(response) {
            assert!(is_json(&line), "{}", line.escape_ascii());
        }
    }
}

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (rows, buffer, longest, bytes) = input;
    let options = Options {
        limits: Limits { rows: 1 + usize::from(rows % 7), bytes: 1 << 20 },
        lines: LineOptions {
            buffer: usize::from(buffer),
            max_line: if longest % 2 == 0 { 1 << 20 } else { 40 + 4 * usize::from(longest) },
            keep_tail: usize::from(longest),
        },
        ..Options::default()
    };
    let open = || decode(Box::new(Cursor::new(bytes.to_vec()))).expect("memory for a decoder");
    let mut decoded = Vec::new();
    let damaged = open().read_to_end(&mut decoded).is_err();

    let mut reader = Reader::new(options);
    reader.start(Box::new(open()), "", 0);
    let (mut outcomes, mut found, mut errors) = (Outcomes::default(), 0, 0);
    while let Some(step) = reader.next_step() {
        outcomes.merge(&step.account.outcomes);
        for rejected in &step.account.rejected {
            errors += usize::from(rejected.reason == "input_error");
            assert!(rejected.offset + rejected.length <= decoded.len() as u64, "{rejected:?}");
        }
        if let Some(batch) = step.batch {
            found += batch.num_rows() as u64;
            restore(&batch);
        }
    }
    let bytes = Outcome::ALL.map(|outcome| outcomes.total(outcome).bytes);
    assert!(bytes.iter().all(|bytes| *bytes <= decoded.len() as u64), "{outcomes:?}");
    assert_eq!(outcomes.bytes(), decoded.len() as u64, "{outcomes:?}");
    assert_eq!(outcomes.events, found, "{outcomes:?}");
    assert_eq!(errors, usize::from(damaged));
});
