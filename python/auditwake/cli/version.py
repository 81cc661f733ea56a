"""`--version`: the versions of all parts that decide what comes out."""

import argparse
import os
import platform
from collections.abc import Sequence

from auditwake import _core

__all__ = ["VersionAction", "versions"]


def versions() -> str:
    """Say the versions of the package, the core, pyarrow and Python, and the SIMD level in use.

    Example:
        >>> versions().split()[0]
        'auditwake'
    """
    from importlib.metadata import version

    # Asked of the installed package, since importing pyarrow takes longer than all the rest.
    return (
        f"auditwake {version('auditwake')} "
        f"(core {_core.__version__}, SIMD {simd()}, pyarrow {version('pyarrow')}, "
        f"Python {platform.python_version()})"
    )


def simd() -> str:
    """Say the SIMD level in use, and that `AUDITWAKE_SIMD` names none that could be: the core takes no notice of it."""
    used, asked = _core.simd_level(), os.environ.get("AUDITWAKE_SIMD")
    # In ASCII, whatever bytes the environment holds.
    return used if asked in {None, "", used} else f"{used} (AUDITWAKE_SIMD={asked!a} is none of this machine's)"


class VersionAction(argparse.Action):
    """Print the versions and exit."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:  # noqa: A002  # argparse's name
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Do it."""
        print(versions())
        parser.exit()
