"""What systemd is told over `NOTIFY_SOCKET`; nothing where there is none."""

import os
import socket
import time
from contextlib import suppress

__all__ = ["notify", "watchdog_seconds"]


def notify(**values: str) -> None:
    """Tell the service manager something: `READY="1"`, `STATUS="..."`; it is never waited for.

    Example:
        >>> notify(READY="1")
    """
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return
    if "RELOADING" in values and hasattr(time, "CLOCK_MONOTONIC"):
        # `Type=notify-reload` wants to know when it began.
        values["MONOTONIC_USEC"] = str(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
    said = "\n".join(f"{name}={value}" for name, value in values.items()).encode()
    # It may have gone, or not read, or there may be no descriptor left: the log says the same.
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)) as peer,
    ):
        peer.setblocking(False)  # noqa: FBT003  # it has no other name
        peer.sendto(said, "\0" + path[1:] if path.startswith("@") else path)


def watchdog_seconds() -> float | None:
    """Give how often the service manager wants to hear of us, in seconds: twice in its time; None if it does not.

    Example:
        >>> watchdog_seconds() is None
        True
    """
    told, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not told.isdigit() or pid not in {"", str(os.getpid())}:
        return None
    return int(told) / 2_000_000
