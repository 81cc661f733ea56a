//! The batches of a task, parsed where they are encoded, or beside it where a file is the work of more than one thread.

use std::time::Duration;

use crate::reader::ordered::{Emit, Next, Ordered, Panicked};
use crate::reader::source::{OpenError, Task};
use crate::reader::{Reader, Step};

use super::{Meter, Settings};

/// See the module.
pub(super) enum Steps {
    /// By the reader that is given to each call.
    Here,
    Beside(Ordered<Step>),
}

impl Steps {
    /// Opens a task. Where threads are to spare, a long file that no other worker has a part of is decoded on one and
    /// parsed on another.
    pub(super) fn begin(
        task: Task,
        reader: &mut Reader,
        settings: &Settings,
        meter: &Meter,
        spare: bool,
    ) -> Result<Self, OpenError> {
        let name = task.name.clone();
        let beside = spare && task.is_long_file();
        let (input, base) = task.open(&meter.read, beside)?;
        if !beside {
            reader.start(input, &name, base);
            return Ok(Self::Here);
        }
        let options = settings.reader.clone();
        let make = move || Reader::new(options.clone());
        let read = |reader: &mut Reader, (input, name, base): (_, String, u64), emit: Emit<'_, Step>| {
            reader.start(input, &name, base);
            while let Some(step) = reader.next_step() {
                if !emit(step) {
                    return;
                }
            }
        };
        Ok(Self::Beside(Ordered::start_with(1, vec![(input, name, base)], 1, make, read)))
    }

    /// The next batch with its account; none behind the last, or when nobody wants more.
    pub(super) fn next(&mut self, reader: &mut Reader, meter: &Meter) -> Result<Option<Step>, Panicked> {
        let Self::Beside(steps) = self else { return Ok(reader.next_step()) };
        while !meter.is_stopped() {
            match steps.next(Duration::from_millis(50))? {
                Next::Item(step) => return Ok(Some(step)),
                Next::Pending => {}
                Next::End => break,
            }
        }
        Ok(None)
    }
}
