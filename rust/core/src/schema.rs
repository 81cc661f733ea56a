//! The one table of columns. The Arrow schema, `docs/schema.md`, the column groups and the Python stubs derive from it.
//!
//! Order is part of the schema: a selection keeps it, whatever order it was asked for in.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

mod table;

pub use table::COLUMNS;

/// Version of the column set, stamped into the schema's metadata. It grows when a column changes its meaning or type;
/// a new column at the end of its section does not count.
pub const SCHEMA_VERSION: &str = "2";

/// Metadata key of [`SCHEMA_VERSION`].
pub const SCHEMA_VERSION_KEY: &str = "auditwake.schema_version";

/// Arrow type of a column, in the few shapes that the schema uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `timestamp[us, UTC]`
    Time,
    /// `int64`
    Int64,
    /// `int32`
    Int32,
    /// `int16`
    Int16,
    /// `bool`
    Bool,
    /// `utf8`
    Text,
    /// `dictionary<int32, utf8>`
    Dict,
    /// `list<dictionary<int32, utf8>>`
    List,
    /// `map<dictionary<int32, utf8>, dictionary<int32, utf8>>`
    Map,
    /// `map<dictionary<int32, utf8>, list<dictionary<int32, utf8>>>`
    MapOfLists,
    /// `utf8` with the extension name `arrow.json`: the bytes that stood on the line
    Json,
    /// `binary`
    Bytes,
}

impl Kind {
    /// The Arrow type.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Int64 => DataType::Int64,
            Self::Int32 => DataType::Int32,
            Self::Int16 => DataType::Int16,
            Self::Bool => DataType::Boolean,
            Self::Text | Self::Json => DataType::Utf8,
            Self::Dict => dict_type(),
            Self::List => list_type(dict_type()),
            Self::Map => map_type(dict_type()),
            Self::MapOfLists => map_type(list_type(dict_type())),
            Self::Bytes => DataType::Binary,
        }
    }

    /// The Arrow type with every text as a dictionary: how the Parquet writer takes the columns.
    #[must_use]
    pub fn coded_type(self) -> DataType {
        match self {
            Self::Text => dict_type(),
            other => other.data_type(),
        }
    }

    /// The type as documentation writes it.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Time => "timestamp[us, UTC]",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Int16 => "int16",
            Self::Bool => "bool",
            Self::Text => "utf8",
            Self::Dict => "dictionary<int32, utf8>",
            Self::List => "list<dictionary<int32, utf8>>",
            Self::Map => "map<dictionary<int32, utf8>, dictionary<int32, utf8>>",
            Self::MapOfLists => "map<dictionary<int32, utf8>, list<dictionary<int32, utf8>>>",
            Self::Json => "utf8 (arrow.json)",
            Self::Bytes => "binary",
        }
    }
}

/// Where a column comes from; with [`Column::core`] it decides the groups that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// A value of the event as it stands.
    Event,
    /// Computed from other values of the event.
    Derived,
    /// A body, or what it weighs.
    Bodies,
    /// Known to the reader and not to the event: file, offset, repairs.
    Reader,
}

/// One column of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Unique name, `snake_case`.
    pub name: &'static str,
    /// Arrow type.
    pub kind: Kind,
    /// JSON path in the event, or what it is derived from.
    pub source: &'static str,
    /// One sentence for people.
    pub meaning: &'static str,
    /// Where it comes from.
    pub section: Section,
    /// Member of the group `core`: the hot columns of wide scans.
    pub core: bool,
}

impl Column {
    /// Names of the groups that select this column, `all` last.
    #[must_use]
    pub fn groups(&self) -> Vec<&'static str> {
        let mut groups = Vec::with_capacity(3);
        if self.core {
            groups.push("core");
        }
        match self.section {
            Section::Derived => groups.push("derived"),
            Section::Bodies => groups.push("bodies"),
            Section::Event | Section::Reader => {}
        }
        groups.push("all");
        groups
    }

    fn field(&self) -> Field {
        // Every column is nullable: a salvaged line may lack any of its values, and consumers need not care.
        let field = Field::new(self.name, self.kind.data_type(), true);
        if self.kind == Kind::Json {
            let name = ("ARROW:extension:name".to_owned(), "arrow.json".to_owned());
            let metadata = ("ARROW:extension:metadata".to_owned(), String::new());
            return field.with_metadata(HashMap::from([name, metadata]));
        }
        field
    }
}

