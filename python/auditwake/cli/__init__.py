"""The command line: one small file a command, with no logic of its own.

Data goes to standard output, all else to standard error. Nothing heavy is imported before a command runs, so that
`--help` answers at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from auditwake.cli import agent, cat, convert, demo, detect, doctor, policy, questions, rbac, report, schema, tail
from auditwake.cli.commands import EXIT_CODES, Command, add_commands
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.style import escape
from auditwake.cli.version import VersionAction
from auditwake.cli.where import WhereError
from auditwake.errors import AuditwakeError, ColumnError, ConfigError, PolicyError, QuestionError

__all__ = ["main", "parser"]

COMMANDS: tuple[Command, ...] = (
    demo,
    convert,
    cat,
    tail,
    schema,
    policy,
    *questions.COMMANDS,
    rbac,
    detect,
    report,
    agent,
    doctor,
)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line.

    Example:
        >>> parser().parse_args(["cat", "-"]).sources
        ['-']
    """
    top = argparse.ArgumentParser(
        prog="auditwake",
        description="Kubernetes audit logs to Arrow and Parquet: every byte accounted for.",
        epilog=EXIT_CODES,
    )
    top.add_argument("--version", action=VersionAction, help="print the versions of all parts and exit")
    add_commands(top, COMMANDS, "command")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The arguments after the name of the program; None for those of the process.

    Returns:
        The exit code; see `auditwake.cli.exits`.

    Example:
        >>> int(main(["schema", "--columns", "no-such-column"]))
        2
    """
    code = _run(parser().parse_args(argv))
    if argv is None and code in {Exit.INTERRUPTED, Exit.BROKEN_PIPE}:
        _forget_unwritten()
    return code


def _run(args: argparse.Namespace) -> int:
    command: Command = args.command
    try:
        code = command.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.BROKEN_PIPE
    except (UsageError, ColumnError, QuestionError) as error:
        return _failed(error, Exit.USAGE)
    except (ConfigError, PolicyError) as error:
        return _failed(error, Exit.CONFIG)
    except (AuditwakeError, OSError, ImportError, ValueError) as error:
        return _failed(error, Exit.FAILURE)
    return code


def _failed(error: Exception, code: Exit) -> Exit:
    lines = str(error).split("\n") if isinstance(error, (ConfigError, PolicyError, WhereError)) else [str(error)]
    print("auditwake: " + "\n".join(map(escape, lines)), file=sys.stderr)
    return code


def _forget_unwritten() -> None:
    """Let the process end without what is still to be written, as `head` and a program that Ctrl-C kills do.

    Python writes it at the very end: to a reader that has gone that is an error, and one that does not read holds us.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
