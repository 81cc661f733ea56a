"""Every example that is shown is run: in the pages, in the stub, and those that `auditwake demo` prints."""

import argparse
import ast
import doctest
import io
import re
import shlex
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.cli import main, tail
from auditwake.cli.glance import COLUMNS, Glance
from auditwake.cli.style import Style
from auditwake.demo.recipes import recipes

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/questions.md", "docs/report.md", "docs/tail.md")
BUILDER = "system:serviceaccount:team-a11:builder"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [code for page in PAGES for kind, code in FENCE.findall((ROOT / page).read_text()) if kind == language]


@pytest.fixture
def folder(data: Path, metadata_log: Path, tmp_path: Path) -> Path:
    """A folder with what the examples name: `audit.log` and a rotated set."""
    (tmp_path / "audit.log").write_bytes(metadata_log.read_bytes())
    for path in sorted((data / "rotated").glob("*.gz"))[:2]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_the_python_of_the_pages_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    examples = blocks("python")
    assert examples
    for code in examples:
        exec(compile(code, "<page>", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own pages


@pytest.mark.usefixtures("capfd")
def test_the_shell_of_the_pages_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: a start for each command would be most of what they take."""
    monkeypatch.chdir(folder)
    commands = [line for code in blocks("shell") for line in code.splitlines() if line.startswith("auditwake ")]
    assert commands
    for line in commands:
        words = shlex.split(line.partition(" | ")[0], comments=True)[1:]
        assert not {">", "<", "&&", ";"} & {*words}
        assert main(words) == 0, line


def test_the_recipes_of_the_demo_run(tmp_path: Path) -> None:
    file = tmp_path / "demo.parquet"
    aw.convert(aw.demo.LOG, file)
    for code in recipes(file.as_posix()).values():
        assert len(code.splitlines()) == 3
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        assert done.stdout


def test_the_examples_of_the_stub_run() -> None:
    tree = ast.parse(Path(aw.__file__).with_name("_core.pyi").read_text())
    described = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    runner = doctest.DocTestRunner()
    for node in described:
        text = ast.get_docstring(node)
        name = getattr(node, "name", "_core")
        runner.run(doctest.DocTestParser().get_doctest(text or "", {}, name, "_core.pyi", 0))
    assert runner.tries > 3
    assert runner.failures == 0


def test_every_public_name_has_an_example() -> None:
    """A class of the stub, a function of the package: each shows how it is used."""
    stub = Path(aw.__file__).with_name("_core.pyi").read_text()
    described = {
        node.name: ast.get_docstring(node) or "" for node in ast.parse(stub).body if isinstance(node, ast.ClassDef)
    }
    public = [name for name in aw.__all__ if name not in {"__version__", "demo", "errors"}]
    assert len(public) > 10
    assert [name for name in public if ">>>" not in described.get(name, "") + getattr(aw, name).__doc__] == []


def test_every_dependency_is_justified() -> None:
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    python = {re.split(r"[\[<>=]", name)[0] for name in [*project["dependencies"], *extras]}
    needed = python | set(cargo["workspace"]["dependencies"]) - {"auditwake", "auditwake-core"}
    rows = re.findall(r"^\| (.*)\|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    justified = {word for row in rows for cell in row.split(" | ")[:2] for word in re.split(r"[ ,(`)\[]+", cell)}
    assert len(needed) > 20
    assert needed - {"auditwake"} <= justified


def test_the_lines_of_a_tail_in_the_docs_are_what_it_shows() -> None:
    """And every option of the command is named."""
    page = (ROOT / "docs" / "tail.md").read_text()
    rows = [
        ("2026-11-25T09:31:02.114", 200, "allow", 3_100, "list", "alice", None, "pods", None, "web", None),
        ("2026-11-25T09:31:02.380", 403, "forbid", 842, "get", BUILDER, None, "secrets", None, "web", "token"),
        (
            "2026-11-25T09:31:05.007",
            101,
            "allow",
            1_230_000,
            "create",
            "alice",
            "admin",
            "pods",
            "exec",
            "web",
            "nginx-0",
        ),
    ]
    names = [name for name in COLUMNS if name not in {"stage", "path"}]
    events = [
        {"stage": "ResponseComplete", "path": None, **dict(zip(names, row, strict=True))}
        | {"ts_stage": datetime.fromisoformat(f"{row[0]}+00:00")}
        for row in rows
    ]
    batch = pa.RecordBatch.from_pylist(events, schema=aw.schema(COLUMNS))
    lines = list(Glance(Style(io.StringIO()), utc=True).lines(batch, 80))
    assert "\n".join(lines) in page
    parser = argparse.ArgumentParser()
    tail.add_arguments(parser)
    options = set(re.findall(r"--[a-z-]+", parser.format_usage()))
    assert len(options) > 10
    assert {option for option in options if f"`{option}" not in page} == set()
