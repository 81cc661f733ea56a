"""What the Delta sink keeps in the log of a table, and how it finds it again; schemas, errors and durability."""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from auditwake.errors import SinkError
from auditwake.forwarder.files import sync_directory
from auditwake.forwarder.sinks import disk

if TYPE_CHECKING:
    import deltalake
    import pyarrow as pa

__all__ = ["Log", "failure", "fit", "is_local", "shown", "sync"]

CHECKPOINT, APP, VERSION, OTHERS = (
    "auditwake.checkpoint",
    "auditwake.app_id",
    "auditwake.version",
    "auditwake.others",
)
FIRST_LOOK = 16  # commits
MOST_OTHERS = 64

FOR_A_PERSON = re.compile(
    r"access ?denied|forbidden|unauthori[sz]ed|unauthenticated|permission denied|not have access|read-only file system"
    r"|no ?such ?bucket|bucket does not exist|invalid ?access ?key|signature ?does ?not ?match"
    r"|status(:| code)? 40[134]|invalid table location",
    re.IGNORECASE,
)


class Log:
    """The commits of one writer in the log of a table.

    The number of the newest one is in every snapshot, so it survives checkpoints of the log, `vacuum` and the deletion
    of old commits. The checkpoint is text in a commit (`commitInfo`), and commits are deleted after
    `delta.logRetentionDuration`, 30 days by default, when somebody writes a checkpoint of the log. For a writer that
    was away for so long, every commit of another auditwake also carries the newest checkpoint of every writer that it
    has seen. Which one is the right one, the number says.

    Attributes:
        app_id: The writer.
        version: Number of its newest commit; 0 for none.
        checkpoint: The text in it.

    Example:
        >>> log = Log("auditwake/node-1/audit.log")
        >>> log.metadata("a place")["auditwake.version"]
        '1'
    """

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self.version = 0
        self.checkpoint: str | None = None
        self._others: dict[str, tuple[int, str]] = {}
        self._seen = -1

    def read(self, table: "deltalake.DeltaTable") -> str | None:
        """Find the checkpoint of the newest commit; the newest commits of the table are looked at first.

        Raises:
            SinkError: There is one, and what it says is not found.
        """
        # Where transactions are made to expire (`delta.setTransactionRetentionDuration`), the commits still say it.
        number = table.transaction_version(self.app_id)
        self.version, self.checkpoint, self._others, depth = number or 0, None, {}, FIRST_LOOK
        while True:
            commits = table.history(depth)
            said = self._said(commits)
            version, checkpoint = said.pop(self.app_id, (0, None))
            if version == self.version or len(commits) < depth:
                break
            depth *= FIRST_LOOK
        self._others, self._seen = said, table.version()
        self.version = version if number is None else self.version
        if version != self.version:
            message = (
                f"the table has rows of {self.app_id!r} up to its commit {self.version}, and that commit, which says "
                "where in the log they end, was deleted (delta.logRetentionDuration). Give the sink another name: it "
                "then begins where the state directory says, and the table may hold what came after that twice"
            )
            raise SinkError(message, needs_a_person=True)
        self.checkpoint = checkpoint
        return checkpoint

    def follow(self, table: "deltalake.DeltaTable") -> None:
        """Look at the commits that came since, before the next one is made.

        Raises:
            SinkError: Somebody else writes under our name.
        """
        number = table.transaction_version(self.app_id)
        if number is not None and number != self.version:
            message = (
                f"another process has written to the table as {self.app_id!r}: let one agent run on this state, and "
                "give each machine a hostname of its own, or each cluster a name"
            )
            raise SinkError(message)
        new = table.version() - self._seen
        if new > 0:
            said = self._said(table.history(new))
            # Who was heard of last stands last, and is the last one to be left out.
            self._others = {app: one for app, one in self._others.items() if app not in said} | said
            self._others.pop(self.app_id, None)
            self._seen = table.version()

    def metadata(self, checkpoint: str) -> dict[str, str]:
        """Give the texts for the next commit."""
        newest = dict(list(self._others.items())[-MOST_OTHERS:])
        others = {OTHERS: json.dumps(newest)} if newest else {}
        return {APP: self.app_id, VERSION: str(self.version + 1), CHECKPOINT: checkpoint, **others}

    def committed(self, checkpoint: str) -> None:
        """Note that the commit was made."""
        self.version += 1
        self.checkpoint = checkpoint

    def _said(self, commits: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, str]]:
        """Collect the newest checkpoint of each writer; `commits` are the newest ones first."""
        said: dict[str, tuple[int, str]] = {}
        for commit in reversed(commits):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                carried = {
                    app: (int(one), str(text)) for app, (one, text) in json.loads(commit.get(OTHERS, "{}")).items()
                }
                own = {commit[APP]: (int(commit[VERSION]), str(commit[CHECKPOINT]))}
                for app, (version, text) in {**carried, **own}.items():
                    if version > said.get(app, (0, ""))[0]:
                        said.pop(app, None)
                        said[app] = (version, text)
        return said


