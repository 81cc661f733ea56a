//! The columns of a record batch that policies look at, whoever made it: our reader, Parquet, or another engine.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StringArray};
use arrow_buffer::NullBuffer;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field};
use memchr::memchr;

use super::request::{Request, Target, User, is_filled_from_body, path_of, place};

/// Columns without which there is no answer, in the order in which they are looked for.
pub const NEEDED: [&str; 10] = [
    "stage",
    "uri",
    "verb",
    "user",
    "user_groups",
    "api_group",
    "resource",
    "subresource",
    "namespace",
    "name",
];

/// Columns that make the answer exact in rare events: a user without a name, a request for a resource without a group.
pub const HELPFUL: [&str; 3] = ["user_uid", "user_extra", "api_version"];

/// Why a batch cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum ColumnsError {
    /// A column is missing.
    #[error("column '{0}' is missing: a policy looks at {needed}", needed = NEEDED.join(", "))]
    Missing(&'static str),
    /// A column is of another type.
    #[error("column '{name}' has the type {found}, where {wanted} was expected")]
    Type {
        /// The column.
        name: &'static str,
        /// Its type.
        found: DataType,
        /// What it should be.
        wanted: &'static str,
    },
    /// Strings could not be cast, such as more than 2 GiB of them in one batch.
    #[error("column '{name}' cannot be read: {error}")]
    Cast {
        /// The column.
        name: &'static str,
        /// Why not.
        #[source]
        error: ArrowError,
    },
}

/// A column of strings with few distinct values.
#[derive(Debug, Clone)]
pub(super) struct Coded {
    /// By row: 0 for a null, else one more than the place of the value.
    places: Vec<u32>,
    values: StringArray,
}

impl Coded {
    fn new(batch: &RecordBatch, name: &'static str) -> Result<Self, ColumnsError> {
        let wanted = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Ok(Self::from_array(&column(batch, name, &wanted)?))
    }

    /// A column that may be missing.
    pub(super) fn optional(batch: &RecordBatch, name: &'static str) -> Result<Option<Self>, ColumnsError> {
        batch.column_by_name(name).is_some().then(|| Self::new(batch, name)).transpose()
    }

    fn from_array(array: &ArrayRef) -> Self {
        let array = array.as_dictionary::<Int32Type>();
        let (codes, values) = (array.keys(), array.values().as_string::<i32>());
        let mut places: Vec<u32> = codes.values().iter().map(|code| (*code as u32).wrapping_add(1)).collect();
        if let Some(nulls) = codes.nulls() {
            clear(&mut places, nulls);
        }
        if values.null_count() > 0 {
            places
                .iter_mut()
                .filter(|place| **place > 0 && values.is_null(**place as usize - 1))
                .for_each(|place| *place = 0);
        }
        Self { places, values: values.clone() }
    }

    /// By row: 0 for a null, else one more than the place of the value.
    #[inline]
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// How many places there are, the one of null with them.
    pub(super) fn breadth(&self) -> usize {
        self.values.len() + 1
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.places[row] == 0
    }

    /// The value of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let place = self.places[row] as usize;
        (place != 0).then(|| self.values.value(place - 1))
    }

    /// One answer for each place; a null is asked about as `""`.
    pub(super) fn map<T>(&self, answer: impl FnMut(&str) -> T) -> Vec<T> {
        let value = |at| if self.values.is_null(at) { "" } else { self.values.value(at) };
        [""].into_iter().chain((0..self.values.len()).map(value)).map(answer).collect()
    }
}

/// The columns of a batch.
#[derive(Debug, Clone)]
pub struct Columns {
    pub(super) rows: usize,
    pub(super) stage: Coded,
    pub(super) uri: StringArray,
    pub(super) verb: Coded,
    pub(super) user: Coded,
    pub(super) groups: ListArray,
    /// The items of `groups`.
    pub(super) group: Coded,
    pub(super) api_group: Coded,
    pub(super) resource: Coded,
    pub(super) subresource: Coded,
    pub(super) namespace: Coded,
    pub(super) name: StringArray,
    /// See [`HELPFUL`].
    user_uid: Option<ArrayRef>,
    user_extra: Option<ArrayRef>,
    api_version: Option<ArrayRef>,
}

