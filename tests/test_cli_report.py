"""`auditwake report`."""

import os
import threading
from pathlib import Path

import pytest

import auditwake as aw
from auditwake.cli import main
from tests.asked import event, write
from tests.reporting import charts, tables

POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"


def test_a_page_into_a_file(metadata_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(metadata_log), "-o", str(out), "--title", "Ticket <7>", "--no-detections"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "report.html: " in said.err
    assert "5,292 events" in said.err
    page = out.read_text(encoding="utf-8")
    assert "<title>Ticket &lt;7&gt;</title>" in page
    assert "rules" not in charts(page)
    assert 'href="#detections"' not in page


def test_a_page_to_standard_output(metadata_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(metadata_log), "-o", "-", "--user", "bob@example.com"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert {row["label"] for row in charts(said.out)["actors"]["rows"]} == {"bob@example.com"}
    users = {row[3] for row in tables(said.out)["Findings"][1:]}
    assert users == {"bob@example.com"}


def test_with_a_policy(metadata_log: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    out = tmp_path / "report.html"
    asked = ["report", str(metadata_log), "-o", str(out), "--policy", str(policy), "--no-detections"]
    assert main([*asked, "--user", "bob@example.com"]) == 0
    page = out.read_text(encoding="utf-8")
    events = sum(int(row[3].replace(",", "")) for row in tables(page)["Rules"][1:])
    assert 0 < events < 100, "what is priced is what the page is about"


def test_standard_input_has_no_detections_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "-o", "-", "-"]) == 0
    assert "the page has no detections" in capsys.readouterr().err


def test_standard_input_cannot_be_read_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    assert main(["report", "-", "-o", "-", "--policy", str(policy)]) == 2
    assert "standard input" in capsys.readouterr().err


def test_a_pipe_is_read_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = write(tmp_path / "audit.log", [event()]).read_bytes()
    threading.Thread(target=pipe.write_bytes, args=(text,), daemon=True).start()
    assert main(["report", str(pipe), "-o", str(tmp_path / "report.html")]) == 0
    said = capsys.readouterr().err
    assert f"{pipe} can be read once: the page has no detections" in said
    assert "1 events" in said
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert main(["report", str(pipe), "-o", "-", "--policy", str(tmp_path / "policy.yaml")]) == 2


LISTED = event(verb="list", objectRef={"resource": "secrets"})


def test_parquet_without_bodies_has_the_detections_that_need_none(tmp_path: Path) -> None:
    log, stored, page = write(tmp_path / "audit.log", [LISTED]), tmp_path / "log.parquet", tmp_path / "report.html"
    aw.convert(log, stored, bodies=False)
    assert main(["report", str(stored), "-o", str(page)]) == 0
    found = tables(page.read_text())
    assert "The secrets of all namespaces were listed" in str(found["Rules that fired"])
    assert "the source has no column request_object" in str(found["Rules that cannot fire"])


def test_parquet_without_what_every_finding_has_makes_a_page_without_detections(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, stored = write(tmp_path / "audit.log", [LISTED]), tmp_path / "log.parquet"
    aw.convert(log, stored, columns=[name for name in aw.schema().names if name != "src_offset"])
    assert main(["report", str(stored), "-o", str(tmp_path / "report.html")]) == 0
    assert "the page has no detections: the source has no column src_offset" in capsys.readouterr().err


def test_lines_that_were_rejected_are_in_the_exit_code(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event()])
    log.write_text(log.read_text() + "{torn\n")
    assert main(["report", str(log), "-o", str(tmp_path / "report.html"), "--no-detections"]) == 3


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none.log"), "-o", str(tmp_path / "report.html")]) == 1
    assert "none.log" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [], "no page of nothing"


def test_out_is_needed(metadata_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", str(metadata_log)])
    assert "-o" in capsys.readouterr().err
