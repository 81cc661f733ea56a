"""Secrets stand wherever a user may put them; whatever happens, they are in nothing that the agent says or keeps."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from auditwake.cli import main
from auditwake.forwarder.snapshot import AgentSnapshot
from auditwake.forwarder.status import ask_status
from tests.intake import Intake, Reply, Request, always
from tests.intake.answers import Answerer
from tests.intake.bulk import Bulk
from tests.intake.hec import Hec
from tests.tailing.lines import line
from tests.tailing.processes import SOON, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")

PLACES = ("ENV", "FILE", "HEADER", "TOKEN", "QUERY", "URL", "PROXY", "HEC", "BASIC", "STORE", "TABLE", "HOOK", "TYPO")
SECRET = {place: f"canary{place}5f0e1d2c3b4a" for place in (*PLACES, "ENDPOINT", "RELOAD", "RULE")}
BODY = "canaryBODY5f0e1d2c3b4a"

CONF = """\
logs:
  - type: file
    path: {folder}/audit.log
    source: kubernetes.audit
    service: audit
auditwake:
  state_dir: {folder}/state
  metrics_address: 127.0.0.1:{metrics}
  log_level: debug
  grace: 0.5
  webhook:
    - {{address: "127.0.0.1:{hook}", token: {HOOK}}}
  sinks:
    - {{type: datadog, name: main, url: "{url}/main", headers: {{X-More: {HEADER}}}, {more}}}
    - {{type: datadog, name: file, url: "{url}/file", api_key_file: {folder}/key, {more}}}
    - {{type: http, name: token, url: "{url}/token?api_key={QUERY}", token: {TOKEN}, {more}}}
    - {{type: http, name: basic, url: "http://me:{URL}@127.0.0.1:{port}/basic", {more}}}
    - {{type: http, name: proxied, url: "http://log/proxied", proxy: "http://me:{PROXY}@127.0.0.1:{port}", {more}}}
    - {{type: splunk, url: "{url}", hec_token: {HEC}, {more}}}
    - {{type: elasticsearch, url: "{url}", username: me, password: {BASIC}, {more}}}
    - type: delta
      table: "s3://me:{TABLE}@bucket/audit"
      roll_seconds: 0.1
      storage_options:
        {{aws_access_key_id: me, aws_secret_access_key: {STORE}, aws_endpoint_url: "http://127.0.0.1:9",
          aws_allow_http: "true", aws_region: x, max_retries: "0", retry_timeout: 1s}}
"""
MORE = "timeout: 2, batching: {wait: 0.05}, backoff: {base: 0.02, max: 0.2}"
PATHS = {
    "/main",
    "/file",
    "/token",
    "/basic",
    "http://log/proxied",
    "/services",
    "/logs-kubernetes.audit-default",
}
BROKEN = """\
    - {{type: http, url: 5, token: {RELOAD}, tokn: {TYPO}}}
    - {{type: http, url: "htp://me:{URL}@host/?api_key={QUERY}", headers: {{X-More: {HEADER}}}, body: ndjsn}}
    - {{type: http, passwrd: {RELOAD}, url: "http://host:port:{URL}@x"}}
    - {{type: delta, table: "s3://me:{TABLE}@bucket", storage_options: [{STORE}], columns: [nam]}}
  processing_rules: [{{name: n, type: mask_sequences, pattern: "(", passwrd: {RULE}, url: "x?token={QUERY}"}}]
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def event(number: int) -> bytes:
    whole = json.loads(line(number))
    return json.dumps({**whole, "level": "Request", "requestObject": {"data": BODY}}).encode() + b"\n"


