//! A source that grows: read as far as it has come, asked again later, and ended by whoever knows that it is over.

use std::io;

use crate::event::Spans;
use crate::lines::LineReader;
use crate::parse::general;

use super::{Input, Pass, Reader, Step};

impl Reader {
    /// Begins a source that may have more behind its end; otherwise as [`Reader::start`].
    pub fn follow(&mut self, input: Input, name: &str, base: u64) {
        self.begin(LineReader::growing(input, self.options.lines), name, base);
    }

    /// Reads on: a batch that is full, or an account that is; `None` when the source has nothing more now. Rows that fill
    /// no batch stay.
    ///
    /// # Errors
    /// That of the source. Nothing is lost by it: the next call reads on.
    pub fn poll_step(&mut self) -> io::Result<Option<Step>> {
        let Self { builder, pass, .. } = self;
        let Some(pass) = pass else { return Ok(None) };
        while pass.ready.is_empty() && !pass.records.account_is_full() {
            if builder.is_full() {
                pass.close_batch(builder);
                break;
            }
            match pass.lines.next_line()? {
                Some(line) => pass.records.line(&line, builder, &mut pass.ready),
                None => return Ok(None),
            }
            pass.moved();
        }
        if pass.ready.is_empty() {
            pass.close_batch(builder);
        }
        Ok(pass.take_step(builder))
    }

    /// Whether rows or counts wait for their batch.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| !self.builder.is_empty() || pass.records.has_account())
    }

    /// The batch of the rows so far; `None` when nothing waits for one.
    pub fn close_step(&mut self) -> Option<Step> {
        let Self { builder, pass, .. } = self;
        let pass = pass.as_mut()?;
        pass.close_batch(builder);
        pass.take_step(builder)
    }

    /// The source is over: what waited for a newline, or for more lines, is what it is. [`Reader::next_step`] has the
    /// rest.
    pub fn finish(&mut self) {
        if let Some(pass) = &mut self.pass {
            pass.lines.finish();
        }
    }

    /// The source is over and broke off with this error, behind everything that was read of it.
    pub fn fail(&mut self, error: &io::Error) {
        let Self { builder, pass, .. } = self;
        if let Some(pass) = pass {
            pass.lines.finish();
            while !pass.done {
                pass.read_line(builder);
            }
            pass.records.input_error(pass.lines.offset(), error);
        }
    }

    /// Where the source is accounted for up to, and how many bytes behind it were read and wait for more.
    #[must_use]
    pub fn position(&self) -> (u64, u64) {
        self.pass.as_ref().map_or((0, 0), |pass| (pass.closed, pass.waiting()))
    }

    /// Whether the bytes without a newline at the end are a whole event.
    #[must_use]
    pub fn waits_with_event(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| is_event(pass.lines.rest()))
    }
}

impl Pass {
    fn waiting(&self) -> u64 {
        self.base + self.lines.offset() + self.lines.waiting() - self.closed
    }
}

fn is_event(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else { return false };
    let parsed = general::parse(text, &mut Spans::default());
    parsed.is_ok_and(|end| text[end..].trim_ascii().is_empty())
}
