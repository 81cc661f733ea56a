"""Answers as JSON has them."""

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

__all__ = ["plain"]


def plain(value: object) -> Any:  # noqa: ANN401  # whatever JSON has
    """Give an answer as dicts, lists, texts and numbers, for `json.dumps`.

    Fields that are not compared, such as the table behind a cost, are left out.

    Args:
        value: An answer: a dataclass of this package, or what is in one.

    Example:
        >>> from auditwake.policy import Mark
        >>> plain((Mark(4, 3), None))
        [{'line': 4, 'column': 3}, None]
    """
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value) if one.compare}
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
