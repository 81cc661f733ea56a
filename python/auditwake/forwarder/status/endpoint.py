"""Where the agent listens: a Unix socket, or loopback with a token in a file where there are none (Windows)."""

import contextlib
import errno
import json
import os
import secrets
import socket
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from auditwake.errors import AuditwakeError

__all__ = ["Endpoint", "connect", "listen"]

HAS_UNIX = sys.platform != "win32" and hasattr(socket, "AF_UNIX")
BACKLOG = 32
TIMEOUT = 5.0
MOST_TOKEN_FILE = 4096


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that is listened on.

    Attributes:
        path: The socket, or the file with port and token.
        listener: What accepts peers.
        token: What a peer has to say; None on a Unix socket.
        identity: Device and inode of what was made at the path.
    """

    path: Path
    listener: socket.socket
    token: str | None
    identity: tuple[int, int]

    def close(self) -> None:
        """Let go of the place, unless it is another's by now."""
        self.listener.close()
        with contextlib.suppress(OSError):
            if _identity(self.path) == self.identity:
                self.path.unlink()


def listen(path: Path, *, unix: bool = HAS_UNIX) -> Endpoint:
    """Listen at a path, which nobody but its owner can open from the first moment on.

    What is left of a process that is gone is replaced; what somebody answers at is not.

    Args:
        path: Where; its directory is made, for its owner alone, if it is not there.
        unix: Whether by a Unix socket; else on loopback, and the file says port and token.

    Raises:
        AuditwakeError: Somebody answers there, it is no socket, or it cannot be made.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     endpoint = listen(Path(folder) / "agent.sock")
        ...     endpoint.path.exists(), endpoint.close(), endpoint.path.exists()
        (True, None, False)
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_sure_it_is_free(path)
        # Made in a directory of its own, for its owner alone, and moved: in no moment can others open it.
        with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as private:
            made = Path(private) / "s"
            listener, token = _unix(made) if unix else _loopback(made)
            identity = _identity(made)
            made.replace(path)
    except OSError as error:
        message = (
            f"{path}: the agent cannot listen there: {_why(error)}; `socket:` of the configuration names another path"
        )
        raise AuditwakeError(message) from error
    return Endpoint(path, listener, token, identity)


def connect(path: Path) -> tuple[socket.socket, str | None]:
    """Connect to the agent that listens at a path.

    Returns:
        The socket, and what to say as `token`; None on a Unix socket.

    Raises:
        OSError: Nobody answers there, or it may not be opened.
    """
    if stat.S_ISSOCK(path.stat().st_mode):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        return _connected(peer, os.fspath(path)), None
    port, token = _token_file(path)
    return _connected(socket.socket(socket.AF_INET, socket.SOCK_STREAM), ("127.0.0.1", port)), token


def _connected(peer: socket.socket, address: str | tuple[str, int]) -> socket.socket:
    peer.settimeout(TIMEOUT)
    try:
        peer.connect(address)
    except BaseException:
        peer.close()
        raise
    return peer


def _unix(made: Path) -> tuple[socket.socket, None]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(os.fspath(made))
        made.chmod(0o600)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener, None


def _loopback(made: Path) -> tuple[socket.socket, str]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        token = secrets.token_hex(32)
        text = json.dumps({"port": listener.getsockname()[1], "token": token})
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123  # of a descriptor
            file.write(text)
    except BaseException:
        listener.close()
        raise
    return listener, token


def _make_sure_it_is_free(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    ours = stat.S_ISSOCK(mode) or (stat.S_ISREG(mode) and _is_token_file(path))
    if not ours:
        raise FileExistsError(errno.EEXIST, "something else is there, and it is left alone", os.fspath(path))
    try:
        peer, _ = connect(path)
    except ConnectionRefusedError:
        return
    except FileNotFoundError:
        return
    peer.close()
    raise OSError(errno.EADDRINUSE, "another agent answers there", os.fspath(path))


def _token_file(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        text = file.read(MOST_TOKEN_FILE)
    try:
        values = json.loads(text)
        return int(values["port"]), str(values["token"])
    except (ValueError, TypeError, KeyError) as error:
        raise OSError(errno.EINVAL, "it is neither a socket nor the file of an agent", os.fspath(path)) from error


def _is_token_file(path: Path) -> bool:
    try:
        _token_file(path)
    except OSError:
        return False
    return True


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _why(error: OSError) -> str:
    return error.strerror or str(error)
