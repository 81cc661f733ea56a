"""The commands that ask a log: one a question. What a question means stands in its file of SQL."""

from auditwake.cli.commands import Command
from auditwake.cli.questions import (
    admission,
    denied,
    deprecated,
    errors,
    exec,  # noqa: A004  # the command is called so
    history,
    secrets,
    slow,
    sql,
    top,
    who,
)

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (denied, slow, top, errors, admission, history, exec, secrets, deprecated, who, sql)
