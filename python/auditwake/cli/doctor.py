"""`auditwake doctor`: what stands between a request and its event at the sink."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final, TextIO

from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.style import Style, counted, escape

if TYPE_CHECKING:
    from auditwake.forwarder.doctor import Facts, Finding

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "check a node: the server's flags, policy, log, rotation, disk, sinks, configuration and clock"
DESCRIPTION = (
    "Look at everything that audit events pass on a node, and say what loses them, why that matters, and what to do. "
    "Nothing is written, and no event is sent. Exit code 1 when there is an error; with --strict, 3 when there is a "
    "warning. docs/doctor.md has every code."
)

MARKS: Final = {"ok": "✓", "skipped": "-", "warning": "!", "error": "✕"}
ASCII_MARKS: Final = {"ok": "ok", "skipped": "--", "warning": "!!", "error": "XX"}
WIDEST: Final = 110
LONGEST: Final = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("-c", "--config", action="append", type=Path, default=[], metavar="PATH", help="configuration")
    parser.add_argument("--manifest", type=Path, metavar="FILE", help="static pod manifest of kube-apiserver")
    parser.add_argument("--flags-file", type=Path, metavar="FILE", help="its flags, one a line or as a command line")
    parser.add_argument("--log", type=Path, metavar="FILE", help="the audit log, as it is called here")
    parser.add_argument(
        "--kube-version", metavar="VERSION", help="of the server (default: of its image, else the newest)"
    )
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="where the file system of the node is (default: /)"
    )
    parser.add_argument("--offline", action="store_true", help="leave the sinks alone")
    parser.add_argument(
        "--observe", type=_seconds, default=1.0, metavar="SECONDS", help="how long to watch the log (default: 1)"
    )
    parser.add_argument("--strict", action="store_true", help="exit code 3 when there are warnings")
    parser.add_argument("--json", action="store_true", help="for programs")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= LONGEST:
        message = f"{text} is not between 0 and {LONGEST:.0f}"
        raise argparse.ArgumentTypeError(message)
    return seconds


def run(args: argparse.Namespace) -> Exit:
    """Look, judge, and say it."""
    from auditwake.forwarder.doctor import Asked, gather, judge

    _check_version(args.kube_version)
    asked = Asked(
        root=args.root,
        manifest=args.manifest,
        flags_file=args.flags_file,
        kube_version=args.kube_version,
        config=tuple(args.config),
        log=args.log,
        offline=args.offline,
        observe=args.observe,
    )
    facts = gather(asked)
    findings = judge(facts)
    if args.json:
        print(json.dumps(_report(facts, findings)))
    else:
        _print(findings, sys.stdout)
    levels = {finding.level for finding in findings}
    if "error" in levels:
        return Exit.FAILURE
    return Exit.FOUND if args.strict and "warning" in levels else Exit.FINE


def _check_version(text: str | None) -> None:
    from auditwake.forwarder.doctor.version import read_version

    if text is not None and read_version(text) is None:
        message = f"{text!r} is no version such as 1.36"
        raise UsageError(message)


# --- for people ------------------------------------------------------------------------------------------------------


def _print(findings: Sequence["Finding"], stream: TextIO) -> None:
    style, marks = Style(stream), _marks(stream)
    section = ""
    for finding in findings:
        if finding.section != section:
            print(("\n" if section else "") + style.bold(finding.section), file=stream)
            section = finding.section
        for line in _lines(finding, style, marks):
            # What stands in files and names may have letters that the terminal does not.
            print(_shown(line, stream), file=stream)
    counts = [sum(one.level == level for one in findings) for level in ("error", "warning", "skipped")]
    nouns = ("error", "warning", "check")
    told = [counted(count, noun) for count, noun in zip(counts, nouns, strict=True) if count]
    if counts[2]:
        told[-1] += " skipped"
    print("\n" + (", ".join(told) or "nothing is wrong"), file=stream)


def _marks(stream: TextIO) -> dict[str, str]:
    try:
        "".join(MARKS.values()).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII_MARKS
    return ASCII_MARKS if os.environ.get("TERM") == "dumb" else MARKS


def _shown(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)


def _lines(finding: "Finding", style: Style, marks: dict[str, str]) -> Iterator[str]:
    colour = {"ok": style.green, "skipped": style.dim, "warning": style.yellow, "error": style.red}[finding.level]
    mark = colour(marks[finding.level])
    if not finding.code:
        yield f"  {mark} {finding.check}: {escape(finding.message)}"
        return
    yield f"  {mark} {style.bold(f'{finding.code} {finding.name}')}: {_escape_lines(finding.message)[0]}"
    yield from (f"      {line}" for line in _escape_lines(finding.message)[1:])
    if finding.where is not None:
        yield f"      at:  {escape(str(finding.where))}"
    yield from wrap(escape(finding.why), WIDEST, initial_indent="      why: ", subsequent_indent=" " * 11)
    first, *rest = _escape_lines(finding.fix) or [""]
    if rest or first.startswith(" "):
        yield "      fix:"
        yield from (f"        {line}" for line in (first, *rest))
    else:
        yield f"      fix: {first}"


def _escape_lines(text: str) -> list[str]:
    return [escape(line) for line in text.splitlines()] or [""]


# --- for programs ----------------------------------------------------------------------------------------------------


def _report(facts: "Facts", findings: Sequence["Finding"]) -> dict[str, object]:
    return {
        "healthy": not any(one.level in {"warning", "error"} for one in findings),
        "errors": sum(one.level == "error" for one in findings),
        "warnings": sum(one.level == "warning" for one in findings),
        "kube_version": facts.kube_version,
        "findings": [_finding(one) for one in findings],
    }


def _finding(finding: "Finding") -> dict[str, object]:
    return {
        "level": finding.level,
        "section": finding.section,
        "check": finding.check,
        "code": finding.code or None,
        "name": finding.name or None,
        "message": finding.message,
        "file": finding.where.file if finding.where else None,
        "line": finding.where.line if finding.where else None,
        "why": finding.why or None,
        "fix": finding.fix or None,
    }
