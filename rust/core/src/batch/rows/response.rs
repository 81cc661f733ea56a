//! Name, UID and resource version of the returned object, read from the front of the response body.

use arrow_array::ArrayRef;
use arrow_array::builder::StringBuilder;

use crate::parse::gojson;
use crate::parse::values::Text;
use crate::scan::Members;

use super::column::Column;

/// Growing `response_` columns.
#[derive(Default)]
pub(super) struct Columns {
    names: Column<StringBuilder>,
    uids: Column<StringBuilder>,
    versions: Column<StringBuilder>,
}

impl Columns {
    pub(super) fn push(&mut self, body: Option<&str>) {
        let [name, uid, version] = body.map(metadata).unwrap_or_default();
        self.names.push(name.as_deref());
        self.uids.push(uid.as_deref());
        self.versions.push(version.as_deref());
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        self.names.push_nulls(count);
        self.uids.push_nulls(count);
        self.versions.push_nulls(count);
    }

    pub(super) fn finish(&mut self) -> [(&'static str, Option<ArrayRef>); 3] {
        [
            ("response_name", self.names.finish()),
            ("response_uid", self.uids.finish()),
            ("response_rv", self.versions.finish()),
        ]
    }
}

/// `metadata.name`, `.uid` and `.resourceVersion` of a body: of its first `metadata`, and of each the first that is
/// there. A body is not checked, so whatever cannot be read is absent.
fn metadata(body: &str) -> [Option<Text<'_>>; 3] {
    let mut found = [None, None, None];
    let Some(start) = metadata_start(body.as_bytes()) else { return found };
    let Some(mut members) = Members::new(body.as_bytes(), start) else { return found };
    while let Ok(Some(member)) = members.next_member() {
        let names = ["name", "uid", "resourceVersion"];
        let Some(place) = names.iter().position(|name| gojson::spells(member.key, name)) else { continue };
        let content = body[member.start..member.end].strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        if found[place].is_none() {
            found[place] = content.and_then(gojson::decode_string);
        }
    }
    found
}

fn metadata_start(body: &[u8]) -> Option<usize> {
    let mut members = Members::new(body, 0)?;
    while let Ok(Some(member)) = members.next_member() {
        if gojson::spells(member.key, "metadata") {
            return Some(member.start);
        }
    }
    None
}
