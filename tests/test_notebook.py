"""The notebook of `examples/` runs from its first cell to its last, and is kept without outputs.

Its cells are run by Python itself, one after the other in one namespace, as a kernel does: what a cell ends with is
shown. A kernel and its protocol would be forty packages more, and would run the same code.
"""

import ast
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import auditwake as aw
from tests.asked import event, write

NOTEBOOK = Path(__file__).parents[1] / "examples" / "incident.ipynb"
SHOWN = ("Reader", "Answer")
# What DuckDB looks at to know that it runs in a notebook.
IN_A_KERNEL = """
import sys, types
sys.modules["IPython"] = types.ModuleType("IPython")
sys.modules["IPython"].get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
import auditwake as aw
print(aw.ask("top", aw.demo.LOG, limit=1))
"""


def cells(kind: str) -> list[dict[str, Any]]:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    return [cell for cell in document["cells"] if cell["cell_type"] == kind]


def run(source: str, namespace: dict[str, Any]) -> object:
    """Run a cell, and give what its last line is if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NOTEBOOK.name, "exec"), namespace)  # noqa: S102  # our own example
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), namespace)  # noqa: S307  # our own example


class Checked(HTMLParser):
    """Elements that are opened and closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("notebook")))
        found = [run("".join(cell["source"]), namespace) for cell in cells("code")]
    assert namespace["written"].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    return [value for value in found if value is not None]


def test_it_runs_and_shows_tables(shown: list[object]) -> None:
    assert {type(value).__name__ for value in shown} == {*SHOWN}
    for value in shown:
        assert isinstance(value, (aw.Reader, aw.Answer))
        Checked(value._repr_html_())


def test_it_shows_what_its_words_say(shown: list[object]) -> None:
    answers = {value.question: value.table.to_pylist() for value in shown if isinstance(value, aw.Answer)}
    assert answers["denied"][0]["user"] == "system:serviceaccount:team-a11:builder"
    assert "needs the verb" in answers["denied_why"][0]["missing"]
    assert (answers["slow"][0]["verb"], answers["slow"][0]["what"]) == ("create", "configmaps")
    assert answers["slow_explain"][0]["mostly"] == "validating webhooks"
    assert answers["admission"][0]["kind"] == "failed open"
    assert all(answers.values()), "no cell is without rows"


def test_a_question_is_answered_in_a_kernel_that_has_no_widgets() -> None:
    done = subprocess.run([sys.executable, "-c", IN_A_KERNEL], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Answer('top', rows=1"), done.stderr


def test_it_is_kept_without_outputs() -> None:
    for cell in cells("code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    ids = [cell["id"] for kind in ("code", "markdown") for cell in cells(kind)]
    assert len(set(ids)) == len(ids) > 10


def test_it_names_nothing_of_this_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not [path for path in ("/home/", "/tmp", "/root", "C:\\") if path in text]  # noqa: S108  # looked for


def test_a_reader_shows_what_it_reads_and_starts_nothing(tmp_path: Path) -> None:
    log = write(tmp_path / "<b>audit.log", [event()])
    reader = aw.read(log, columns=["verb", "code"])
    before = reader._repr_html_()
    Checked(before)
    assert "&lt;b&gt;audit.log" in before
    assert "2 columns" in before
    assert "verb, code" in before
    assert "0 events so far" in before
    assert reader.outcomes.bytes == 0, "nothing was read"
    log.unlink()
    assert reader._repr_html_() == before, "nor opened"


def test_a_reader_shows_what_became_of_the_lines(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event()])
    log.write_text(log.read_text() + "{torn\n")
    reader = aw.read([log] * 12)
    assert sum(batch.num_rows for batch in reader) == 12
    text = reader._repr_html_()
    assert "12 events so far" in text
    assert "<td>ok</td><td>12</td>" in text
    assert "<td>rejected</td><td>12</td>" in text
    assert "and 2 more" in text


def test_what_a_url_has_beside_its_place_is_not_shown() -> None:
    from auditwake.sources import called

    assert called("https://me:secret@logs.example.com/audit.log?signature=abc") == "https://logs.example.com/audit.log"