/// An unknown name in a column selection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown column or group '{name}'{}; see `auditwake schema` for the columns, groups are core, derived, bodies, all",
    .nearest.as_ref().map(|near| format!(", did you mean '{near}'?")).unwrap_or_default()
)]
pub struct UnknownColumn {
    /// The name as it was given.
    pub name: String,
    /// The known name nearest to it, when one is near.
    pub nearest: Option<String>,
}

/// Which columns to build. Work for a column that is not selected is left out in the batch builder, not thrown away later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Indices into [`COLUMNS`], ascending, each once.
    indices: Vec<usize>,
}

impl Selection {
    /// The columns and groups of `names`; `None` is the group `all`. With `bodies` false the two body texts are left
    /// out of groups (a body named by itself stays). With `raw` the whole line is kept for every row, not only where a
    /// repair changed it.
    ///
    /// # Errors
    /// [`UnknownColumn`] names the first name that is neither a column nor a group.
    pub fn new(names: Option<&[String]>, bodies: bool) -> Result<Self, UnknownColumn> {
        let all = ["all".to_owned()];
        let mut wanted = vec![false; COLUMNS.len()];
        for name in names.unwrap_or(&all) {
            select(name, bodies, &mut wanted)?;
        }
        let indices = (0..COLUMNS.len()).filter(|&i| wanted[i]).collect();
        Ok(Self { indices })
    }

    /// Every column.
    #[must_use]
    pub fn all() -> Self {
        Self { indices: (0..COLUMNS.len()).collect() }
    }

    /// The selected columns in schema order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + '_ {
        self.indices.iter().map(|&i| &COLUMNS[i])
    }

    /// Whether the column of that name is selected.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.columns().any(|column| column.name == name)
    }

    /// The Arrow schema of the selection, with the schema version in its metadata.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let fields: Fields = self.columns().map(Column::field).collect();
        let metadata = HashMap::from([(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_owned())]);
        Arc::new(Schema::new_with_metadata(fields, metadata))
    }
}

fn select(name: &str, bodies: bool, wanted: &mut [bool]) -> Result<(), UnknownColumn> {
    let mut found = false;
    for (column, wanted) in COLUMNS.iter().zip(wanted) {
        let by_group = column.groups().contains(&name) && (bodies || column.kind != Kind::Json);
        if column.name == name || by_group {
            *wanted = true;
            found = true;
        }
    }
    if found { Ok(()) } else { Err(UnknownColumn { name: name.to_owned(), nearest: nearest(name) }) }
}

fn nearest(name: &str) -> Option<String> {
    let names = COLUMNS.iter().map(|column| column.name).chain(["core", "derived", "bodies", "all"]);
    let best = names.map(|known| (edit_distance(name, known), known)).min()?;
    (best.0 <= 2.max(name.len() / 3)).then(|| best.1.to_owned())
}

fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn dict_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn list_type(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

fn map_type(value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", dict_type(), false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COLUMNS.len());
        assert!(names.len() > 100);
    }

    #[test]
    fn core_is_the_hot_set() {
        let core = COLUMNS.iter().filter(|column| column.core).count();
        assert!((20..=30).contains(&core), "{core}");
    }

    #[test]
    fn a_selection_keeps_schema_order_and_explains_unknown_names() {
        let names = ["verb".to_owned(), "ts_stage".to_owned()];
        let selection = Selection::new(Some(&names), true).unwrap();
        assert_eq!(selection.columns().map(|c| c.name).collect::<Vec<_>>(), ["ts_stage", "verb"]);
        let error = Selection::new(Some(&["usr_agent".to_owned()]), true).unwrap_err();
        assert!(error.to_string().contains("did you mean 'user_agent'"), "{error}");
    }

    #[test]
    fn without_bodies_a_group_leaves_them_out_and_a_name_keeps_them() {
        assert!(!Selection::new(None, false).unwrap().has("request_object"));
        assert!(Selection::new(None, false).unwrap().has("req_bytes"));
        let named = ["request_object".to_owned()];
        assert!(Selection::new(Some(&named), false).unwrap().has("request_object"));
    }
}
