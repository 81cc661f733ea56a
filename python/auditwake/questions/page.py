"""The list of questions in `docs/questions.md`, written from the files of SQL: `make docs`."""

import re
from typing import Final

from auditwake.pages import between, write
from auditwake.questions.question import Question, names, question

__all__ = ["updated"]

BEGIN: Final = "<!-- questions: written by make docs -->\n"
END: Final = "<!-- end of questions -->\n"
HEADER: Final = re.compile(r"^(of|needs|limit|note|\$\w+ =)", re.MULTILINE)
COMMANDS: Final = {
    "denied_why": "denied --why",
    "slow_explain": "slow --explain",
    "slow_requests": "slow --requests",
    "top_lists": "top --lists",
    "top_busy": "top --at-work",
    "errors_timeline": "errors --timeline",
    "history_bodies": "history --diff",
    "who_anonymous": "who --anonymous",
    "who_impersonated": "who --impersonated",
}
"""Question -> the command that asks it, where it is not called the same."""


def updated(page: str) -> str:
    """Give the page with its list of questions written anew.

    Example:
        >>> "auditwake denied" in updated(BEGIN + END)
        True
    """
    return between(page, BEGIN, END, "\n".join(map(_entry, map(question, names()))))


def _entry(asked: Question) -> str:
    command = COMMANDS.get(asked.name, asked.name)
    parts = (f"### `auditwake {command}`", asked.title, _meaning(asked))
    return "\n\n".join(part for part in parts if part) + "\n"


def _meaning(asked: Question) -> str:
    """Give what its comment says below the title, as far as it is for people."""
    head = asked.sql.split("\nselect", 1)[0].split("\nwith", 1)[0]
    lines = [line.removeprefix("--").strip() for line in head.splitlines() if line.startswith("--")][1:]
    return "\n".join(line for line in lines if not HEADER.match(line)).strip()


if __name__ == "__main__":
    write(updated)
