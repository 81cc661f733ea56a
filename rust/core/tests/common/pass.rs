//! One pass of the reader over bytes in memory.

use std::io::Cursor;

use arrow_array::RecordBatch;
use auditwake_core::reader::{Options, Reader};
use auditwake_core::stats::{Outcomes, Rejected};

/// All that a pass gives.
#[derive(Default)]
pub(crate) struct Pass {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) outcomes: Outcomes,
    pub(crate) rejected: Vec<Rejected>,
}

/// Reads a plain log.
pub(crate) fn read(bytes: &[u8], options: Options) -> Pass {
    let mut reader = Reader::new(options);
    let mut pass = Pass::default();
    reader.start(Box::new(Cursor::new(bytes.to_vec())), "", 0);
    while let Some(step) = reader.next_step() {
        pass.outcomes.merge(&step.account.outcomes);
        pass.rejected.extend(step.account.rejected);
        pass.batches.extend(step.batch);
    }
    pass
}
