"""What of a recorded body is never shown: the values of secrets, and tokens wherever they stand."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Withheld", "shown", "withheld"]

SHOWN: Final = "(withheld)"
"""What stands in place of a value."""
RESOURCES: Final = ("secrets", "serviceaccounts/token", "tokenreviews", "tokenreviews.authentication.k8s.io")
"""Resources whose bodies are secret but for what says which object it is."""
KINDS: Final = ("Secret", "TokenRequest", "TokenReview")
"""The same by the kind that stands in a body."""
OBJECT: Final = ("apiVersion", "kind", "type", "immutable", "metadata")
"""What of such a body is shown: which object it is."""
PATCH: Final = ("op", "path", "from")
"""What of the steps of a JSON patch of one is shown."""
ENDS: Final = (
    *("token", "password", "passwd", "passphrase", "secret", "credentials", "last-applied-configuration"),
    *("_key", "-key", "apikey", "accesskey", "access_key_id", "privatekey"),
)
"""A text or a number under a key, or beside a name or a path, that ends so is withheld from any body."""
ENVIRONMENT: Final = re.compile(r"/env/\d+/value$")
"""The end of the path of a JSON patch that sets a variable, and does not say which."""
BREAK: Final = r"(?:\s|\\[nrt])*"
"""Where a text was broken into lines, as JSON has it."""
TOKEN: Final = re.compile(
    rf"eyJ[\w-]{{5,}}{BREAK}\.{BREAK}[\w-]*{BREAK}\.{BREAK}[\w-]*(?:\.[\w-]*)*|ZXlK[\w+/-]{{12,}}=*"
)
"""The form of a JSON web token, signed or encrypted, such as those of service accounts; and of one in base64."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A value that is compared and never shown.

    Example:
        >>> Withheld("a") == Withheld("a"), shown({"token": Withheld("a")})
        (True, '{"token":"(withheld)"}')
    """

    value: object

    def __repr__(self) -> str:
        """Show that there is one."""
        return SHOWN


def withheld(body: Any, what: str) -> Any:  # noqa: ANN401  # any JSON value
    """Give a body whose secret values are withheld; what differs in them can still be found.

    Args:
        body: The body, as JSON has it.
        what: What the request was about: `resource.group/subresource`.

    Example:
        >>> print(shown(withheld({"kind": "Secret", "data": {"key": "aGk="}}, "secrets")))
        {"kind":"Secret","data":{"key":"(withheld)"}}
    """
    if what in RESOURCES:
        return [_only(PATCH, one) for one in body] if isinstance(body, list) else _object(body)
    return _without_tokens(body)


def shown(value: object) -> str:
    """Write a value as JSON; what is withheld, and what has the form of a token, does not stand in it.

    Example:
        >>> print(shown({"env": "bearer eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"}))
        {"env":"bearer (withheld)"}
    """
    return TOKEN.sub(SHOWN, json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=repr))


def _object(body: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Withhold all of an object but which one it is: its annotations may hold the whole of it once more."""
    kept = _only(OBJECT, body)
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if isinstance(metadata, dict) and "annotations" in metadata:
        kept["metadata"]["annotations"] = _only((), metadata["annotations"])
    return kept


def _only(plain: Sequence[str], body: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Withhold all but some parts of a body; the keys stay."""
    if isinstance(body, list):
        return [_only((), one) for one in body]
    if not isinstance(body, dict):
        return Withheld(body)
    return {key: _without_tokens(value) if key in plain else _only((), value) for key, value in body.items()}


def _without_tokens(body: Any, key: str = "") -> Any:  # noqa: ANN401  # any JSON value
    """Withhold what a key says is secret; of `{"name": "TOKEN", "value": "x"}` that is the name."""
    if isinstance(body, list):
        return [_without_tokens(one, key) for one in body]
    if isinstance(body, dict):
        if body.get("kind") in KINDS:
            return _object(body)
        called = str(body.get("name") or body.get("path") or "")
        return {name: _without_tokens(value, called if name == "value" else name) for name, value in body.items()}
    return Withheld(body) if _is_value(body) and _is_secret(key) else body


def _is_value(body: object) -> bool:
    return isinstance(body, (str, int, float)) and not isinstance(body, bool)


def _is_secret(key: str) -> bool:
    return key.lower().endswith(ENDS) or ENVIRONMENT.search(key[-40:]) is not None