impl Columns {
    /// Takes the columns out of a batch; each may be of any type that casts to its own.
    ///
    /// # Errors
    /// [`ColumnsError`] names the column.
    pub fn new(batch: &RecordBatch) -> Result<Self, ColumnsError> {
        if let Some(name) = NEEDED.iter().find(|name| batch.column_by_name(name).is_none()) {
            return Err(ColumnsError::Missing(name));
        }
        let coded = |name| Coded::new(batch, name);
        let text = |name| Ok(column(batch, name, &DataType::Utf8)?.as_string::<i32>().clone());
        let item = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let item = Field::new("item", item, true);
        let groups = column(batch, "user_groups", &DataType::List(item.into()))?.as_list::<i32>().clone();
        Ok(Self {
            rows: batch.num_rows(),
            stage: coded("stage")?,
            uri: text("uri")?,
            verb: coded("verb")?,
            user: coded("user")?,
            group: Coded::from_array(&items_of(&groups)),
            groups,
            api_group: coded("api_group")?,
            resource: coded("resource")?,
            subresource: coded("subresource")?,
            namespace: coded("namespace")?,
            name: text("name")?,
            user_uid: batch.column_by_name("user_uid").cloned(),
            user_extra: batch.column_by_name("user_extra").cloned(),
            api_version: batch.column_by_name("api_version").cloned(),
        })
    }

    /// Whether a row's request was for a resource: whether its event has an `objectRef`.
    #[inline]
    pub(super) fn is_resource(&self, row: usize) -> bool {
        !self.api_group.is_null(row)
            || !self.resource.is_null(row)
            || is_set(self.api_version.as_ref(), row)
            || !self.subresource.is_null(row)
            || !self.namespace.is_null(row)
            || self.name.is_valid(row)
    }

    /// Whether a row has no user at all: `user` is `{}`.
    pub(super) fn is_nobody(&self, row: usize) -> bool {
        self.user.is_null(row)
            && self.groups.is_null(row)
            && !is_set(self.user_uid.as_ref(), row)
            && !is_set(self.user_extra.as_ref(), row)
    }

    /// The groups of a row, as places in `group`.
    #[inline]
    pub(super) fn group_range(&self, row: usize) -> std::ops::Range<usize> {
        if self.groups.is_null(row) {
            return 0..0;
        }
        let offsets = self.groups.value_offsets();
        let place = |offset: i32| (offset - offsets[0]) as usize;
        place(offsets[row])..place(offsets[row + 1])
    }

    /// Calls back with namespace and name as the policy saw them.
    pub(super) fn with_place<T>(&self, row: usize, answer: impl FnOnce(&str, &str) -> T) -> T {
        if is_filled_from_body(self.verb.get(row).unwrap_or_default())
            && let Some(place) = place(&path_of(self.uri_of(row)))
        {
            return answer(place.namespace, place.name);
        }
        answer(self.namespace.get(row).unwrap_or_default(), self.name_of(row))
    }

    /// Whether the path of a row's request is the usual one of its `objectRef` with this name: then namespace and name need
    /// not be looked for. `false` says nothing.
    pub(super) fn is_in_path(&self, row: usize, name: &str) -> bool {
        let uri = self.uri_of(row).as_bytes();
        let mut rest = &uri[..memchr(b'?', uri).unwrap_or(uri.len())];
        let mut ends_with = |part: &str| {
            let left = rest.strip_suffix(part.as_bytes()).and_then(|rest| rest.strip_suffix(b"/"));
            left.map(|left| rest = left).is_some()
        };
        let [group, subresource, resource, namespace] =
            [&self.api_group, &self.subresource, &self.resource, &self.namespace]
                .map(|column| column.get(row).unwrap_or_default());
        let is_tail = (subresource.is_empty() || ends_with(subresource))
            && (name.is_empty() || ends_with(name))
            && ends_with(resource)
            && (namespace.is_empty() || (ends_with(namespace) && ends_with("namespaces")));
        is_tail && is_version_of(rest, group)
    }

