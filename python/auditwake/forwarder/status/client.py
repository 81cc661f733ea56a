"""The command line's side of `status` and `stream-logs`."""

import contextlib
import errno
import socket
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auditwake.errors import AuditwakeError
from auditwake.forwarder.snapshot import AgentSnapshot
from auditwake.forwarder.status.endpoint import connect
from auditwake.forwarder.status.stream import Filters
from auditwake.forwarder.status.wire import Lines, WireError, send_line

__all__ = ["Dropped", "Unheard", "ask_status", "follow"]

TIMEOUT = 10.0
MOST_ANSWER = 256 << 20


@dataclass(frozen=True, slots=True)
class Dropped:
    """Stands in a stream where events were left out, since the reader was too slow."""

    events: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """Stands at the beginning of a stream: sinks that take rows, whose events it does not have."""

    sinks: tuple[str, ...]


def ask_status(path: Path) -> AgentSnapshot:
    """Ask an agent how it stands.

    Args:
        path: Its socket.

    Raises:
        AuditwakeError: No agent answers there.

    Example:
        >>> try:
        ...     ask_status(Path("no-such.sock"))
        ... except AuditwakeError as error:
        ...     print(str(error).partition(";")[0])
        no-such.sock: no agent is running there
    """
    with contextlib.closing(_asked(path, {"command": "status"})) as answers:
        for answer in answers:
            if "snapshot" in answer:
                try:
                    return AgentSnapshot.from_dict(answer["snapshot"])
                except (TypeError, KeyError) as error:
                    message = f"{path}: the agent that runs is of another version: restart it"
                    raise AuditwakeError(message) from error
    message = f"{path}: the agent broke off; ask again"
    raise AuditwakeError(message)


def follow(path: Path, filters: Filters) -> Iterator[str | Dropped | Unheard]:
    """Give the events that an agent sends from now on, until it stops.

    Args:
        path: Its socket.
        filters: Which events.

    Yields:
        A line as the Agent's `stream-logs` has it, how many events were left out here, or which sinks are.

    Raises:
        AuditwakeError: No agent answers there.
    """
    wanted = {name: value for name, value in asdict(filters).items() if value is not None}
    with contextlib.closing(_asked(path, {"command": "stream-logs", "filters": wanted}, forever=True)) as answers:
        for answer in answers:
            if "line" in answer:
                yield str(answer["line"])
            elif "dropped" in answer:
                yield Dropped(int(answer["dropped"]))
            elif answer.get("unheard"):
                yield Unheard(tuple(map(str, answer["unheard"])))


def _asked(path: Path, request: dict[str, Any], *, forever: bool = False) -> Generator[dict[str, Any], None, None]:
    """Ask, and give the answers."""
    peer, token = _connected(path)
    answered = False
    with peer:
        try:
            # Who is sent away is told why before it has asked.
            with contextlib.suppress(ConnectionError):
                send_line(peer, {**request, "token": token} if token else request, TIMEOUT)
            lines = Lines(peer, MOST_ANSWER)
            while (answer := lines.next(None if forever else TIMEOUT)) is not None:
                if "error" in answer:
                    message = f"{path}: {answer['error']}"
                    raise AuditwakeError(message)
                answered = True
                yield answer
        except (OSError, WireError) as error:
            if isinstance(error, ConnectionError) and forever and answered:
                return
            message = f"{path}: the agent does not answer: {error}; ask again, or look at its log"
            raise AuditwakeError(message) from error
    if not answered:
        message = f"{path}: the agent broke off before it had answered; ask again, or look at its log"
        raise AuditwakeError(message)


def _connected(path: Path) -> tuple[socket.socket, str | None]:
    try:
        return connect(path)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        message = (
            f"{path}: no agent is running there; `auditwake agent run` starts one, and --socket names another socket"
        )
        raise AuditwakeError(message) from error
    except PermissionError as error:
        message = f"{path}: only the agent's own user and root may ask it"
        raise AuditwakeError(message) from error
    except OSError as error:
        why = "it has no thread to spare" if error.errno == errno.EAGAIN else error.strerror or str(error)
        message = f"{path}: the agent does not answer: {why}"
        raise AuditwakeError(message) from error