class Node:
    """An agent with a receiver that answers all sinks; `said` has what anybody may see, by where it was seen."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, self.conf = folder, folder / "audit.log", folder / "conf.yaml"
        self.said: dict[str, str] = {}
        self.written = 0
        self.metrics, self.hook = free_port(), free_port()
        self.intake = Intake(self.works)
        self._bulk, self._hec = Bulk(), Hec(SECRET["HEC"])
        self.given = {
            "folder": folder,
            "metrics": self.metrics,
            "hook": self.hook,
            "url": self.intake.url,
            "port": self.intake.port,
            "more": MORE,
            **SECRET,
        }
        self.conf.write_text(CONF.format(**self.given))
        (folder / "key").write_text(SECRET["FILE"])
        self.child: subprocess.Popen[bytes] | None = None

    def works(self, request: Request) -> Reply:
        """Take everything, as each receiver does."""
        if request.path.endswith("/_bulk") or "/_bulk?" in request.path:
            return self._bulk(request)
        return self._hec(request) if request.path.startswith("/services") else Reply(202)

    def start(self, format_: str) -> None:
        command = [sys.executable, "-m", "auditwake", "agent", "run", "-c", str(self.conf)]
        with (self.folder / "stdout").open("ab") as out, (self.folder / "stderr").open("ab") as errors:
            env = os.environ | {"AUDITWAKE_LOG_FORMAT": format_}
            self.child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)

    def send(self, number: int) -> None:
        assert self.child is not None
        self.child.send_signal(number)

    def end(self, number: int) -> int:
        self.send(number)
        assert self.child is not None
        return self.child.wait(SOON)

    def until(self, condition: Callable[[AgentSnapshot], object]) -> AgentSnapshot:
        found: list[AgentSnapshot] = []

        def stands() -> bool:
            assert self.child is not None
            assert self.child.poll() is None, (self.folder / "stderr").read_text()
            with suppress(Exception):
                found[:] = [ask_status(self.folder / "state" / "agent.sock")]
            return bool(found) and bool(condition(found[0]))

        wait_until(stands, lambda: (found, (self.folder / "stderr").read_text()[-4000:]))
        return found[0]

    def write(self, count: int = 2) -> None:
        with self.log.open("ab") as log:
            for _ in range(count):
                self.written += 1
                log.write(event(self.written))

    def meet(self, answer: Answerer) -> None:
        """Answer otherwise from now on, and wait until all sinks have met it."""
        self.intake.answer = answer
        self.intake.requests.clear()
        self.write()
        wait_until(lambda: self.asked() == PATHS, self.asked)

    def asked(self) -> set[str]:
        """Which sinks have asked since the answer was changed."""
        return {path for path in PATHS for request in list(self.intake.requests) if request.path.startswith(path)}

    def look(self, when: str, capsys: pytest.CaptureFixture[str], *commands: str) -> None:
        """See all that an operator can see."""
        capsys.readouterr()
        for command in commands:
            main([*command.split(), *([] if "doctor" in command else ["-c", str(self.conf)])])
            seen = capsys.readouterr()
            self.said[f"{when}: {command}"] = seen.out + seen.err
        for path in ("/metrics", "/readyz"):
            with suppress(urllib.error.URLError):
                self.said[f"{when}: {path}"] = self.page(path)

    def page(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def kept(self) -> Iterator[tuple[str, str]]:
        """Give each file of the state directory: its name, then what is in it, decoded where it is encoded."""
        for path in (self.folder / "state").rglob("*"):
            yield f"name of {path}", str(path)
            if path.is_file():
                yield f"content of {path}", path.read_bytes().decode(errors="replace")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    one = Node(tmp_path)
    extra = [{"api_key": SECRET["ENDPOINT"], "Host": "127.0.0.1", "Port": 9, "use_ssl": False}]
    for name, value in {
        "DD_LOGS_ENABLED": "true",
        "DD_API_KEY": SECRET["ENV"],
        "DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS": json.dumps(extra),
    }.items():
        monkeypatch.setenv(name, value)
    yield one
    if one.child is not None and one.child.poll() is None:
        one.child.kill()
        one.child.wait()


def echoing(status: int) -> Answerer:
    """Answer with everything that was said, as some proxies do."""

    def answer(request: Request) -> Reply:
        said = f"{request.path} {dict(request.headers)} {base64.b64encode(request.body[:99])!r} {request.body!r}"
        location = {"Location": f"https://me:{SECRET['URL']}@elsewhere/?api_key={SECRET['QUERY']}"}
        return Reply(status, {"X-Said": said.replace("\n", " ")[:999], **location}, said.encode())

    return answer


def test_no_secret_is_in_anything_that_is_said_or_kept(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    looks = ("agent status", "agent status --json")
    checks = ("agent configcheck", "agent configcheck --json")
    doctor = f"doctor --json --observe 0 -c {node.conf}"
    with node.intake:
        node.start("text")
        node.until(lambda _snapshot: True)
        heard = listen(node)
        node.write()
        post(node)
        wait_until(lambda: node.asked() == PATHS, node.asked)
        wait_until(lambda: BODY in (node.folder / "heard").read_text(), lambda: node.folder)
        node.look("works", capsys, *looks, *checks, doctor)
        heard.terminate()
        heard.wait()
        node.meet(echoing(400))
        node.look("400", capsys, *looks)
        node.meet(echoing(401))
        assert node.end(signal.SIGKILL) == -signal.SIGKILL
        node.start("json")
        node.until(lambda _snapshot: True)
        for status in (401, 302):
            node.meet(echoing(status))
            node.look(str(status), capsys, *looks)
        node.look("refused", capsys, doctor)
        node.meet(always(Reply(fault="reset")))
    node.until(lambda snapshot: "connection" in {route.reason for one in snapshot.sources for route in one.routes})
    node.look("unreachable", capsys, *looks)
    fine = node.conf.read_text()
    node.conf.write_text(fine + BROKEN.format(**SECRET))
    node.send(signal.SIGHUP)
    node.until(lambda snapshot: snapshot.errors)
    node.look("bad reload", capsys, *looks, *checks)
    node.end(signal.SIGTERM)
    node.start("text")
    assert node.end(0) == 78
    check(node)


def check(node: Node) -> None:
    """Search everything; that what is searched is there is held first."""
    for stream in ("stdout", "stderr"):
        node.said[stream] = (node.folder / stream).read_text()
    assert "cannot be used" in node.said["stderr"]
    assert "# TYPE" in node.said["works: /metrics"]
    assert "did you mean" in node.said["bad reload: agent configcheck"]
    kept = dict(node.kept())
    assert any("quarantine" in name for name in kept)
    heard = {"stream-logs": (node.folder / "heard").read_text()}
    secrets = {**SECRET, "base64": base64.b64encode(f"me:{SECRET['BASIC']}".encode()).decode()}
    found = [
        (place, where, text[max(0, text.index(secret) - 200) : text.index(secret) + 60])
        for where, text in {**node.said, **heard, **kept}.items()
        for place, secret in secrets.items()
        if secret in text
    ]
    assert not found, "\n".join(map(str, found))
    # The text of an event is where events are, in base64 or as the log that a webhook is, and nowhere else.
    assert [where for where, text in node.said.items() if BODY in text] == []
    logs = [where for where, text in kept.items() if BODY in text]
    assert {Path(where).name for where in logs} <= {"audit.log"}, logs
    assert BODY in heard["stream-logs"]
    files = [text for where, text in kept.items() if where.startswith("content") and where.endswith(".ndjson")]
    lines = [json.loads(one) for text in files for one in text.splitlines()]
    assert Counter(BODY in base64.b64decode(one.pop("bytes")).decode() for one in lines)[True] > 0
    assert BODY not in json.dumps(lines)


def listen(node: Node) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "auditwake", "agent", "stream-logs", "-c", str(node.conf)]
    with (node.folder / "heard").open("wb") as heard:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=heard, stderr=heard)
    wait_until(lambda: listened(node), lambda: "nobody listens")
    return child


def listened(node: Node) -> bool:
    """Whether it hears events: one is written until it does."""
    node.write(1)
    return (node.folder / "heard").stat().st_size > 0


def post(node: Node) -> None:
    """Post to the webhook with the right token, and with a wrong one."""
    for token, status in ((SECRET["HOOK"], 200), ("wrong" + SECRET["RELOAD"], 401)):
        body = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + event(1) + b"]}"
        asked = urllib.request.Request(f"http://127.0.0.1:{node.hook}/", body, {"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
                got = answer.status
        except urllib.error.HTTPError as error:
            got = error.code
        assert got == status
