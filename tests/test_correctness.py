"""docs/correctness.md names the test of each claim: every one of them is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "correctness.md").read_text()


def names_of_tests() -> set[str]:
    """Functions of the tests in Python, and in the Rust core."""
    python = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    rust = {
        name for path in (ROOT / "rust" / "core").rglob("*.rs") for name in re.findall(r"\bfn (\w+)", path.read_text())
    }
    assert len(python) > 400
    assert len(rust) > 400
    return python | rust


def rows() -> list[list[str]]:
    """The cells of each claim, without heads of tables."""
    lines = re.findall(r"^\| (.*) \|$", PAGE, re.MULTILINE)
    cells = [line.split(" | ") for line in lines]
    return [row for row in cells if row[-1] not in {"shown by", "---"}]


def test_every_claim_names_a_test_that_is_there() -> None:
    known = names_of_tests()
    claims = rows()
    assert len(claims) > 60
    assert {len(row) for row in claims} == {3}
    named = {claim: re.findall(r"`(\w+)`", tests) for claim, _, tests in claims}
    assert sum(map(len, named.values())) > 90
    assert {name for tests in named.values() for name in tests} - known == set()
    assert [claim for claim, _, tests in claims if not named[claim] and tests != "none"] == []


@pytest.mark.parametrize(("title", "count"), [("Fluent Bit's scenarios of `in_tail`", 26), ("Known failures", 24)])
def test_no_scenario_is_left_out(title: str, count: int) -> None:
    section = PAGE.partition(f"## {title}")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\| ", section, re.MULTILINE)) - 2 == count
