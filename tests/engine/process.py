"""The agent as a process, with the integration's own configuration."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from auditwake.forwarder.snapshot import AgentSnapshot
from auditwake.forwarder.status import ask_status
from tests.intake.messages import NUMBER
from tests.tailing.processes import SOON, wait_until

CONF = """\
logs:
  - type: file
    path: {log}
    source: kubernetes.audit
    service: audit
"""
FAST = {
    "DD_LOGS_CONFIG_BATCH_WAIT": "0.1",
    "DD_LOGS_CONFIG_BATCH_MAX_SIZE": "100",
    "DD_LOGS_CONFIG_HTTP_TIMEOUT": "1",
    "DD_LOGS_CONFIG_SENDER_BACKOFF_BASE": "0.02",
    "DD_LOGS_CONFIG_SENDER_BACKOFF_MAX": "0.3",
}
KEY = "0123456789abcdef0123456789abcdef"


class AgentProcess:
    """One agent after the other, on the same state; killed when it is left behind."""

    def __init__(self, folder: Path, log: Path, url: str, *, own: str = "", **env: str) -> None:
        self.state = folder / "state"
        self.key_file = folder / "key"
        self._conf = folder / "conf.d"
        self._said = folder / "agent.log"
        integration = self._conf / "kubernetes_audit.d"
        integration.mkdir(parents=True)
        (integration / "conf.yaml").write_text(CONF.format(log=log) + own)
        self.key_file.write_text(KEY)
        self._env = {
            "DD_LOGS_ENABLED": "true",
            "DD_API_KEY_FILE": str(self.key_file),
            "DD_LOGS_CONFIG_LOGS_DD_URL": url,
            "AUDITWAKE_STATE": str(self.state),
            "AUDITWAKE_METRICS_ADDRESS": "none",
            **FAST,
            **env,
        }
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def start(self) -> Self:
        """Begin an agent."""
        command = [sys.executable, "-m", "auditwake", "agent", "run", "-c", str(self._conf)]
        with self._said.open("ab") as said:
            self._child = subprocess.Popen(command, env=os.environ | self._env, stdin=subprocess.DEVNULL, stderr=said)
        return self

    @property
    def child(self) -> "subprocess.Popen[bytes]":
        """The present one."""
        assert self._child is not None
        return self._child

    def said(self) -> str:
        """What all of them wrote, the end of it."""
        return self._said.read_text()[-4000:]

    def times(self, text: str) -> int:
        """How often they wrote something."""
        return self._said.read_text().count(text)

    def status(self) -> AgentSnapshot | None:
        """How it stands; None while it does not say."""
        try:
            return ask_status(self.state / "agent.sock")
        except Exception:  # noqa: BLE001  # it is not there yet
            assert self.child.poll() is None, self.said()
            return None

    def until(self, condition: Any, seconds: float = SOON) -> AgentSnapshot:  # noqa: ANN401
        """Wait until it stands as asked."""
        found: list[AgentSnapshot] = []

        def stands() -> bool:
            snapshot = self.status()
            found[:] = [snapshot] if snapshot else []
            return bool(found and condition(found[0]))

        wait_until(stands, lambda: (found, self.said()), seconds)
        return found[0]

    def kill(self) -> None:
        """End it with `kill -9`."""
        assert self.child.poll() is None, self.said()
        self.child.kill()
        self.child.wait()

    def terminate(self, number: int = signal.SIGTERM) -> None:
        """End it in good order."""
        self.child.send_signal(number)
        assert self.child.wait(SOON) == 0, self.said()

    def quarantine(self) -> Iterator[bytes]:
        """The lines that are in the quarantine."""
        for path in (self.state / "quarantine").glob("*.ndjson"):
            assert path.stat().st_mode & 0o077 == 0
            for line in path.read_text().splitlines():
                yield base64.b64decode(json.loads(line)["bytes"])

    def quarantined(self) -> Counter[int]:
        """The numbers of the events that are in the quarantine."""
        return Counter(int(number) for line in self.quarantine() for number in NUMBER.findall(line))
