//! What a policy asks of a request, and how an event tells it.

use std::borrow::Cow;

use memchr::memchr;

use crate::parse::uri::decode_path;

/// The attributes of a request that audit policy looks at (`authorization/authorizer.Attributes`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// Who asked; `None` when authentication failed.
    pub user: Option<User>,
    /// The verb.
    pub verb: String,
    /// For what.
    pub target: Target,
}

/// Who asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct User {
    /// The name.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// No resource: the decoded path.
    Path(String),
    /// A resource.
    Resource {
        /// The API group; empty for core.
        group: String,
        /// The resource.
        resource: String,
        /// The subresource; empty for none.
        subresource: String,
        /// The namespace; empty for none.
        namespace: String,
        /// The name; empty for none.
        name: String,
    },
}

/// Namespace and name of a resource request, as the server reads them off its path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// The namespace; empty for none.
    pub namespace: &'a str,
    /// The name; empty for none.
    pub name: &'a str,
}

/// Whether `objectRef` may hold a name and a namespace that the server took from the body and that the policy did not
/// see: `LogRequestObject` (`pkg/audit/request.go`) fills in what is empty, and only these verbs carry an object. For
/// every other verb `objectRef` is what the policy saw, with a name that came from a field selector.
#[must_use]
pub fn is_filled_from_body(verb: &str) -> bool {
    matches!(verb, "create" | "update")
}

/// The decoded path of a request URI.
#[must_use]
pub fn path_of(uri: &str) -> Cow<'_, str> {
    let end = memchr(b'?', uri.as_bytes()).unwrap_or(uri.len());
    decode_path(&uri[..end])
}

/// Namespace and name in a decoded path; `None` when it is no path of a resource.
///
/// `NewRequestInfo` (`pkg/endpoints/request/requestinfo.go`), without the part about field selectors.
#[must_use]
pub fn place(path: &str) -> Option<Place<'_>> {
    let mut parts = Parts(Some(path.trim_matches('/')));
    match parts.next()? {
        "api" => {}
        "apis" => _ = parts.next()?,
        _ => return None,
    }
    let _version = parts.next()?;
    let mut resource = parts.next()?;
    if matches!(resource, "watch" | "proxy") {
        resource = parts.next()?;
    }
    let first = parts.next();
    if resource != "namespaces" {
        return Some(Place { namespace: "", name: first.unwrap_or_default() });
    }
    let namespace = first.unwrap_or_default();
    match parts.next() {
        None | Some("status" | "finalize") => Some(Place { namespace, name: namespace }),
        Some(_resource) => Some(Place { namespace, name: parts.next().unwrap_or_default() }),
    }
}

/// The parts of a path between its slashes; what is left of it.
struct Parts<'a>(Option<&'a str>);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0?;
        let Some(slash) = rest.bytes().position(|byte| byte == b'/') else { return self.0.take() };
        self.0 = rest.get(slash + 1..);
        rest.get(..slash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(path: &str) -> Option<(&str, &str)> {
        place(path).map(|place| (place.namespace, place.name))
    }

    #[test]
    fn places_as_the_server_reads_them() {
        let cases = [
            ("/api/v1/namespaces/a/pods/p/log", Some(("a", "p"))),
            ("/api/v1/namespaces/a/pods", Some(("a", ""))),
            ("/api/v1/namespaces/a", Some(("a", "a"))),
            ("/api/v1/namespaces/a/finalize", Some(("a", "a"))),
            ("/api/v1/namespaces/a/status/x", Some(("a", "a"))),
            ("/api/v1/namespaces", Some(("", ""))),
            ("/api/v1/nodes/n/status", Some(("", "n"))),
            ("/apis/apps/v1/namespaces/a/deployments/d/", Some(("a", "d"))),
            ("/api/v1/watch/namespaces/a/pods/p", Some(("a", "p"))),
            ("/api/v1/proxy/nodes/n", Some(("", "n"))),
            ("/apis/apps/v1", None),
            ("/api/v1", None),
            ("/healthz", None),
            ("/", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(placed(path), expected, "{path}");
        }
    }
}
