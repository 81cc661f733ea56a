"""Where a route keeps its offsets: a place that does not depend on the order of the configuration."""

import hashlib
import re
from pathlib import Path

__all__ = ["route_directory"]

LONGEST_SLUG = 80


def route_directory(state: Path, sink: str, path: str) -> Path:
    """Give the state directory of the way from a log to a sink.

    Args:
        state: The agent's directory.
        sink: Name of the sink.
        path: Path or pattern of the log, as the configuration has it.

    Example:
        >>> route_directory(Path("state"), "datadog", "/var/log/audit.log").as_posix()
        'state/routes/datadog/var-log-audit.log-ee2fbac3'
    """
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", path).strip("-.")[-LONGEST_SLUG:].strip("-.")
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return state / "routes" / sink / (f"{slug}-{digest}" if slug else digest)
