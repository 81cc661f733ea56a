//! `omitManagedFields`: bodies as `copyWithoutManagedFields` of k8s.io/apiserver (`pkg/audit/request.go`) leaves them.
//!
//! That function knows the Go type of a body, and from it what to do; here the body has to say what it is:
//!
//! - Any object loses `metadata.managedFields`. Types without `ObjectMeta` (`Status`, `DeleteOptions`, lists) are left
//!   alone by Go, and have no such key.
//! - A list, which is any object with an array `items`, loses them in each item as well, and no deeper: a list among the
//!   items is an object like any other. An item that is no object is an error for Go, which then keeps the whole body as
//!   it was.
//! - A `Table` of `meta.k8s.io` loses them in the object of each row, whole or partial (`PartialObjectMetadata`), and
//!   nowhere else. A custom resource that is called `Table` is an object like any other.
//! - A core `v1` `List` keeps everything: its items are raw bytes for Go.
//!
//! What was emptied stays, as `{}`. No value is recoded, so that all else is as it was.

use crate::edit::{Edits, Trim};
use crate::parse::gojson::spells;
use crate::scan::{Elements, Members, ScanError};

use super::content;

/// The members of a body that may hold managed fields, by the position of their value.
enum Place {
    Metadata(usize),
    Items(usize),
    Rows(usize),
}

/// What a body is.
enum Shape {
    /// Any object, and any list.
    Object,
    Table,
    /// A core `v1` `List`.
    RawList,
}

/// Leaves the managed fields out of the body that begins at `start`.
///
/// # Errors
/// Only for a text that is no valid JSON.
pub(super) fn omit(text: &[u8], start: usize, edits: &mut Edits) -> Result<(), ScanError> {
    let (shape, places) = look(text, start)?;
    if matches!(shape, Shape::RawList) || (matches!(shape, Shape::Object) && has_odd_item(text, &places)?) {
        return Ok(());
    }
    for place in places {
        match (place, &shape) {
            (Place::Metadata(at), Shape::Object) => trim(text, at, edits)?,
            (Place::Items(at), Shape::Object) => {
                let mut items = Elements::new(text, at);
                while let Some((item, _)) = next(&mut items)? {
                    trim_object(text, item, edits)?;
                }
            }
            (Place::Rows(at), Shape::Table) => {
                let mut rows = Elements::new(text, at);
                while let Some((row, _)) = next(&mut rows)? {
                    each_member(text, row, "object", |object| trim_object(text, object, edits))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Looks at the members of a body; one that is no object has none.
fn look(text: &[u8], start: usize) -> Result<(Shape, Vec<Place>), ScanError> {
    let mut places = Vec::new();
    // The last of two equal keys counts, as in Go.
    let (mut kind, mut version) = (&b""[..], &b""[..]);
    if let Some(mut members) = Members::new(text, start) {
        while let Some(member) = members.next_member()? {
            let value = &text[member.start..member.end];
            match member.key {
                key if spells(key, "kind") => kind = content(value),
                key if spells(key, "apiVersion") => version = content(value),
                key if spells(key, "metadata") => places.push(Place::Metadata(member.start)),
                key if spells(key, "items") => places.push(Place::Items(member.start)),
                key if spells(key, "rows") => places.push(Place::Rows(member.start)),
                _ => {}
            }
        }
    }
    let meta = spells(version, "meta.k8s.io/v1") || spells(version, "meta.k8s.io/v1beta1");
    let shape = if meta && spells(kind, "Table") {
        Shape::Table
    } else if spells(version, "v1") && spells(kind, "List") {
        Shape::RawList
    } else {
        Shape::Object
    };
    Ok((shape, places))
}

/// Whether an item of a list is no object.
fn has_odd_item(text: &[u8], places: &[Place]) -> Result<bool, ScanError> {
    for place in places {
        let Place::Items(at) = *place else { continue };
        let mut items = Elements::new(text, at);
        while let Some((item, _)) = next(&mut items)? {
            if text[item] != b'{' {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The next element; a value that is no array has none.
fn next(elements: &mut Option<Elements<'_>>) -> Result<Option<(usize, usize)>, ScanError> {
    elements.as_mut().map_or(Ok(None), Elements::next_element)
}

/// Leaves them out of an object's metadata.
fn trim_object(text: &[u8], start: usize, edits: &mut Edits) -> Result<(), ScanError> {
    each_member(text, start, "metadata", |metadata| trim(text, metadata, edits))
}

/// Calls `then` with the position of each value of that key; a value that is no object has none.
fn each_member(
    text: &[u8],
    start: usize,
    name: &str,
    mut then: impl FnMut(usize) -> Result<(), ScanError>,
) -> Result<(), ScanError> {
    let Some(mut members) = Members::new(text, start) else { return Ok(()) };
    while let Some(member) = members.next_member()? {
        if spells(member.key, name) {
            then(member.start)?;
        }
    }
    Ok(())
}

/// Leaves `managedFields` out of a metadata object.
fn trim(text: &[u8], start: usize, edits: &mut Edits) -> Result<(), ScanError> {
    let Some(mut members) = Members::new(text, start) else { return Ok(()) };
    let mut object = Trim::default();
    while let Some(member) = members.next_member()? {
        let span = member.at..member.end;
        if spells(member.key, "managedFields") {
            object.lose(span, edits);
        } else {
            object.keep(span, edits);
        }
    }
    object.close(edits);
    Ok(())
}
