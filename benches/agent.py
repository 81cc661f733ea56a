"""Measure ``auditwake agent run``: ``python benches/agent.py``, with ``--size 300MB --runs 3 --seconds 60``.

Catching up: a backlog of ten rotated files to an NDJSON file, and as Datadog payloads to a receiver on loopback that
takes all of them: MB of the log a second, and CPU seconds of the agent for a GB. Live: a writer of 1 MB/s of lines of
1 kB to that receiver: CPU and memory of the agent. The agent is the process that a node runs, measured from outside.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from generate import parse_size
from tail import RATE, backlog, result, say, start, table

SINKS: Final = ("file", "datadog")
TICKS: Final = os.sysconf("SC_CLK_TCK")
PATIENCE: Final = 600  # seconds
MOST: Final = 0.9


class Intake(ThreadingHTTPServer):
    """Takes whatever is sent and forgets it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Agent:
    """An agent in a process of its own."""

    def __init__(self, folder: Path, logs: Path, sink: str, intake: Intake) -> None:
        self.folder = folder
        self.log = logs / "audit.log"
        conf = folder / "conf.d" / "kubernetes_audit.d" / "conf.yaml"
        conf.parent.mkdir(parents=True)
        entry = {"type": "file", "path": str(self.log), "source": "kubernetes.audit", "service": "audit"}
        own: dict[str, Any] = {"state_dir": str(folder / "state"), "metrics_address": None}
        if sink == "file":
            own["sinks"] = [{"type": "file", "path": str(folder / "events.ndjson")}]
        # JSON is YAML.
        conf.write_text(json.dumps({"logs": [entry], "auditwake": own}))
        environment = {
            **os.environ,
            "DD_LOGS_ENABLED": "true",
            "DD_API_KEY": "0" * 32,
            "DD_LOGS_CONFIG_LOGS_DD_URL": f"http://127.0.0.1:{intake.server_address[1]}",
        }
        command = [sys.executable, "-m", "auditwake", "agent", "run", "-c", str(folder / "conf.d")]
        self.began = time.monotonic()
        self.errors = (folder / "errors").open("w+")
        self.process = subprocess.Popen(command, env=environment, stderr=self.errors)

    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak(self) -> int:
        """Most bytes of memory so far."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def status(self) -> dict[str, Any] | None:
        """How it stands; None while it does not answer."""
        command = [sys.executable, "-m", "auditwake", "agent", "status", "--json", "-c", str(self.folder / "conf.d")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        status: dict[str, Any] | None = json.loads(done.stdout) if done.returncode == 0 else None
        return status

    def committed(self) -> int:
        """Bytes of all files that it has committed, as its state says."""
        most = 0
        for slot in self.folder.glob("state/routes/*/*/offsets.?"):
            streams = json.loads(slot.read_text().partition("\n")[2])["streams"].values()
            most = max(most, sum(file["offset"] for stream in streams for file in stream["files"]))
        return most


@contextmanager
def running(scratch: Path, logs: Path, sink: str, intake: Intake) -> Iterator[Agent]:
    """Run an agent for the time of the block."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    agent = Agent(folder, logs, sink, intake)
    try:
        yield agent
        agent.process.send_signal(signal.SIGTERM)
        if agent.process.wait(60) != 0:
            agent.errors.seek(0)
            raise SystemExit(agent.errors.read())
    finally:
        agent.process.kill()
        agent.process.wait()
        shutil.rmtree(folder)


def catch_up(scratch: Path, logs: Path, sink: str, intake: Intake, size: int) -> tuple[float, float, int]:
    """Let it send a backlog; return bytes a second, CPU seconds a byte, and peak memory.

    The last batch is not full, and waits for more until it is old enough: it does not count.
    """
    with running(scratch, logs, sink, intake) as agent:
        while (committed := agent.committed()) < MOST * size:
            if agent.process.poll() is not None or time.monotonic() - agent.began > PATIENCE:
                agent.errors.seek(0)
                raise SystemExit(agent.errors.read() or "it takes too long")
            time.sleep(0.02)
        return committed / (time.monotonic() - agent.began), agent.cpu() / committed, agent.peak()


def catching_up(scratch: Path, size: int, runs: int, intake: Intake) -> None:
    """Print the table of backlogs."""
    logs = scratch / "logs"
    say(f"writing a backlog of {size / 1e6:,.0f} MB")
    backlog(logs, size)
    whole = sum(path.stat().st_size for path in logs.iterdir())
    measured: dict[str, list[tuple[float, float, int]]] = {sink: [] for sink in SINKS}
    for turn in range(runs + 1):
        for sink in SINKS:
            say(f"sending it: {sink}, turn {turn}")
            figures = catch_up(scratch, logs, sink, intake, whole)
            if turn:
                measured[sink].append(figures)
    rows = []
    for sink, figures in measured.items():
        speed, cpu, peak = (statistics.median(column) for column in zip(*figures, strict=True))
        rows.append([sink, f"{speed / 1e6:,.0f} MB/s", f"{cpu * 1e9:.1f} s", f"{peak / 1e6:.0f} MB"])
    table(["backlog to", "start included", "CPU for a GB", "peak RSS"], rows)


def live(scratch: Path, seconds: float, intake: Intake) -> None:
    """Print the table of a live log."""
    logs = scratch / "live"
    logs.mkdir()
    writer = start("write", log=str(logs / "audit.log"), seconds=seconds + 15, rate=RATE)
    with running(scratch, logs, "datadog", intake) as agent:
        time.sleep(10)  # the start is no steady state
        before, began = agent.cpu(), time.monotonic()
        time.sleep(seconds)
        cpu = (agent.cpu() - before) / (time.monotonic() - began)
        peak = agent.peak()
        status = agent.status()
    result(writer, "write")
    sent = 0 if status is None else sum(route["events_sent"] for one in status["sources"] for route in one["routes"])
    table(
        ["live, 1 MB/s", "CPU of one core", "peak RSS"],
        [[f"{sent:,} events sent", f"{cpu:.2%}", f"{peak / 1e6:.0f} MB"]],
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=parse_size, default=parse_size("300MB"), help="of the backlog")
    parser.add_argument("--runs", type=int, default=3, help="turns that count")
    parser.add_argument("--seconds", type=float, default=60, help="of the live log")
    parser.add_argument("--only", choices=("catch-up", "live"))
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="auditwake-agent-") as scratch:
        intake = Intake()
        if args.only != "live":
            catching_up(Path(scratch), args.size, args.runs, intake)
        if args.only != "catch-up":
            live(Path(scratch), args.seconds, intake)
    return 0


if __name__ == "__main__":
    sys.exit(main())
