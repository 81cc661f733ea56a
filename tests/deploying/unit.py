"""The systemd unit, read as systemd reads it."""

import re

from tests.deploying.manifests import DEPLOY

__all__ = ["UNIT", "settings"]

UNIT = DEPLOY / "systemd" / "auditwake.service"


def settings() -> dict[str, list[str]]:
    """Read the unit; a key may stand in it more than once."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found
