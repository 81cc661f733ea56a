"""Names of further intakes: made of what they are, not of where they stand, since offsets are kept under them."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.config.urls import Url

__all__ = ["Endpoint", "endpoint_names"]

FIRST: Final = "datadog"
LONGEST: Final = 48
DIGITS: Final = 6
PORTS: Final = {"https": 443, "http": 80}


class Endpoint(NamedTuple):
    """Where a further intake is, without the path of every intake, and the key of it."""

    url: Url
    key: Secret


def endpoint_names(endpoints: Sequence[Endpoint]) -> list[str]:
    """Give each endpoint its name: its host, and what else its address has.

    Those that would be called alike, as two keys at one address are, get a digest of address and key too. Their order
    has no part in it: an endpoint that took the name of another would go on at its offsets, and lose events.

    Args:
        endpoints: All of them, no two of them the same.

    Example:
        >>> one, other = (Endpoint(Url(f"https://{host}"), Secret("k")) for host in ("a.example", "b.example:8443"))
        >>> endpoint_names([one, other])
        ['datadog-a.example', 'datadog-b.example-8443']
        >>> endpoint_names([other, one])
        ['datadog-b.example-8443', 'datadog-a.example']
    """
    slugs = [_slug(one.url) for one in endpoints]
    often = Counter(slugs)
    names = []
    for slug, one in zip(slugs, endpoints, strict=True):
        is_own = often[slug] == 1 and len(slug) <= LONGEST
        names.append(f"{FIRST}-{slug}" if is_own else f"{FIRST}-{slug[:LONGEST]}-{_digest(one)}")
    return names


def _slug(url: Url) -> str:
    parts = url.parts
    port = parts.port if parts.port != PORTS.get(parts.scheme) else None
    text = f"{parts.hostname}{'' if port is None else f':{port}'}{parts.path}".lower()
    return re.sub(r"[^a-z0-9._-]+", "-", text).strip("-.")


def _digest(one: Endpoint) -> str:
    # Of a key with 128 bits, so few digits say nothing.
    text = f"{one.url.text} {one.key.reveal()}"
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
