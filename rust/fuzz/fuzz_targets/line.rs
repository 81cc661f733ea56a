//! One line of any bytes: the crate and its oracle twin agree on every column and the outcome.

#![no_main]

#[path = "../../core/tests/common/cells.rs"]
mod cells;
#[path = "../../core/tests/oracle/check.rs"]
mod check;
#[path = "../../core/tests/oracle/mod.rs"]
mod oracle;
#[path = "../../core/tests/common/pass.rs"]
mod pass;

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|line: &[u8]| -> Corpus {
    if line.contains(&b'\n') {
        return Corpus::Reject;
    }
    if let Err(difference) = check::damaged(line) {
        panic!("{difference}");
    }
    Corpus::Keep
});
