"""The errors of auditwake. Each message says what, where, why, and what to do.

| error | also | raised when |
| --- | --- | --- |
| `AuditwakeError` | | the root: catch it to catch them all |
| `SourceError` | | a source names nothing that can be opened |
| `SourceNotFoundError` | `SourceError`, `FileNotFoundError` | a file or pattern matches nothing |
| `InputError` | | a file broke off and `on_error="raise"` was asked for; has `file` and `offset` |
| `RejectedError` | | a line was rejected and `on_error="raise"` was asked for |
| `ColumnError` | `ValueError` | there is no such column or group |
| `OutputError` | | the output cannot be written |
| `StateError` | | the state of a tail is in use, or cannot be read or written |
| `SinkError` | | a sink did not take rows; they are not lost, and are written again |
| `ConfigError` | `ValueError` | the configuration of the agent cannot be used; `problems` has each place |
| `PolicyError` | `ValueError` | kube-apiserver would refuse an audit policy; has `line` and `column` |
| `QuestionError` | `ValueError` | a question is none, or cannot be asked so |
| `RbacError` | `ValueError` | roles and bindings cannot be read |
| `RuleError` | `ConfigError` | a detection rule cannot be used; `problems` has each place |

Example:
    >>> import auditwake as aw
    >>> try:
    ...     aw.read("no-such.log")
    ... except FileNotFoundError as error:
    ...     isinstance(error, aw.errors.AuditwakeError)
    True
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditwake._core import (
    AuditwakeError,
    ColumnError,
    InputError,
    OutputError,
    RejectedError,
    SourceError,
    SourceNotFoundError,
    StateError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AuditwakeError",
    "ColumnError",
    "ConfigError",
    "ConfigProblem",
    "InputError",
    "OutputError",
    "PolicyError",
    "QuestionError",
    "RbacError",
    "RejectedError",
    "RuleError",
    "SinkError",
    "SourceError",
    "SourceNotFoundError",
    "StateError",
]

LONGEST_MESSAGE, LONGEST_LINE, MOST_ERRORS = 1000, 120, 10


class SinkError(AuditwakeError):
    """A sink did not take rows: nothing of them is acknowledged, and they are written again.

    Attributes:
        needs_a_person: Whether trying again is of no use until somebody has changed something.

    Example:
        >>> raise SinkError("the table cannot be written: no space left")
        Traceback (most recent call last):
        ...
        auditwake.errors.SinkError: the table cannot be written: no space left
    """

    def __init__(self, message: str, *, needs_a_person: bool = False) -> None:
        super().__init__(message)
        self.needs_a_person = needs_a_person


class QuestionError(AuditwakeError, ValueError):
    """A question is none, cannot be asked so, or its SQL is wrong; the message says what to write instead.

    Example:
        >>> raise QuestionError("there is no question 'slo'; did you mean slow?")
        Traceback (most recent call last):
        ...
        auditwake.errors.QuestionError: there is no question 'slo'; did you mean slow?
    """


class RbacError(AuditwakeError, ValueError):
    """Roles and bindings cannot be read; the message says where, why, and how to write them.

    Example:
        >>> raise RbacError("dump.yaml: there is neither a role nor a binding in it")
        Traceback (most recent call last):
        ...
        auditwake.errors.RbacError: dump.yaml: there is neither a role nor a binding in it
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing that is wrong in a configuration. No secret stands in any of its texts.

    Attributes:
        file: The file as it was named, or the environment variable.
        line: From 1; None where no place is known.
        column: From 1; None where no place is known.
        path: The key, such as `logs[0].path`; empty where it is none.
        message: What is wrong.
        remedy: What to do.
        shown: The line of the file, with secrets masked, and a caret under the place; empty where there is none.

    Example:
        >>> print(ConfigProblem(file="conf.yaml", line=2, column=5, path="logs", message="is empty", remedy="add one"))
        conf.yaml:2:5: logs: is empty
          add one
    """

    file: str
    line: int | None = None
    column: int | None = None
    path: str = ""
    message: str
    remedy: str = ""
    shown: str = ""

    def __str__(self) -> str:
        place = "" if self.line is None else f":{self.line}:{self.column}"
        path = f" {self.path}:" if self.path else ""
        remedy = f"  {self.remedy}" if self.remedy else ""
        return "\n".join(part for part in (f"{self.file}{place}:{path} {self.message}", self.shown, remedy) if part)


class ConfigError(AuditwakeError, ValueError):
    """The configuration of the agent cannot be used.

    Attributes:
        problems: Everything that is wrong in it, at once.

    Example:
        >>> raise ConfigError([ConfigProblem(file="conf.d", message="no such directory", remedy="make it")])
        Traceback (most recent call last):
        ...
        auditwake.errors.ConfigError: conf.d: no such directory
          make it
    """

    def __init__(self, problems: "Sequence[ConfigProblem]") -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class RuleError(ConfigError):
    """A detection rule cannot be used.

    Attributes:
        problems: Everything that is wrong in the rules, at once.

    Example:
        >>> raise RuleError([ConfigProblem(file="own.yaml", line=3, column=1, path="level", message="is missing")])
        Traceback (most recent call last):
        ...
        auditwake.errors.RuleError: own.yaml:3:1: level: is missing
    """


class PolicyError(AuditwakeError, ValueError):
    r"""kube-apiserver would refuse this audit policy.

    Attributes:
        server_message: What the server says, in full and with nothing added; where a limit of ours is met, what we say.
        name: The file, as it was named.
        line: The line, from 1; None where no place is known.
        column: The character in that line, from 1; None where no place is known.
        path: The key or item, such as `rules[0].level`; None where it is none.
        remedy: What to do.
        errors: Each error, where validation found several; otherwise this one.

    Example:
        >>> from auditwake.policy import loads
        >>> try:
        ...     loads("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: All\n", name="policy.yaml")
        ... except PolicyError as error:
        ...     print(error)
        rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"
          policy.yaml:4:3
          | - level: All
          |   ^
        use one of None, Metadata, Request, RequestResponse
    """

    def __init__(
        self,
        server_message: str,
        *,
        name: str,
        remedy: str,
        line: int | None = None,
        column: int | None = None,
        source_line: str = "",
        path: str | None = None,
        errors: "Sequence[PolicyError]" = (),
    ) -> None:
        super().__init__(server_message)
        self.server_message = server_message
        self.name = name
        self.line = line
        self.column = column
        self.path = path
        self.remedy = remedy
        self.errors: tuple[PolicyError, ...] = tuple(errors) or (self,)
        self._source_line = source_line

    def __reduce__(self) -> tuple[object, ...]:
        details = {
            "name": self.name,
            "remedy": self.remedy,
            "line": self.line,
            "column": self.column,
            "source_line": self._source_line,
            "path": self.path,
            "errors": () if self.errors == (self,) else self.errors,
        }
        return _again, (self.server_message, details)

    def __str__(self) -> str:
        if self.errors == (self,):
            return f"{_cut(self.server_message)}\n{self.where}\n{self.remedy}"
        shown = [str(error) for error in self.errors[:MOST_ERRORS]]
        more = len(self.errors) - len(shown)
        return "\n".join([f"{self.name}: {len(self.errors)} errors", *shown, *([f"and {more} more"] if more else [])])

    @property
    def where(self) -> str:
        """The place, with the line that it is in and a caret under it."""
        if self.line is None or self.column is None:
            return f"  {self.name}"
        # A long line is shown around the place.
        first = max(self.column - LONGEST_LINE // 2, 0)
        line = "".join(char if char.isprintable() else " " for char in self._source_line[first:][:LONGEST_LINE])
        caret = " " * (self.column - 1 - first)
        return f"  {self.name}:{self.line}:{self.column}\n  | {line}\n  | {caret}^"


def _again(server_message: str, details: dict[str, Any]) -> PolicyError:
    """Make an error anew, on the other side of a process or a pickle."""
    return PolicyError(server_message, **details)


def _cut(message: str) -> str:
    """Cut what is long: one of the server's messages quotes the whole file."""
    shown = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in message)
    return shown if len(shown) <= LONGEST_MESSAGE else f"{shown[:LONGEST_MESSAGE]}… ({len(message)} characters)"
