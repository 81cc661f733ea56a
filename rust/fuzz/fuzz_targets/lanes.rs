//! Some lines of any bytes: both lanes and the twin read the same of each, whatever stands in front of it.

#![no_main]

#[path = "../../core/tests/common/cells.rs"]
mod cells;
#[path = "../../core/tests/oracle/check.rs"]
mod check;
#[path = "../../core/tests/lanes/check.rs"]
mod compare;
#[path = "../../core/tests/oracle/mod.rs"]
mod oracle;
#[path = "../../core/tests/common/pass.rs"]
mod pass;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|log: &[u8]| {
    if let Err(difference) = compare::log(log) {
        panic!("{difference}");
    }
});