def fit(schema: "pa.Schema", table: "deltalake.DeltaTable", name: str) -> Literal["merge"] | None:
    """Say how rows fit a table: as they are, or with columns that one of the two does not have.

    Raises:
        SinkError: A column has another type.
    """
    import pyarrow as pa

    there = pa.schema(table.schema())
    for field in schema:
        if field.name in there.names and there.field(field.name).type != field.type:
            message = (
                f"{shown(name)}: its column {field.name!r} is {there.field(field.name).type}, and ours is "
                f"{field.type}: write to another table"
            )
            raise SinkError(message, needs_a_person=True)
    return None if set(schema.names) == set(there.names) else "merge"


def is_local(table: str) -> bool:
    """Say whether a table is a directory of this machine, by its path.

    Example:
        >>> is_local("lake/audit"), is_local("s3://lake/audit"), is_local("file:///lake")
        (True, False, False)
    """
    return "://" not in table


def shown(table: str) -> str:
    """Give the name of a table without what may be a key in it.

    Example:
        >>> shown("https://user:key@store/audit?sig=key"), shown("lake/audit")
        ('https://store/audit', 'lake/audit')
    """
    if is_local(table):
        return table
    parts = urlsplit(table)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def failure(error: Exception, table: str, secrets: Iterable[str]) -> SinkError:
    r"""Make the error of the sink: short, without escape sequences, and without what is secret.

    Example:
        >>> failure(OSError("403 AccessDenied for k3y\x1b[0m"), "s3://lake", ["k3y"])
        SinkError("s3://lake: OSError: '403 AccessDenied for ***'")
    """
    if isinstance(error, OSError) and error.errno:
        return disk.failure(error, shown(table))
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = re.sub(r"(://)[^/\s]*@|\?[^\s\"']*=[^\s\"']*", r"\1", text)
    kind = type(error).__name__
    person = kind in {"SchemaMismatchError", "DeltaProtocolError"}
    return SinkError(
        f"{shown(table)}: {kind}: {' '.join(text.split())[:400]!a}",
        needs_a_person=person or FOR_A_PERSON.search(text) is not None,
    )


def sync(table: Path, versions: Iterable[int]) -> None:
    """Make commits of a local table outlast a power failure; deltalake leaves that to the system.

    Raises:
        OSError: They may not outlast one.
    """
    for version in versions:
        entry = table / "_delta_log" / f"{version:020}.json"
        with contextlib.suppress(FileNotFoundError):  # somebody has compacted the table behind us
            actions = map(json.loads, entry.read_text(encoding="utf-8").splitlines())
            files = [*(table / unquote(action["add"]["path"]) for action in actions if "add" in action), entry]
            for path in files:
                with path.open("r+b") as file:
                    os.fsync(file.fileno())
            for directory in {path.parent for path in files}:
                sync_directory(directory)
