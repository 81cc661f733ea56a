"""Memory, time and files of this process: from `/proc` on Linux, elsewhere what Python knows."""

import os
import sys
import time
from pathlib import Path

from auditwake.forwarder.metrics.families import Page

__all__ = ["add_process"]

PROC = Path("/proc/self")
# Fields of /proc/self/stat behind the name of the program, which may hold anything and ends with the last ")".
USER_TICKS, SYSTEM_TICKS, VIRTUAL_BYTES, RESIDENT_PAGES = 11, 12, 20, 21


def add_process(page: Page, started: float) -> None:
    """Add the metrics of this process; one that cannot be had is left out.

    Args:
        page: Where they go.
        started: When the agent was started, in seconds since the epoch.

    Example:
        >>> page = Page()
        >>> add_process(page, 1.5)
        >>> "process_start_time_seconds 1.5" in page.text()
        True
    """
    page.add("process_start_time_seconds", started)
    try:
        fields = (PROC / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        page.add("process_open_fds", len(os.listdir(PROC / "fd")))  # noqa: PTH208  # no path is needed of each
    except OSError:
        page.add("process_cpu_seconds_total", time.process_time())
    else:
        ticks = int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])
        page.add("process_cpu_seconds_total", ticks / os.sysconf("SC_CLK_TCK"))
        page.add("process_virtual_memory_bytes", int(fields[VIRTUAL_BYTES]))
        page.add("process_resident_memory_bytes", int(fields[RESIDENT_PAGES]) * os.sysconf("SC_PAGE_SIZE"))
    page.add("process_max_fds", _most_files())


def _most_files() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit
