"""The tables of `docs/agent-config.md`, written from the table of keys: `make docs`."""

from typing import Final

from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.keys import DATADOG, ENDPOINT, FILE, LOG, LOGS_CONFIG, PROXY
from auditwake.forwarder.config.own import BACKOFF, BATCHING, OWN, RETENTION, SINK, WEBHOOK
from auditwake.forwarder.config.rules import RULE
from auditwake.pages import between, write

__all__ = ["section", "updated"]

BEGIN: Final = "<!-- keys: written by `make docs` from the table -->\n"
END: Final = "<!-- end of keys -->\n"
ORDER: Final = (
    FILE,
    LOG,
    RULE,
    DATADOG,
    LOGS_CONFIG,
    ENDPOINT,
    PROXY,
    OWN,
    SINK,
    BATCHING,
    BACKOFF,
    RETENTION,
    WEBHOOK,
)
KINDS: Final = {
    "text": "string",
    "word": "string",
    "words": "list",
    "whole": "whole number",
    "number": "number",
    "flag": "true or false",
    "path": "path",
    "url": "URL",
    "secret": "secret",
    "map": "map",
    "secrets": "map of secrets",
    "group": "map",
    "groups": "list of maps",
    "any": "",
}


def section() -> str:
    """Give the section: a table for each map, and what has no effect.

    Example:
        >>> section().splitlines()[0]
        '### A file of `conf.d`'
    """
    return "\n".join(line for group in ORDER for line in _group(group))


def updated(page: str) -> str:
    """Give the page with its section written anew.

    Args:
        page: The page as it stands.

    Raises:
        ValueError: The page has no place for the section.
    """
    return between(page, BEGIN, END, section())


def _group(group: Group) -> list[str]:
    lines = [f"### {group.title}", "", group.about, "", *_table(group.keys)]
    for variant in group.variants.values():
        lines += [f"#### {variant.title}", "", variant.about, "", *_table(variant.keys)]
    return lines


def _table(keys: tuple[Key, ...]) -> list[str]:
    used = [key for key in keys if not key.ignored]
    variables = any(key.env for key in used)
    heads = ["key", "type", "default", *(["variable"] if variables else []), "meaning"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for key in used:
        variable = [f"`{key.env}`" if key.env else ""] if variables else []
        lines.append(_row([f"`{key.name}`", KINDS[key.kind], _default(key), *variable, key.meaning]))
    ignored = [key for key in keys if key.ignored]
    if ignored:
        lines += [
            "",
            "Legal, and without effect, which a warning says:",
            "",
            _row(["key", "why"]),
            _row(["---", "---"]),
        ]
        lines += [_row([f"`{key.name}`", key.reason]) for key in ignored]
    return [*lines, ""]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(key: Key) -> str:
    if key.required or key.needed_by:
        return "required"
    if key.shown:
        return key.shown
    if key.default in (None, "", (), {}):
        return ""
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    return f"`{key.default:g}`" if isinstance(key.default, float) else f"`{key.default}`"


if __name__ == "__main__":
    write(updated)
