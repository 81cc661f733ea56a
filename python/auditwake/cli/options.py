"""Options that several commands share, so that they are called the same and mean the same everywhere."""

import argparse
import os
import re
from typing import Final

from auditwake.cli.exits import UsageError
from auditwake.cli.when import back_from_now, duration
from auditwake.numbers import MOST_THREADS
from auditwake.policy.loading.versions import NEWEST, find_server

__all__ = [
    "add_columns",
    "add_kube_version",
    "add_policy",
    "add_sources",
    "add_threads",
    "micros",
    "names",
    "only_one_stdin",
    "positive",
    "release",
    "threads",
    "when",
    "whole",
]

RELEASE: Final = re.compile(r"v?(\d+\.\d+)(?:\.\d+)?", re.ASCII)


def only_one_stdin(*given: str) -> None:
    """Refuse to read standard input twice."""
    if given.count("-") > 1:
        message = "standard input can be read once: - stands for one thing only"
        raise UsageError(message)


def names(text: str) -> list[str]:
    """Split a list of names at its commas.

    Example:
        >>> names("verb, code")
        ['verb', 'code']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add the sources to read."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="file, directory, pattern, URL, or - for standard input; plain, gzip or zstd",
    )


def add_policy(parser: argparse.ArgumentParser, *, name: str = "policy", metavar: str = "POLICY") -> None:
    """Add an audit policy to read.

    Args:
        parser: The parser.
        name: Where the arguments have it.
        metavar: What the help calls it.
    """
    parser.add_argument(name, metavar=metavar, help="an audit policy, YAML or JSON, or - for standard input")


def add_kube_version(parser: argparse.ArgumentParser) -> None:
    """Add the server whose answers are wanted."""
    newest = ".".join(map(str, NEWEST))
    parser.add_argument(
        "--kube-version",
        type=kube_version,
        default=newest,
        metavar="VERSION",
        help=f"the kube-apiserver whose answers are wanted (default: {newest})",
    )


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Add the selection of columns."""
    parser.add_argument(
        "--columns",
        type=names,
        metavar="NAMES",
        help="columns and groups (core, derived, bodies, all), with commas between them; see `auditwake schema`",
    )
    parser.add_argument(
        "--no-bodies", dest="bodies", action="store_false", help="leave out request and response bodies"
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the number of threads."""
    parser.add_argument("--threads", type=threads, metavar="N", help=f"threads (default: all cores, {os.cpu_count()})")


def threads(text: str) -> int:
    """Read a number of threads.

    Example:
        >>> threads("2")
        2
    """
    number = positive(text)
    if number > MOST_THREADS:
        message = f"{text} is more than {MOST_THREADS:,} threads"
        raise argparse.ArgumentTypeError(message)
    return number


def kube_version(text: str) -> str:
    """Read the version of a server whose answers are known.

    Example:
        >>> kube_version("v1.36.4")
        '1.36'
    """
    try:
        return find_server(text).version
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def when(text: str) -> int:
    """Read a time, or a duration back from now, as microseconds from 1970.

    Example:
        >>> when("1970-01-01T00:00:01Z")
        1000000
    """
    try:
        return back_from_now(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def micros(text: str) -> int:
    """Read a duration as microseconds.

    Example:
        >>> micros("1.5s")
        1500000
    """
    span = duration(text)
    if span is None:
        message = f"{text!r} is no duration such as 500ms or 1.5s"
        raise argparse.ArgumentTypeError(message)
    return int(span)


def release(text: str) -> str:
    """Read a release of Kubernetes.

    Example:
        >>> release("v1.36")
        '1.36'
    """
    match = RELEASE.fullmatch(text)
    if match is None:
        message = f"{text!r} is no release such as 1.36"
        raise argparse.ArgumentTypeError(message)
    return match[1]


def whole(text: str) -> int:
    """Read a whole number, zero or above."""
    number = int(text)
    if number < 0:
        message = f"{text} is negative"
        raise argparse.ArgumentTypeError(message)
    return number


def positive(text: str) -> int:
    """Read a whole number above zero."""
    number = int(text)
    if number < 1:
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return number
