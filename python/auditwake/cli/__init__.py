"""The command line: one small file a command, with no logic of its own.

Data goes to standard output, all else to standard error. Nothing heavy is imported before a command runs, so that
`--help` answers at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditwake.cli import cat, convert, demo, schema
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.style import escape
from auditwake.cli.version import VersionAction
from auditwake.errors import AuditwakeError, ColumnError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main", "parser"]

COMMANDS = (demo, convert, cat, schema)
EXIT_CODES = "exit codes: 0 fine, 1 failure, 2 usage, 3 finished but lines were rejected, 130 interrupted"


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
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for module in COMMANDS:
        one = commands.add_parser(
            module.__name__.rpartition(".")[2], help=module.HELP, description=module.DESCRIPTION, epilog=EXIT_CODES
        )
        module.add_arguments(one)
        one.set_defaults(run=module.run)
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
    args = parser().parse_args(argv)
    run: Callable[[argparse.Namespace], Exit] = args.run
    try:
        code = run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    except (UsageError, ColumnError) as error:
        return _failed(error, Exit.USAGE)
    except (AuditwakeError, OSError, ImportError, ValueError) as error:
        return _failed(error, Exit.FAILURE)
    return code


def _failed(error: Exception, code: Exit) -> Exit:
    print(f"auditwake: {escape(str(error))}", file=sys.stderr)
    return code


def _pipe_closed() -> Exit:
    """End quietly when the reader of our output has gone, as `head` does; Python's last flush must find a file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.BROKEN_PIPE
