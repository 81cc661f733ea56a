//! A log of any bytes; the first three choose the sizes of batch, buffer and longest line.

#![no_main]

#[path = "../../core/tests/oracle/stream.rs"]
mod stream;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Err(difference) = stream::check(input) {
        panic!("{difference}");
    }
});
