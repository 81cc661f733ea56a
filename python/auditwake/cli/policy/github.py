"""Annotations of GitHub Actions: workflow commands, one a line, that show up beside the line of the file."""

from auditwake.cli.style import escape

__all__ = ["annotation"]

COMMANDS = {"note": "notice", "warning": "warning", "error": "error"}
"""What GitHub calls the severities."""


def annotation(severity: str, place: tuple[str, int | None, int | None], title: str, lines: list[str]) -> str:
    """Give an annotation.

    Args:
        severity: `note`, `warning` or `error`.
        place: The file, the line and the column, where they are known.
        title: What stands above.
        lines: What stands below.

    Example:
        >>> annotation("note", ("a,b.yaml", 3, 1), "AWP523 request-received", ["100% of it", "twice"])
        '::notice file=a%2Cb.yaml,line=3,col=1,title=AWP523 request-received::100%25 of it%0Atwice'
    """
    name, line, column = place
    where = f"file={_property(name)},line={line or 1},col={column or 1},title={_property(title)}"
    return f"::{COMMANDS[severity]} {where}::{_data(lines)}"


def _data(lines: list[str]) -> str:
    return "\n".join(map(escape, lines)).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data([text]).replace(":", "%3A").replace(",", "%2C")
