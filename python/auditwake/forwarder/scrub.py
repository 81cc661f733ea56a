"""The last defence of secrets: what is known to be one, or stands where one stands, is taken out of text.

The first defence is that nothing puts one there: `Secret` does not print itself.
"""

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from auditwake.forwarder.config.document import KEY_IN_QUERY
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.snapshot import (
    AgentSnapshot,
    ReceiverSnapshot,
    RouteSnapshot,
    SinkSnapshot,
    SourceSnapshot,
    StreamSnapshot,
)

__all__ = ["printable", "register_secret", "register_secrets", "scrub", "scrub_snapshot", "scrub_values"]

HIDDEN = "***"
# Shorter ones are in every other word.
SHORTEST = 4

# Our own words stay: a secret may be one of them.
FIELDS = frozenset(
    field.name
    for kind in (AgentSnapshot, SinkSnapshot, SourceSnapshot, ReceiverSnapshot, RouteSnapshot, StreamSnapshot)
    for field in fields(kind)
)

USER_OF_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s?#'\"]*)@")
AUTHORIZATION = re.compile(r"(authorization['\"]?\s*[:=]\s*['\"]?)(?:\w+\s+)?[^\s'\",]+", re.IGNORECASE)

_lock = threading.Lock()
_texts: tuple[str, ...] = ()
_files: tuple[SecretFile, ...] = ()
_users: frozenset[tuple[str, SecretFile]] = frozenset()


def register_secret(secret: Secret | SecretFile | str) -> None:
    """Make a secret known, so that it is taken out of logs and of `status`; of a file, whatever it holds at the time.

    Args:
        secret: The secret; one of less than four characters is left, since it is in every other word.

    Example:
        >>> register_secret("0123456789abcdef")
        >>> scrub("the key is 0123456789abcdef")
        'the key is ***'
    """
    global _files  # noqa: PLW0603  # the process has one set of secrets
    if isinstance(secret, SecretFile):
        with _lock:
            _files = _files if secret in _files else (*_files, secret)
        _look_at(secret)
        return
    _know(secret.reveal() if isinstance(secret, Secret) else secret)


def register_secrets(config: object) -> None:
    """Make every secret known that a configuration holds, also the passwords inside its URLs.

    Args:
        config: An `AgentConfig`, or any part of one.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions
        >>> register_secrets(HttpOptions(url="https://me:opensesame@logs.example", token=Secret("token-of-mine")))
        >>> scrub("token-of-mine or opensesame")
        '*** or ***'
    """
    if isinstance(config, Secret | SecretFile):
        register_secret(config)
    elif isinstance(config, str):
        _know_url(config)
    elif isinstance(config, Mapping):
        register_secrets(list(config.values()))
    elif isinstance(config, list | tuple):
        for one in config:
            register_secrets(one)
    elif is_dataclass(config):
        register_secrets([getattr(config, field.name) for field in fields(config)])
        _know_basic(getattr(config, "username", ""), getattr(config, "password", None))


def scrub(text: str) -> str:
    """Take secrets out of a text: the known ones, users and passwords in URLs, values of keys in queries.

    Example:
        >>> scrub("https://me:pass@logs.example/v1?api_key=abc&x=1")
        'https://***@logs.example/v1?api_key=***&x=1'
    """
    _look_again()
    return _without(text)


def scrub_values(values: Any) -> Any:  # noqa: ANN401  # whatever JSON can hold
    """Take secrets out of every text in plain values, those of `to_dict`.

    Example:
        >>> scrub_values({"sinks": [{"description": "to https://me:pass@logs.example"}]})
        {'sinks': [{'description': 'to https://***@logs.example'}]}
    """
    _look_again()
    return _walk(values)


def scrub_snapshot(snapshot: AgentSnapshot) -> AgentSnapshot:
    """Take secrets out of every text of a snapshot.

    Example:
        >>> agent = AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a", errors=("http://a:b@c",))
        >>> scrub_snapshot(agent).errors
        ('http://***@c',)
    """
    return AgentSnapshot.from_dict(scrub_values(snapshot.to_dict()))


def printable(text: str) -> str:
    r"""Show control characters as escapes: names and lines are chosen by whoever sent a request.

    Example:
        >>> print(printable("x" + chr(27) + "[2J"))
        x\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def _walk(values: Any) -> Any:  # noqa: ANN401  # whatever JSON can hold
    if isinstance(values, str):
        return _without(values)
    if isinstance(values, Mapping):
        return {key if key in FIELDS else _walk(key): _walk(value) for key, value in values.items()}
    if isinstance(values, Iterable):
        return [_walk(value) for value in values]
    return values


def _without(text: str) -> str:
    for known in _texts:
        if known in text:
            text = text.replace(known, HIDDEN)
    if "@" in text:
        text = USER_OF_URL.sub(_without_user, text)
    if "=" in text:
        text = KEY_IN_QUERY.sub(rf"\1{HIDDEN}", text)
    return AUTHORIZATION.sub(rf"\1{HIDDEN}", text)


def _without_user(match: re.Match[str]) -> str:
    """Take user and password out of what stands in front of the last @ of a URL; the @ may be one of its path."""
    scheme, before = match[1], match[2]
    authority, slash, path = before.partition("/")
    host = authority.rpartition("@")[2]
    # With a colon, what looks like host, port and path may be a password with a slash in it.
    if not slash or ":" in host:
        return f"{scheme}{HIDDEN}@"
    user = f"{HIDDEN}@" if "@" in authority else ""
    return f"{scheme}{user}{host}/{path}@"


def _know(text: str) -> None:
    global _texts  # noqa: PLW0603  # the process has one set of secrets
    if len(text) < SHORTEST:
        return
    forms = {text, quote(text, safe=""), json.dumps(text)[1:-1], repr(text)[1:-1]}
    with _lock:
        # The longest first: one may be a part of another.
        _texts = tuple(sorted({*_texts, *forms}, key=lambda one: (-len(one), one)))


def _know_url(text: str) -> None:
    if "://" not in text:
        return
    try:
        password = urlsplit(text).password
    except ValueError:
        return
    if password:
        _know(password)
        _know(unquote(password))
    for match in KEY_IN_QUERY.finditer(text):
        _know(match[2])
        _know(unquote(match[2]))


def _know_basic(username: object, password: object) -> None:
    """Make the text of basic authentication known; of a password in a file, whatever that holds at the time."""
    global _users  # noqa: PLW0603  # the process has one set of secrets
    if not isinstance(username, str):
        return
    if isinstance(password, SecretFile):
        with _lock:
            _users = _users | {(username, password)}
        _look_at(password)
    elif isinstance(password, Secret):
        _know(_basic(username, password.reveal()))


def _basic(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def _look_again() -> None:
    for file in _files:
        _look_at(file)


def _look_at(file: SecretFile) -> None:
    try:
        text = file.current().reveal()
    except OSError:
        return
    if not text:
        return
    texts = [text, *(_basic(username, text) for username, password in _users if password == file)]
    for one in texts:
        if one not in _texts:
            _know(one)