    /// The URI of a row.
    #[inline]
    pub(super) fn uri_of(&self, row: usize) -> &str {
        if self.uri.is_null(row) { "" } else { self.uri.value(row) }
    }

    /// The name in a row's `objectRef`.
    #[inline]
    pub(super) fn name_of(&self, row: usize) -> &str {
        if self.name.is_null(row) { "" } else { self.name.value(row) }
    }

    /// The request of a row.
    #[must_use]
    pub fn request(&self, row: usize) -> Request {
        let text = |column: &Coded| column.get(row).unwrap_or_default().to_owned();
        let user = (!self.is_nobody(row)).then(|| User {
            name: text(&self.user),
            groups: self
                .group_range(row)
                .map(|at| self.group.get(at).unwrap_or_default().to_owned())
                .collect(),
        });
        let target = if self.is_resource(row) {
            let (namespace, name) =
                self.with_place(row, |namespace, name| (namespace.to_owned(), name.to_owned()));
            Target::Resource {
                group: text(&self.api_group),
                resource: text(&self.resource),
                subresource: text(&self.subresource),
                namespace,
                name,
            }
        } else {
            Target::Path(self.path(row))
        };
        Request { user, verb: text(&self.verb), target }
    }

    /// The path of a row's request.
    pub(super) fn path(&self, row: usize) -> String {
        path_of(self.escaped_path(row)).into_owned()
    }

    /// The path of a row's request as it stood on the wire.
    pub(super) fn escaped_path(&self, row: usize) -> &str {
        let uri = self.uri_of(row);
        uri.split_once('?').map_or(uri, |(path, _)| path)
    }
}

/// Whether a path is that of a version of an API group, without escapes: a longer one could end alike.
fn is_version_of(path: &[u8], group: &str) -> bool {
    let version = if group.is_empty() {
        path.strip_prefix(b"/api/")
    } else {
        let rest = path.strip_prefix(b"/apis/").and_then(|rest| rest.strip_prefix(group.as_bytes()));
        rest.and_then(|rest| rest.strip_prefix(b"/"))
    };
    version.is_some_and(|version| version.iter().all(|byte| !matches!(byte, b'/' | b'%')))
}

fn is_set(column: Option<&ArrayRef>, row: usize) -> bool {
    column.is_some_and(|column| column.is_valid(row))
}

/// The items of the lists of a batch that may be a part of a longer one.
fn items_of(lists: &ListArray) -> ArrayRef {
    let offsets = lists.value_offsets();
    let (first, last) = (offsets[0] as usize, offsets[lists.len()] as usize);
    lists.values().slice(first, last - first)
}

/// Sets the places of nulls to 0, 64 at a time: a column has often no null in so many rows, or nothing else.
fn clear(places: &mut [u32], nulls: &NullBuffer) {
    let chunks = nulls.inner().bit_chunks();
    for (places, valid) in places.chunks_mut(64).zip(chunks.iter_padded()) {
        if valid == 0 {
            places.fill(0);
        } else if valid != u64::MAX {
            for (at, place) in places.iter_mut().enumerate() {
                *place *= (valid >> at & 1) as u32;
            }
        }
    }
}

/// A column, cast to a type: of strings, or of lists of them.
fn column(batch: &RecordBatch, name: &'static str, to: &DataType) -> Result<ArrayRef, ColumnsError> {
    let column = batch.column_by_name(name).ok_or(ColumnsError::Missing(name))?;
    let found = column.data_type();
    if found == to {
        return Ok(column.clone());
    }
    let is_as_wanted = if matches!(to, DataType::List(_)) { is_list_of_text(found) } else { is_text(found) };
    if !is_as_wanted {
        let wanted = if matches!(to, DataType::List(_)) { "a list of strings" } else { "a string" };
        return Err(ColumnsError::Type { name, found: found.clone(), wanted });
    }
    cast(column, to).map_err(|error| ColumnsError::Cast { name, error })
}

fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

fn is_list_of_text(found: &DataType) -> bool {
    match found {
        DataType::List(item) | DataType::LargeList(item) => is_text(item.data_type()),
        DataType::Null => true,
        _ => false,
    }
}
