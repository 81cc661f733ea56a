"""Addresses of receivers: whole, with a scheme, and without the credentials that may stand in them."""

from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from auditwake.forwarder.config.environment import Environment
from auditwake.forwarder.config.report import Place, Report
from auditwake.forwarder.config.secret import Secret

__all__ = ["Url", "read_url", "with_path"]

SCHEMES: Final = {"https", "http"}
REMEDY: Final = "write it as https://host:port/path"


class Url(NamedTuple):
    """A URL, and the credentials that stood in it."""

    text: str
    username: str = ""
    password: Secret | None = None

    @property
    def parts(self) -> SplitResult:
        """The parts of it."""
        return urlsplit(self.text)


def read_url(report: Report, environment: Environment, text: str, place: Place) -> Url | None:
    """Read a URL; no message quotes it, since there may be a password in it.

    Args:
        report: Takes what is wrong.
        environment: Where references lead.
        text: The URL.
        place: Where it stands.
    """
    whole = environment.resolve(text, place)
    if whole is None:
        return None
    try:
        parts = urlsplit(whole.strip())
        host, port, username, password = parts.hostname, parts.port, parts.username, parts.password
    except ValueError:
        report.error(place, "is no URL", REMEDY)
        return None
    if parts.scheme not in SCHEMES or not host:
        report.error(place, "expected a URL that begins with https:// or http://", REMEDY)
        return None
    if any(char.isspace() or not char.isprintable() for char in whole.strip()):
        report.error(place, "a URL holds no white space", REMEDY)
        return None
    name = f"[{host}]" if ":" in host else host
    bare = parts._replace(netloc=name if port is None else f"{name}:{port}", fragment="")
    secret = Secret(unquote(password)) if password is not None else None
    return Url(urlunsplit(bare), unquote(username or ""), secret)


def with_path(url: Url, path: str) -> Url:
    """Give a URL that has none this path.

    Example:
        >>> with_path(Url("https://host"), "/v1/logs").text
        'https://host/v1/logs'
    """
    parts = url.parts
    return url if parts.path.strip("/") else url._replace(text=urlunsplit(parts._replace(path=path)))
