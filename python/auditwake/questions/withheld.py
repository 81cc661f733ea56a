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
ENDS: Final = ("token", "password", "secret", "last-applied-configuration")
"""A text under a key, or beside a name or a path, that ends so is withheld from any body."""
TOKEN: Final = re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")
"""The form of a JSON web token, such as the tokens of service accounts."""


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
    if what in RESOURCES or (isinstance(body, dict) and body.get("kind") in KINDS):
        return [_only(PATCH, one) for one in body] if isinstance(body, list) else _only(OBJECT, body)
    return _without_tokens(body)


def shown(value: object) -> str:
    """Write a value as JSON; what is withheld, and what has the form of a token, does not stand in it.

    Example:
        >>> print(shown({"env": "bearer eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"}))
        {"env":"bearer (withheld)"}
    """
    return TOKEN.sub(SHOWN, json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=repr))


def _only(plain: Sequence[str], body: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Withhold all but some parts of a body; the keys stay."""
    if isinstance(body, list):
        return [_only((), one) for one in body]
    if not isinstance(body, dict):
        return Withheld(body)
    return {key: _without_tokens(value) if key in plain else _only((), value) for key, value in body.items()}


def _without_tokens(body: Any, key: str = "") -> Any:  # noqa: ANN401  # any JSON value
    """Withhold the texts whose key says that they are secret; of `{"name": "TOKEN", "value": "x"}` that is the name."""
    if isinstance(body, list):
        return [_without_tokens(one, key) for one in body]
    if isinstance(body, dict):
        called = str(body.get("name") or body.get("path") or "")
        return {name: _without_tokens(value, called if name == "value" else name) for name, value in body.items()}
    return Withheld(body) if isinstance(body, str) and key.lower().endswith(ENDS) else body
