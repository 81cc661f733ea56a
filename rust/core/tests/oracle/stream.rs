//! What holds for a log of any bytes, plain or compressed: every byte has an outcome, and what is a row can be written
//! back.

use std::io::{Cursor, Read};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use auditwake_core::batch::Limits;
use auditwake_core::input::open::decode;
use auditwake_core::lines::LineOptions;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::restore::Restorer;
use auditwake_core::stats::{Outcome, Outcomes};
use serde::de::IgnoredAny;

/// Reads a log and says what does not hold. Its first three bytes choose the sizes of batch, buffer and longest line.
pub(crate) fn check(input: &[u8]) -> Result<(), String> {
    let [rows, buffer, longest, bytes @ ..] = input else { return Ok(()) };
    let (rows, buffer, longest) = (usize::from(*rows), usize::from(*buffer), usize::from(*longest));
    let options = Options {
        limits: Limits { rows: 1 + rows % 7, bytes: 1 << 20, ..Limits::default() },
        lines: LineOptions {
            buffer,
            max_line: if longest.is_multiple_of(2) { 1 << 20 } else { 40 + 4 * longest },
            keep_tail: longest,
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
            holds(rejected.offset + rejected.length <= decoded.len() as u64, || format!("{rejected:?}"))?;
        }
        if let Some(batch) = step.batch {
            found += batch.num_rows() as u64;
            restore(&batch)?;
        }
    }
    let bytes = Outcome::ALL.map(|outcome| outcomes.total(outcome).bytes);
    let whole = decoded.len() as u64;
    let all = bytes.iter().all(|bytes| *bytes <= whole) && outcomes.bytes() == whole;
    holds(all && outcomes.events == found, || format!("{whole} bytes and {found} rows became {outcomes:?}"))?;
    holds(errors == usize::from(damaged), || format!("{errors} errors of an input that broke off: {damaged}"))
}

fn holds(fact: bool, else_say: impl FnOnce() -> String) -> Result<(), String> {
    if fact { Ok(()) } else { Err(else_say()) }
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// Every row comes back; as JSON, if nothing was repaired and its bodies are JSON.
fn restore(batch: &RecordBatch) -> Result<(), String> {
    let restorer = Restorer::new(batch).expect("a whole batch");
    let bodies =
        ["request_object", "response_object", "repairs"].map(|name| batch.column_by_name(name).expect(name));
    for row in 0..restorer.len() {
        let mut line = Vec::new();
        restorer.write(row, &mut line);
        let [request, response, repairs] = bodies;
        let whole =
            |body: &ArrayRef| body.is_null(row) || is_json(body.as_string::<i32>().value(row).as_bytes());
        if repairs.is_null(row) && whole(request) && whole(response) {
            holds(is_json(&line), || format!("no JSON: {}", line.escape_ascii()))?;
        }
    }
    Ok(())
}
