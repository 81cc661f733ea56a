"""`auditwake detect`, as a shell sees it."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from auditwake import detections
from auditwake.cli import main

FEW = "AWD001,admission-changed,AWD019"
POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_findings_one_a_line(metadata_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(metadata_log), "--rule", FEW]) == 3
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["rule"] for row in rows] == ["AWD024"] * 3 + ["AWD001"]
    assert set(rows[0]) == {
        "time", "rule", "title", "severity", "attack", "user", "authenticated", "actor", "address", "agent", "verb",
        "what", "namespace", "name", "code", "audit_id", "src_file", "src_offset", "src_bytes", "detail", "count",
        "since",
    }  # fmt: skip
    assert rows[0]["attack"] == ["T1685", "T1546"]
    assert "AWD019 privileged-workload cannot fire: none of the 106 requests" in err
    assert "3 rules: 2 fired, 0 silent, 1 cannot fire" in err


def test_a_table_has_one_row_a_rule(metadata_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(metadata_log), "--rule", FEW, "--output", "table"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["rule", "title", "severity", "outcome", "hits", "who", "first", "last"]
    assert [line.split()[0] for line in lines[1:]] == ["AWD001", "AWD024", "AWD019"]


def test_json_has_outcomes_and_findings(metadata_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(metadata_log), "--rule", FEW, "--output", "json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert [one["outcome"] for one in document["outcomes"]] == ["fired", "fired", "cannot fire"]
    assert len(document["findings"]) == 4
    assert document["coverage"]["events"] == 5292


def test_the_other_forms(metadata_log: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    given = ["detect", str(metadata_log), "--rule", FEW, "--output"]
    assert main([*given, "csv"]) == 3
    assert len(list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))) == 4
    assert main([*given, "arrow"]) == 3
    assert pa.ipc.open_stream(capsysbinary.readouterr().out).read_all().num_rows == 4
    assert main([*given, "sarif"]) == 3
    assert json.loads(capsysbinary.readouterr().out)["version"] == "2.1.0"


def test_nothing_found_is_fine(metadata_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(metadata_log), "--rule", FEW, "--user", "nobody@example.com"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "0 fired" in err


def test_the_coverage_of_a_policy_without_a_log(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "--policy", str(policy), "--coverage"]) == 0
    out, err = capsys.readouterr()
    rows = {row["rule"]: row for row in map(json.loads, out.splitlines())}
    assert len(rows) == len(detections.rules())
    never = [rule for rule, row in rows.items() if row["outcome"] == "cannot fire"]
    assert set(never) == {rule.id for rule in detections.rules() if rule.level != "Metadata"}
    assert f"{len(never)} of {len(rows)} rules cannot fire with this policy" in err
    assert f"(rules[0], {policy}:4)" in rows["AWD019"]["why"]


def test_the_list_of_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "--list", "--severity", "critical"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == [rule.name for rule in detections.rules() if rule.severity == "critical"]


def test_own_rules_run_beside_the_others(
    metadata_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "id: ACME001\nname: mine\ntitle: Mine\nseverity: low\nattack: []\nlevel: Metadata\nof: resource = 'nodes'\n"
        "where: verb = 'list' and decision = 'forbid'\nmeaning: So.\nfalse_positives: []\n"
    )
    assert main(["detect", str(metadata_log), "--rules", str(own), "--rule", "mine"]) == 3
    assert len(capsys.readouterr().out.splitlines()) == 2
    own.write_text(own.read_text().replace("verb =", "werb ="))
    assert main(["detect", str(metadata_log), "--rules", str(own)]) == 78
    assert f"auditwake: {own}:8:8: where: Binder Error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "nothing to look at"),
        (["--coverage"], "give --policy"),
        (["a.log", "--coverage", "--policy", "p"], "no SOURCE"),
        (["a.log", "--rule", "nope"], "there is no rule 'nope'"),
        (["a.log", "--rule", "exec", "--severity", "high"], "no rule is left"),
        (["--list", "--output", "sarif"], "use json"),
        (["-", "--policy", "-"], "standard input can be read once"),
    ],
)
def test_what_makes_no_sense_is_refused(given: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", *given]) == 2
    assert said in capsys.readouterr().err


def test_text_of_the_log_cannot_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.detecting.events import event, line

    path = tmp_path / "audit.log"
    built = event("x", 0, {"as": "anonymous", "verb": "get", "path": "/metrics"})
    built["impersonatedUser"] = {"username": "system:admin\x1b[2J", "groups": ["system:masters"]}
    path.write_bytes(line(built))
    assert main(["detect", str(path), "--rule", "AWD025", "--output", "table"]) == 3
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"system:admin\x1b[2J" in out


def test_help_stays_light() -> None:
    code = "import sys, auditwake.cli as c\ntry: c.main(['detect', '--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'pyarrow', 'duckdb'} & set(sys.modules), sorted(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
