"""JSON Schema of the files, from the table: editors check and complete with it."""

import re
from typing import Any, Final

from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.keys import DATADOG, FILE
from auditwake.forwarder.config.values import TOO_LARGE

__all__ = ["schema"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
WORD: Final = {"type": ["string", "number", "boolean"]}
NOTHING: Final = {"type": "null"}
BOOLEAN_WORD: Final = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"
WHOLE_WORD: Final = "^[-+]?[0-9]{1,18}$"
NUMBER_WORD: Final = r"^[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,2})?$"


def schema(*, main: bool = False) -> dict[str, Any]:
    """Give the schema of a file of `conf.d`.

    Args:
        main: That of `datadog.yaml` instead.

    Example:
        >>> schema()["$defs"]["an-entry-of-logs"]["properties"]["path"]["description"]
        'the log, or a pattern with `*`, `?` or `[`'
    """
    top = DATADOG if main else FILE
    groups: dict[str, Group] = {}
    _collect(top, groups)
    return {
        "$schema": DIALECT,
        "title": "datadog.yaml" if main else "conf.yaml",
        "anyOf": [_ref(top), NOTHING],
        "$defs": {name: _group(group) for name, group in groups.items()},
    }


def _name(group: Group) -> str:
    return "-".join(re.findall(r"[a-z0-9_.]+", group.title.lower()))


def _ref(group: Group) -> dict[str, str]:
    return {"$ref": f"#/$defs/{_name(group)}"}


def _collect(group: Group, found: dict[str, Group]) -> None:
    if _name(group) in found:
        return
    found[_name(group)] = group
    for one in (group, *group.variants.values()):
        for key in one.keys:
            if key.group is not None:
                _collect(key.group, found)


def _group(group: Group) -> dict[str, Any]:
    """Give the schema of a map."""
    made = _map(group, None)
    if group.variants:
        made["properties"] |= {"type": _key(group.keys[0])}
        made.pop("additionalProperties", None)
        made["allOf"] = [{"if": _is(group.keys[0].name, (name,)), "then": _map(group, name)} for name in group.variants]
    conditions = [
        {"if": _is("type", key.needed_by), "then": {"required": [key.name], "properties": {key.name: {"not": NOTHING}}}}
        for key in group.keys
        if key.needed_by
    ]
    if conditions:
        made["allOf"] = [*made.get("allOf", ()), *conditions]
    return {"description": group.about, **made}


def _map(group: Group, variant: str | None) -> dict[str, Any]:
    keys = group.of(variant)
    made: dict[str, Any] = {
        "type": "object",
        "properties": {key.name: _key(key) for key in keys},
        "required": [key.name for key in keys if key.required],
    }
    return made | ({"additionalProperties": False} if group.closed else {})


def _is(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"enum": list(values)}}}


def _key(key: Key) -> dict[str, Any]:
    """Give the schema of a value; without one where it has no effect."""
    if key.ignored:
        return {"description": f"no effect: {key.reason}", "deprecated": True}
    value = _value(key)
    made = value if key.required else {"anyOf": [value, NOTHING]}
    default = {"default": key.default} if isinstance(key.default, str | int | float | bool) else {}
    return {"description": key.meaning, **default, **made}


def _value(key: Key) -> dict[str, Any]:
    if key.kind in {"group", "groups"}:
        assert key.group is not None  # noqa: S101  # so says the table
        return _ref(key.group) if key.kind == "group" else {"type": "array", "items": _ref(key.group)}
    if key.kind in {"whole", "number"}:
        return _number(key)
    choices = {"enum": list(key.choices)} if key.choices and not key.fallback else {}
    made: dict[str, Any] = {
        "any": {},
        "text": {"type": "string", **choices},
        "path": {"type": "string", "pattern": r"\S"},
        "url": {"type": "string"},
        "word": WORD | choices,
        "secret": WORD,
        "words": {"anyOf": [WORD, {"type": "array", "items": WORD}]},
        "flag": {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": BOOLEAN_WORD}]},
        "map": {"type": "object", "additionalProperties": WORD},
        "secrets": {"type": "object", "additionalProperties": WORD},
    }
    value: dict[str, Any] = made[key.kind]
    return value


def _number(key: Key) -> dict[str, Any]:
    kind = "integer" if key.kind == "whole" else "number"
    if key.fallback:  # Another number is a warning, and a number may be written as a string, as for the Agent.
        pattern = WHOLE_WORD if key.kind == "whole" else NUMBER_WORD
        return {"anyOf": [{"type": kind}, {"type": "string", "pattern": pattern}]}
    bounds = {"minimum": key.least, "maximum": key.most}
    if key.most is None:
        bounds["exclusiveMaximum"] = TOO_LARGE
    return {"type": kind, **{name: bound for name, bound in bounds.items() if bound is not None}}
