//! What changes in a text: stretches left out or replaced, and everything between them byte for byte.

use std::ops::Range;

/// Changes to one text, in the order of the text and none inside another.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<(Range<usize>, &'static str)>);

impl Edits {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn cut(&mut self, span: Range<usize>) {
        self.0.push((span, ""));
    }

    pub(crate) fn replace(&mut self, span: Range<usize>, by: &'static str) {
        self.0.push((span, by));
    }

    /// Writes the changed text in place of whatever `out` holds.
    pub(crate) fn write(&self, text: &[u8], out: &mut Vec<u8>) {
        out.clear();
        let mut kept = 0;
        for (span, by) in &self.0 {
            out.extend_from_slice(&text[kept..span.start]);
            out.extend_from_slice(by.as_bytes());
            kept = span.end;
        }
        out.extend_from_slice(&text[kept..]);
    }
}

/// Leaves members of one object out, each with one comma: what is left is as valid as before. The members are told in
/// order, and [`Trim::close`] ends the object.
#[derive(Debug, Default)]
pub(crate) struct Trim {
    /// End of the last member, lost or kept.
    end: usize,
    /// Whether a member was kept: the ones lost behind it go with the comma in front of them.
    kept: bool,
    /// Where a run of lost members begins that the object begins with: they go with the comma behind them.
    lost: Option<usize>,
}

impl Trim {
    /// A member stays; changes inside it come behind this call.
    pub(crate) fn keep(&mut self, member: Range<usize>, edits: &mut Edits) {
        if let Some(from) = self.lost.take() {
            edits.cut(from..member.start);
        }
        self.kept = true;
        self.end = member.end;
    }

    /// A member goes.
    pub(crate) fn lose(&mut self, member: Range<usize>, edits: &mut Edits) {
        if self.kept {
            edits.cut(self.end..member.end);
        } else {
            self.lost.get_or_insert(member.start);
        }
        self.end = member.end;
    }

    /// The object is over.
    pub(crate) fn close(self, edits: &mut Edits) {
        if let Some(from) = self.lost {
            edits.cut(from..self.end);
        }
    }
}
