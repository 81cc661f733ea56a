"""From an HTTP request to what a policy is asked: `NewRequestInfo` (`pkg/endpoints/request/requestinfo.go`).

Label selectors are checked by their grammar (`labels.Parse`), since a selector that the server cannot read costs the
request the name in its field selector.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_to_bytes

from auditwake.policy.request import Request

__all__ = ["from_http"]

VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
SPECIAL_VERBS = ("proxy", "watch")
NAMESPACE_SUBRESOURCES = ("status", "finalize")

INTEGER = re.compile(r"[+-]?[0-9]+")
ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

LABEL_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY = rf"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?{LABEL_NAME}"
LABEL_VALUE = rf"(?:{LABEL_NAME})?"
REQUIREMENT = re.compile(
    rf"\s*(?:!\s*{LABEL_KEY}|{LABEL_KEY}(?:\s*(?:==?|!=)\s*{LABEL_VALUE}|\s*[<>]\s*-?[0-9]+"
    rf"|\s+(?:in|notin)\s*\(\s*{LABEL_VALUE}\s*(?:,\s*{LABEL_VALUE}\s*)*\))?)\s*"
)


def from_http(method: str, uri: str, *, user: str | None = None, groups: Iterable[str] = ()) -> Request:
    """Give the attributes that kube-apiserver reads off an HTTP request.

    Args:
        method: The method, as sent.
        uri: The path and the query, as sent: `/api/v1/pods?watch=true`.
        user: Who asks; None when authentication failed.
        groups: The user's groups.

    Example:
        >>> from_http("GET", "/api/v1/namespaces/a/pods/web/log", user="alice")
        ... # doctest: +NORMALIZE_WHITESPACE
        Request(verb='get', user='alice', groups=(), api_group='', resource='pods', subresource='log', namespace='a',
            name='web', path=None)
        >>> from_http("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dweb&watch=1").verb
        'watch'
    """
    raw, _, query = uri.partition("?")
    path = unquote_to_bytes(raw).decode(errors="replace")
    who, members = user, tuple(groups)
    parts = path.strip("/").split("/")
    found = _resource_parts(parts)
    if found is None:
        return Request(method.lower(), who, members, path=path)
    group, rest = found
    verb = VERBS.get(method, "")
    if rest[0] in SPECIAL_VERBS and len(rest) > 1:
        verb, rest = rest[0], rest[1:]
        is_special = True
    else:
        is_special = False
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in NAMESPACE_SUBRESOURCES:  # noqa: PLR2004  # namespaces, its name, what is in it
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    if verb == "proxy":
        subresource = ""
    if not name and verb == "get" and not is_special:
        verb, name = _collection(query)
    if not name and verb == "delete":
        verb = "deletecollection"
    return Request(verb, who, members, group, resource, subresource, namespace, name)


def _resource_parts(parts: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Give the group, and the parts behind the version; None when the request is for no resource."""
    if parts[0] == "api" and len(parts) > 2:  # noqa: PLR2004  # api, version, resource
        return "", parts[2:]
    if parts[0] == "apis" and len(parts) > 3:  # noqa: PLR2004  # apis, group, version, resource
        return parts[1], parts[3:]
    return None


def _collection(query: str) -> tuple[str, str]:
    """Give the verb, and the name that a field selector asks for."""
    options = _query(query)
    watch = "watch" in options and options["watch"].lower() not in ("0", "false")
    verb = "watch" if watch else "list"
    if not _is_readable(options):
        return verb, ""
    name = _exact_name(options.get("fieldSelector", "")) or ""
    is_segment = name not in (".", "..") and not {"/", "%"} & set(name)
    return verb, name if is_segment else ""


def _query(query: str) -> dict[str, str]:
    """Give the first value of each parameter, as Go's `url.ParseQuery` reads them."""
    options: dict[str, str] = {}
    for pair in query.split("&"):
        if not pair or ";" in pair or ESCAPE.search(pair):
            continue
        key, _, value = pair.partition("=")
        options.setdefault(_unquote(key), _unquote(value))
    return options


def _unquote(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode(errors="replace")


def _is_readable(options: dict[str, str]) -> bool:
    """Whether the server can read all of the list options; of one that it cannot, it forgets them all."""
    numbers = (options[name] for name in ("timeoutSeconds", "limit") if name in options)
    fits = all(INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**63 for text in numbers)
    return (
        fits
        and _is_label_selector(options.get("labelSelector", ""))
        and _exact_name(options.get("fieldSelector", "")) is not None
    )


def _is_label_selector(selector: str) -> bool:
    """Whether a label selector can be read."""
    at = 0
    while at < len(selector):
        found = REQUIREMENT.match(selector, at)
        if not found or (found.end() < len(selector) and selector[found.end()] != ","):
            return not selector.strip()
        at = found.end() + 1
    return not selector.endswith(",")


def _exact_name(selector: str) -> str | None:
    """Give the name that a field selector asks for, `""` if it asks for none, None if it cannot be read."""
    name = ""
    found = False
    for term in sorted(_terms(selector)):
        if not term:
            continue
        operator = re.search("!=|==|=", term)
        value = None if operator is None else _unescape(term[operator.end() :])
        if operator is None or value is None:
            return None
        if not found and operator[0] != "!=" and term[: operator.start()] == "metadata.name":
            name, found = value, True
    return name


def _terms(selector: str) -> list[str]:
    """Split at commas without a backslash in front."""
    return re.findall(r"(?:\\.|[^\\,]|\\$)+|(?<=,)(?=,)", selector, re.DOTALL)


def _unescape(value: str) -> str | None:
    r"""Take the backslashes off; None where the server objects: another escape, or a bare `,` or `=`."""
    if re.fullmatch(r"(?:\\[\\,=]|[^\\,=])*", value, re.DOTALL) is None:
        return None
    return re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
