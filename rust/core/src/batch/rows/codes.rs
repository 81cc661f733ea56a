//! Which rows of the tables make the rows of a batch.

use super::Codes;

/// Tables.
const TABLES: usize = 15;

/// Rows that are turned into columns at once: few enough to stay in the fastest cache.
const BLOCK: usize = 64;

/// The table rows of all rows of a batch, in the order of the tables: a row is written at once, and a column is read once.
#[derive(Default)]
pub(in super::super) struct CodeRows {
    /// Rows behind those in `columns`, fewer than [`BLOCK`].
    block: Vec<[u32; TABLES]>,
    columns: [Vec<u32>; TABLES],
    /// Tables that some column of the batch needs.
    needed: [bool; TABLES],
}

impl CodeRows {
    /// Says which tables are needed; the columns of the others stay empty.
    pub(in super::super) fn need(&mut self, needed: [bool; TABLES]) {
        self.needed = needed;
    }

    #[inline]
    pub(super) fn push(&mut self, codes: &Codes) {
        self.block.push([
            codes.level,
            codes.stage,
            codes.verb,
            codes.caller.user,
            codes.caller.impersonated,
            codes.caller.constraint,
            codes.caller.effective,
            codes.caller.source_ips,
            codes.caller.user_agent,
            codes.uri,
            codes.object_ref,
            codes.status,
            codes.annotations,
            codes.outcome,
            codes.origin,
        ]);
        if self.block.len() == BLOCK {
            self.turn();
        }
    }

    fn turn(&mut self) {
        let columns = self.columns.iter_mut().enumerate();
        for (table, column) in columns.filter(|(table, _)| self.needed[*table]) {
            column.extend(self.block.iter().map(|row| row[table]));
        }
        self.block.clear();
    }

    /// The rows of each table that is needed.
    pub(in super::super) fn columns(&mut self) -> &[Vec<u32>; TABLES] {
        self.turn();
        &self.columns
    }

    pub(in super::super) fn clear(&mut self) {
        self.columns.iter_mut().for_each(Vec::clear);
    }
}
