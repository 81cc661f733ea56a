//! `requestURI`: the path and the query of a request, read as kube-apiserver reads them.
//!
//! The audit log has `req.URL.RequestURI()`: the escaped path and, after `?`, the raw query. The rules here are those
//! of Go's `net/url` for the escapes and those of `k8s.io/apimachinery/pkg/runtime/conversion.go` for the values.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// A request URI, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestUri {
    /// The path with its percent escapes decoded, which is what authorization and audit policy compare.
    ///
    /// Bytes that are no UTF-8 once decoded become U+FFFD. An escape that is none (`%zz`) stays as it stands: Go
    /// answers 400 to such a request line before any audit, so it can only come from a log that was tampered with.
    pub path: String,
    /// The parameters that Kubernetes gives a meaning.
    pub query: Query,
}

/// The query parameters that audit questions are about.
///
/// `None` means that the parameter is absent. A number that the server could not read either is `None` as well: it
/// answers 400 then. When a single-valued parameter is repeated the first one counts, as in Go's `url.Values.Get`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `limit`: the page size of a list. `None` if it does not fit; no server sends pages of two billion.
    pub limit: Option<i32>,
    /// `resourceVersion`: text, because Kubernetes forbids clients to read it as a number.
    pub resource_version: Option<String>,
    /// `resourceVersionMatch`: `Exact` or `NotOlderThan`, as sent.
    pub resource_version_match: Option<String>,
    /// Whether `continue` carried a token. The token itself is opaque, long and different every time.
    pub has_continue: Option<bool>,
    /// `labelSelector`, decoded.
    pub label_selector: Option<String>,
    /// `fieldSelector`, decoded.
    pub field_selector: Option<String>,
    /// `timeoutSeconds`: how long a watch asked to last.
    pub timeout_seconds: Option<i32>,
    /// `watch`, by the rule of Kubernetes: everything but `false` and `0` is true, the empty value included.
    pub watch: Option<bool>,
    /// Whether `dryRun` has the value `All`, the only one that Kubernetes knows. Such a request changed nothing.
    pub dry_run: Option<bool>,
    /// `fieldManager`: the name under which server-side apply keeps the fields.
    pub field_manager: Option<String>,
    /// `force`, by the same rule as `watch`.
    pub force: Option<bool>,
    /// Every `command` of an exec, in order: one argument each.
    pub command: Vec<String>,
    /// `container` of an exec, attach or log request.
    pub container: Option<String>,
}

/// Takes a `requestURI` apart.
#[must_use]
pub fn parse_uri(uri: &str) -> RequestUri {
    let (path, query) = cut(uri, b'?').unwrap_or((uri, ""));
    RequestUri { path: decode_path(path).into_owned(), query: parse_query(query) }
}

/// What stands in front of the first `mark`, an ASCII character, and behind it.
fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = memchr(mark, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// Whether kube-apiserver treats a request as long-running, and so reports it with a `ResponseStarted` stage.
///
/// `BasicLongRunningRequestCheck` (`apiserver/pkg/server/filters/longrunning.go`) with the two lists that
/// kube-apiserver hands it (`kubernetes/cmd/kube-apiserver`, `BuildGenericConfig`). The query is not asked: a list
/// with `watch=true` already has the verb `watch`, and `log` counts with or without `follow`.
#[must_use]
pub fn is_long_running(verb: &str, subresource: Option<&str>, path: &str, is_resource: bool) -> bool {
    if matches!(verb, "watch" | "proxy") {
        return true;
    }
    if is_resource {
        matches!(subresource, Some("attach" | "exec" | "proxy" | "log" | "portforward"))
    } else {
        path.starts_with("/debug/pprof/")
    }
}

/// Go's `url.ParseQuery`: pairs end at `&` only, a pair with a raw `;` or a malformed escape is dropped, and a pair
/// without `=` has the empty value.
///
/// Since its releases of January 2026 Go reads no query at all that has more than 10 000 pairs. Here every pair is
/// read, whatever their number: which Go the server was built with is not on the line, and nobody should be able to
/// hide the command of an exec behind ten thousand others.
fn parse_query(query: &str) -> Query {
    let mut out = Query::default();
    let (mut limit, mut timeout_seconds) = (None, None);
    let mut rest = query;
    while !rest.is_empty() {
        let pair;
        (pair, rest) = cut(rest, b'&').unwrap_or((rest, ""));
        if memchr(b';', pair.as_bytes()).is_some() {
            continue;
        }
        let (key, value) = cut(pair, b'=').unwrap_or((pair, ""));
        let (Some(key), Some(value)) = (unescape(key), unescape(value)) else {
            continue;
        };
        match &*key {
            "limit" => keep(&mut limit, || value.parse().ok()),
            "resourceVersion" => keep(&mut out.resource_version, || value.into_owned()),
            "resourceVersionMatch" => keep(&mut out.resource_version_match, || value.into_owned()),
            "continue" => keep(&mut out.has_continue, || !value.is_empty()),
            "labelSelector" => keep(&mut out.label_selector, || value.into_owned()),
            "fieldSelector" => keep(&mut out.field_selector, || value.into_owned()),
            "timeoutSeconds" => keep(&mut timeout_seconds, || value.parse().ok()),
            "watch" => keep(&mut out.watch, || is_true(&value)),
            // A list in Kubernetes (`CreateOptions.DryRun`): one `All` among several is enough.
            "dryRun" => out.dry_run = Some(out.dry_run == Some(true) || value == "All"),
            "fieldManager" => keep(&mut out.field_manager, || value.into_owned()),
            "force" => keep(&mut out.force, || is_true(&value)),
            "command" => out.command.push(value.into_owned()),
            "container" => keep(&mut out.container, || value.into_owned()),
            _ => {}
        }
    }
    out.limit = limit.flatten();
    out.timeout_seconds = timeout_seconds.flatten();
    out
}

/// The first value wins, even when it turns out to be unusable.
fn keep<T>(slot: &mut Option<T>, value: impl FnOnce() -> T) {
    slot.get_or_insert_with(value);
}

/// `Convert_Slice_string_To_bool` of apimachinery.
fn is_true(value: &str) -> bool {
    !(value == "0" || value.eq_ignore_ascii_case("false"))
}

/// Go's `url.QueryUnescape`; `None` where Go has an error.
fn unescape(text: &str) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let Some(first) = memchr2(b'%', b'+', bytes) else {
        return Some(Cow::Borrowed(text));
    };
    let mut out = Vec::with_capacity(bytes.len());
    let (clean, mut rest) = bytes.split_at_checked(first)?;
    out.extend_from_slice(clean);
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'%' => {
                out.push(hex_pair(after)?);
                after.get(2..)?
            }
            b'+' => {
                out.push(b' ');
                after
            }
            _ => {
                out.push(byte);
                after
            }
        };
    }
    Some(Cow::Owned(into_text(out)))
}

/// A path with its percent escapes decoded; see [`RequestUri::path`].
pub(crate) fn decode_path(path: &str) -> Cow<'_, str> {
    let mut rest = path.as_bytes();
    if memchr(b'%', rest).is_none() {
        return Cow::Borrowed(path);
    }
    let mut out = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let decoded = if byte == b'%' { hex_pair(after) } else { None };
        out.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Cow::Owned(into_text(out))
}

fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    Some((digit(0)? << 4 | digit(1)?) as u8)
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests;
