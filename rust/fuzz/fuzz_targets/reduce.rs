//! An event of any bytes: its reduction to every level is the one of the slow twin, or refused.

#![no_main]

#[path = "../../core/tests/reduce/check.rs"]
mod check;
#[path = "../../core/tests/oracle/json.rs"]
mod json;
#[path = "../../core/tests/reduce/tree.rs"]
mod tree;
#[path = "../../core/tests/reduce/twin.rs"]
mod twin;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|event: &[u8]| {
    if let Err(difference) = check::agree(event) {
        panic!("{difference}");
    }
});
