"""Findings as SARIF 2.1.0: the JSON that code scanning and security tools take."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from auditwake._core import __version__
from auditwake.detections.rule import Rule, Severity

if TYPE_CHECKING:
    from auditwake.detections.found import Detections

__all__ = ["sarif"]

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final[Mapping[Severity, str]] = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}
SCORES: Final[Mapping[Severity, str]] = {"low": "3.0", "medium": "5.5", "high": "8.0", "critical": "9.5"}
"""What GitHub sorts by; its own bounds are 4, 7 and 9."""
MARKS: Final = str.maketrans({"\\": r"\\", "[": r"\[", "]": r"\]", "{": "{{", "}": "}}"})
"""What has a meaning in a message of SARIF, and how it is written for itself."""


def sarif(found: "Detections") -> str:
    """Write findings as a SARIF log of one run.

    Text of the log is data: what has a meaning in a message is escaped, and control characters are shown as escapes.

    Args:
        found: What `detect` gave.
    """
    rules = [outcome.rule for outcome in found.outcomes]
    index = {rule.id: at for at, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "auditwake", "semanticVersion": __version__, "rules": list(map(_rule, rules))}},
        "invocations": [{"executionSuccessful": True, "toolConfigurationNotifications": list(_notifications(found))}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(row, index) for row in found.table.to_pylist()],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": _text(rule.title)},
        "fullDescription": {"text": _text(rule.meaning)},
        "help": {"text": _text("Harmless when: " + " ".join(rule.false_positives))},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", *rule.attack],
            "security-severity": SCORES[rule.severity],
            "severity": rule.severity,
            "references": list(rule.references),
        },
    }


def _notifications(found: "Detections") -> Iterator[dict[str, object]]:
    for outcome in found.cannot_fire:
        said = f"{outcome.rule.id} cannot fire: {'; '.join(outcome.notes)}"
        yield {"level": "note", "message": {"text": _text(said)}, "associatedRule": {"id": outcome.rule.id}}


def _result(row: dict[str, Any], index: Mapping[str, int]) -> dict[str, object]:
    who = row["user"] or "nobody (authentication failed)"
    where = f" in {row['namespace']}" if row["namespace"] else ""
    name = f" {row['name']}" if row["name"] else ""
    detail = f": {row['detail']}" if row["detail"] else ""
    said = f"{row['title']}: {who} from {row['address'] or 'nowhere'}, {row['verb']} {row['what']}{name}{where}{detail}"
    return {
        "ruleId": row["rule"],
        "ruleIndex": index[row["rule"]],
        "level": LEVELS[row["severity"]],
        "message": {"text": _text(said)},
        "locations": [{"physicalLocation": location}] if (location := _location(row)) else [],
        "partialFingerprints": {"auditEvent/v1": f"{row['rule']}/{row['audit_id']}/{_plain(row['time'])}"},
        "properties": {name: _plain(value) for name, value in row.items() if value is not None},
    }


def _location(row: dict[str, Any]) -> dict[str, object] | None:
    if row["src_file"] is None:
        return None
    region = {"byteOffset": row["src_offset"], "byteLength": row["src_bytes"]}
    return {"artifactLocation": {"uri": _uri(row["src_file"])}, "region": region}


def _uri(file: str) -> str:
    """Give the address of a file; of a relative one, relative."""
    if "://" in file:
        return quote(file, safe=":/?#@!$&'()*+,;=%~")
    return Path(file).as_uri() if Path(file).is_absolute() else quote(PurePath(file).as_posix())


def _text(text: str) -> str:
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return shown.translate(MARKS)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
