//! `objectRef`.

use super::{Invalid, Rest, Taken, Text, put, string, walk};

/// `objectRef`: `audit.k8s.io/v1` `ObjectReference`.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "fields are the JSON keys")]
pub struct ObjectReference<'a> {
    pub resource: Option<Text<'a>>,
    pub namespace: Option<Text<'a>>,
    pub api_group: Option<Text<'a>>,
    pub api_version: Option<Text<'a>>,
    pub subresource: Option<Text<'a>>,
    /// The rest of its strings.
    pub texts: ObjectTexts<'a>,
    pub rest: Rest,
    /// Whether the value was an object at all.
    pub present: bool,
}

/// The strings of a reference that differ from object to object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are the JSON keys")]
pub struct ObjectTexts<'a> {
    pub name: Option<Text<'a>>,
    pub uid: Option<Text<'a>>,
    pub resource_version: Option<Text<'a>>,
}

impl<'a> ObjectReference<'a> {
    /// Reads the raw value.
    ///
    /// # Errors
    /// [`Invalid`] when it is no valid JSON.
    pub fn parse(raw: &'a str) -> Result<Self, Invalid> {
        let mut object = Self { present: raw.starts_with('{'), ..Self::default() };
        object.rest = walk(raw, false, |key, value| {
            let field = match key {
                "resource" => &mut object.resource,
                "namespace" => &mut object.namespace,
                "name" => &mut object.texts.name,
                "uid" => &mut object.texts.uid,
                "apiGroup" => &mut object.api_group,
                "apiVersion" => &mut object.api_version,
                "resourceVersion" => &mut object.texts.resource_version,
                "subresource" => &mut object.subresource,
                _ => return Ok(Taken::Unknown),
            };
            Ok(put(field, string(value)?))
        })?;
        // An explicit empty group and an absent one give the same column; only the rest tells them apart.
        if object.api_group.as_deref() == Some("") {
            object.rest.json = Some(raw.into());
        }
        Ok(object)
    }
}
