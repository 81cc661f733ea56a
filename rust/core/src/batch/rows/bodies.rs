//! What comes from bodies. A log of metadata has none, so a row without any is counted and no column is touched.

use arrow_array::ArrayRef;
use arrow_array::builder::{Int32Builder, StringBuilder};

use crate::schema::Selection;

use super::column::Column;
use super::response;

/// Growing columns of bodies.
pub(super) struct Bodies {
    /// Rows without a body behind the last one with some.
    without: usize,
    /// Bytes of all bodies.
    bytes: usize,
    requests: Option<Column<StringBuilder>>,
    responses: Option<Column<StringBuilder>>,
    request_bytes: Option<Column<Int32Builder>>,
    response_bytes: Option<Column<Int32Builder>>,
    metadata: Option<response::Columns>,
}

impl Bodies {
    /// All that comes from bodies.
    pub(super) const COLUMNS: [&str; 7] = [
        "request_object",
        "response_object",
        "req_bytes",
        "resp_bytes",
        "response_name",
        "response_uid",
        "response_rv",
    ];

    pub(super) fn new(selection: &Selection) -> Self {
        let has = |name| selection.has(name);
        let metadata = has("response_name") || has("response_uid") || has("response_rv");
        Self {
            without: 0,
            bytes: 0,
            requests: has("request_object").then(Column::default),
            responses: has("response_object").then(Column::default),
            request_bytes: has("req_bytes").then(Column::default),
            response_bytes: has("resp_bytes").then(Column::default),
            metadata: metadata.then(response::Columns::default),
        }
    }

    /// Adds a row.
    #[inline]
    pub(super) fn push(&mut self, request: Option<&str>, response: Option<&str>) {
        if request.is_none() && response.is_none() {
            self.without += 1;
        } else {
            self.push_some(request, response);
        }
    }

    /// Bytes of the bodies so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn push_some(&mut self, request: Option<&str>, response: Option<&str>) {
        self.push_without();
        self.bytes += request.map_or(0, str::len) + response.map_or(0, str::len);
        let size = |body: Option<&str>| body.map(|body| body.len() as i32);
        self.requests.iter_mut().for_each(|column| column.push(request));
        self.responses.iter_mut().for_each(|column| column.push(response));
        self.request_bytes.iter_mut().for_each(|column| column.push(size(request)));
        self.response_bytes.iter_mut().for_each(|column| column.push(size(response)));
        self.metadata.iter_mut().for_each(|columns| columns.push(response));
    }

    /// Adds the rows that were counted.
    fn push_without(&mut self) {
        let rows = std::mem::take(&mut self.without);
        self.requests.iter_mut().for_each(|column| column.push_nulls(rows));
        self.responses.iter_mut().for_each(|column| column.push_nulls(rows));
        self.request_bytes.iter_mut().for_each(|column| column.push_nulls(rows));
        self.response_bytes.iter_mut().for_each(|column| column.push_nulls(rows));
        self.metadata.iter_mut().for_each(|columns| columns.push_nulls(rows));
    }

    /// The columns that have a value; the rows are gone then.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = (&'static str, Option<ArrayRef>)> {
        self.push_without();
        self.bytes = 0;
        let bodies = [
            ("request_object", self.requests.as_mut().and_then(Column::finish)),
            ("response_object", self.responses.as_mut().and_then(Column::finish)),
            ("req_bytes", self.request_bytes.as_mut().and_then(Column::finish)),
            ("resp_bytes", self.response_bytes.as_mut().and_then(Column::finish)),
        ];
        bodies.into_iter().chain(self.metadata.as_mut().map(response::Columns::finish).into_iter().flatten())
    }
}
