"""A log as it would have been under a policy."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from auditwake import _core
from auditwake.errors import OutputError, SourceError
from auditwake.numbers import threads_of
from auditwake.parquet import is_parquet
from auditwake.sources import resolve

if TYPE_CHECKING:
    from auditwake.policy.policy import Policy
    from auditwake.types import Sources

__all__ = ["apply"]


def apply(
    policy: "Policy",
    source: "Sources",
    out: str | os.PathLike[str],
    *,
    threads: int | None = None,
    progress: Callable[[_core.Progress], None] | None = None,
) -> _core.Applied:
    r"""Write what a log would have been under a policy, one event a line.

    Events and stages that the policy does not keep are left out, bodies and managed fields go where kube-apiserver
    would not have written them, and all else stays byte for byte. What was never recorded cannot come back: the level
    of an event is the lower one of its own and the policy's, and events that were dropped then are not there now.

    Args:
        policy: The policy.
        source: Logs as `auditwake.read` takes them.
        out: The file to write, whole or not at all; compressed if its name ends in `.gz` or `.zst`. `-` is standard
            output. Beside a file, `OUT.rejected.ndjson` gets the lines that hold no event, and the events that are no
            valid JSON, so that nobody can say where their bodies end; as they stood in the log.
        threads: How many threads work; None for one a core.
        progress: Called about ten times a second and at the end, from the calling thread.

    Returns:
        What became of the events. Each of `events` is `written`, `dropped_by_level` (the policy's level is None),
        `dropped_by_stage` or `unreduced` (it is among the rejected lines). `event_bytes` counts their texts, and
        `bytes_written` the lines written, before compression; `bodies` were left out of them. `outcomes` has every
        line of the log. `rejects_file` has the rejected lines, and is None when there were none; a stream has none,
        and `rejected` names the first 1000 lines then, without their bytes.

    Raises:
        SourceError: A source names nothing that can be opened.
        OutputError: The output cannot be written, or is one of the inputs.

    Example:
        >>> import auditwake as aw, tempfile
        >>> policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = apply(policy, aw.demo.LOG, f"{folder}/metadata.log.gz")
        ...     {batch["level"][0].as_py() for batch in aw.read(done.out, columns=["level"])}
        {'Metadata'}
        >>> done.written == done.events
        True
    """
    path = os.fspath(out)
    if "://" in path:
        message = f"{path}: apply writes to a local disk, where a rename is atomic; write there, then copy the result"
        raise OutputError(message)
    sources = resolve(source)
    parquet = next((one for one in sources if isinstance(one, str) and is_parquet(Path(one))), None)
    if parquet is not None:
        message = f"{parquet} is Parquet: apply writes events as they stood on their lines, so give it the log itself"
        raise SourceError(message)
    evaluator = policy._core  # noqa: SLF001  # one package
    return _core.apply(sources, evaluator, path, threads=threads_of(threads), progress=progress)
