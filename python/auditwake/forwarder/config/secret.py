"""Secrets that cannot be printed by accident."""

import errno
import os
from pathlib import Path

__all__ = ["Secret", "SecretFile"]

SHOWN = 5


class Secret:
    """A key or token. No `repr`, `str`, comparison, pickle or format of it shows it; `reveal` gives it.

    Example:
        >>> key = Secret("0123456789abcdef0123456789abcdef")
        >>> key, f"{key}", key.masked
        (Secret('***'), '***', '***...bcdef')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the secret, for the one header that it belongs into."""
        return self._text

    @property
    def masked(self) -> str:
        """The last characters, as the Agent's status shows a key; nothing of a short one."""
        return f"***...{self._text[-SHOWN:]}" if len(self._text) >= 4 * SHOWN else "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> tuple[object, ...]:
        message = "a secret is not written anywhere"
        raise TypeError(message)


class SecretFile:
    """A secret that stands in a file, as Kubernetes mounts it: read again when the file has changed.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w+") as file:
        ...     _ = file.write("abc"), file.flush()
        ...     SecretFile(file.name).current().reveal()
        'abc'
    """

    __slots__ = ("_known", "_stamp", "path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._stamp: tuple[int, int, int] | None = None
        self._known = Secret("")

    def current(self) -> Secret:
        """Give what stands in the file now, without white space around it.

        Raises:
            OSError: The file cannot be read, or is no text.
        """
        status = self.path.stat()
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            try:
                text = self.path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                raise OSError(errno.EILSEQ, "it is no text", str(self.path)) from None
            self._known = Secret(text.strip())
            self._stamp = stamp
        return self._known

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretFile) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"SecretFile({str(self.path)!r})"
