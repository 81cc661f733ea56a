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

Example:
    >>> import auditwake as aw
    >>> try:
    ...     aw.read("no-such.log")
    ... except FileNotFoundError as error:
    ...     isinstance(error, aw.errors.AuditwakeError)
    True
"""

from auditwake._core import (
    AuditwakeError,
    ColumnError,
    InputError,
    OutputError,
    RejectedError,
    SourceError,
    SourceNotFoundError,
)

__all__ = [
    "AuditwakeError",
    "ColumnError",
    "InputError",
    "OutputError",
    "RejectedError",
    "SourceError",
    "SourceNotFoundError",
]
