"""`auditwake agent configcheck`, and the page: what people and editors see of the configuration."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from auditwake.cli import main
from auditwake.cli.exits import Exit
from auditwake.forwarder.config import load
from auditwake.forwarder.config.configcheck import configcheck
from auditwake.forwarder.config.environment import variables
from auditwake.forwarder.config.keys import words
from auditwake.forwarder.config.model import Backoff, DatadogSink
from auditwake.forwarder.config.own import SINK
from auditwake.forwarder.config.page import updated
from tests.agent_config import API_KEY, INTEGRATION, SHIPPING

PAGE = Path(__file__).parents[1] / "docs" / "agent-config.md"


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The integration's own configuration, in the environment of its page."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    for name, value in SHIPPING.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "conf.d" / "kubernetes_audit.d"
    folder.mkdir(parents=True)
    (folder / "conf.yaml").write_text(INTEGRATION)
    return folder / "conf.yaml"


def test_the_text_is_the_agents(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", "configcheck", "-c", str(conf.parents[1])]) == Exit.FINE
    printed = capsys.readouterr().out
    lines = printed.split("\n")
    assert lines[:4] == [
        "=== kubernetes_audit check ===",
        "Configuration provider: file",
        f"Configuration source: file:{conf}",
        "Log Config:",
    ]
    (entry,) = json.loads(lines[4])
    assert entry["path"] == "/var/log/kubernetes/apiserver/audit.log"
    assert (entry["type"], entry["source"], entry["service"]) == ("file", "kubernetes.audit", "audit")
    assert lines[5] == "==="
    assert "https://agent-http-intake.logs.datadoghq.com/api/v2/logs" in printed
    assert 'state: "/var/lib/auditwake"' in printed
    assert "DD_API_KEY=***...bcdef" in lines
    assert API_KEY not in printed
    assert "warnings" not in printed


def test_what_is_wrong_is_shown_and_told(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf.write_text("logs: [{type: file, path: 5}]")
    assert main(["agent", "configcheck", "-c", str(conf)]) == Exit.CONFIG
    printed = capsys.readouterr().out
    assert printed.startswith(
        f"=== Configuration errors ===\n{conf}:1:27: logs[0].path: expected a string, got a number\n"
    )
    assert main(["agent", "configcheck", "--json", "-c", str(conf)]) == Exit.CONFIG
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert (error["line"], error["column"], error["path"]) == (1, 27, "logs[0].path")


def test_warnings_matter_when_they_are_asked_for(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf.write_text(f"{INTEGRATION}    servce: x\n")
    assert main(["agent", "configcheck", "-c", str(conf)]) == Exit.FINE
    assert "did you mean service?" in capsys.readouterr().out
    assert main(["agent", "configcheck", "--strict", "-c", str(conf)]) == Exit.FOUND


def test_several_paths_and_the_variable(
    conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = conf.parents[2] / "other.yaml"
    other.write_text("logs: [{type: file, path: /other.log}]")
    assert main(["agent", "configcheck", "--json", "-c", str(conf), "-c", str(other)]) == Exit.FINE
    assert len(json.loads(capsys.readouterr().out)["config"]["sources"]) == 2
    monkeypatch.setenv("AUDITWAKE_CONFIG", str(other))
    assert main(["agent", "configcheck", "--json"]) == Exit.FINE
    (source,) = json.loads(capsys.readouterr().out)["config"]["sources"]
    assert source["integration"] == "other"


def test_every_kind_of_sink_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(
        f"{INTEGRATION}auditwake:\n  webhook: [{{address: '127.0.0.1:1', token: CANARY}}]\n"
        "  sinks: [{type: splunk, url: 'https://h', hec_token: CANARY, headers: {X: CANARY}}, {type: stdout},"
        f" {{type: http, url: 'https://u@h', proxy: 'http://u:CANARY@p', password_file: {path}}}]\n"
    )
    text = configcheck(load(path, {}))
    assert "CANARY" not in text
    assert text.count('"***"') == 4
    assert f"file:{path}" in text
    assert '"type": "webhook"' in text


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", "configcheck", "--schema"]) == Exit.FINE
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_defaults_of_a_sink_of_datadogs_are_those_of_the_agent(tmp_path: Path) -> None:
    """Where the page names a default, it is the one that holds."""
    path = tmp_path / "conf.yaml"
    path.write_text(f"{INTEGRATION}auditwake: {{sinks: [{{type: datadog}}]}}\n")
    (sink,) = load(path, SHIPPING).sinks
    assert isinstance(sink, DatadogSink)
    for key in SINK.variants["datadog"].keys:
        if hasattr(sink.http, key.name) and key.default is not None:
            assert getattr(sink.http, key.name) == key.default, key.name
    assert "| `compression` | string | as `compression_kind` |" in PAGE.read_text()


def test_what_a_sink_of_datadogs_does_not_say_of_its_backoff_is_as_the_agent_has_it(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(f"{INTEGRATION}auditwake: {{sinks: [{{type: datadog, backoff: {{max: 90}}}}]}}\n")
    (sink,) = load(path, {**SHIPPING, "DD_LOGS_CONFIG_SENDER_BACKOFF_BASE": "3"}).sinks
    assert sink.backoff == Backoff(base=3.0, factor=2.0, max=90.0)


def test_the_page_is_not_stale() -> None:
    page = PAGE.read_text()
    assert page == updated(page), "docs/agent-config.md is stale: make docs"
    names = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    assert {"logs", "path", "api_key", "sinks", "roll_bytes", "pipelines"} <= names
    assert names - {"-c PATH", "--json", "--schema", "--strict"} <= words()


def test_the_configurations_of_the_page_load(tmp_path: Path) -> None:
    texts = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(texts) >= 2
    for text in texts:
        path = tmp_path / "conf.yaml"
        path.write_text(text)
        assert load(path, {**SHIPPING, "COLLECTOR_TOKEN": "t"}).warnings == ()


def test_the_error_of_the_page_is_the_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("conf.yaml").write_text("logs:\n  - type: file\n    path: 5\n")
    assert main(["agent", "configcheck", "-c", "conf.yaml"]) == Exit.CONFIG
    assert f"$ auditwake agent configcheck -c conf.yaml\n{capsys.readouterr().out}```" in PAGE.read_text()
