"""Dependencies point one way: which module may use which, in Rust and in Python.

A module that is not in its table fails the test: give it a line there, and with it a thought.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUST_CORE = ROOT / "rust" / "core"
PYTHON = ROOT / "python" / "auditwake"

# Module of rust/core/src -> what it may use. `lines` and `input` know bytes and offsets and no JSON; `parse` knows a
# line and no file; `reader` is the one that brings them together.
RUST: Mapping[str, set[str]] = {
    "edit": set(),
    "repair": set(),
    "repeats": set(),
    "schema": set(),
    "scan": set(),
    "lines": set(),
    "input": set(),
    "event": {"repair"},
    "stats": {"repair"},
    "parse": {"event", "repair", "scan"},
    "batch": {"event", "parse", "repair", "scan", "schema"},
    "restore": {"event", "parse", "scan", "schema"},
    "output": {"parse", "stats"},
    "policy": {"batch", "edit", "event", "input", "lines", "output", "parse", "reader", "scan", "schema", "stats"},
    "payload": {"edit", "event", "parse", "policy", "scan", "stats"},
    "envelope": {"event", "lines", "parse", "repair", "scan"},
    "reader": {"batch", "envelope", "event", "input", "lines", "parse", "repair", "scan", "schema", "stats"},
    "stored": {"reader", "repeats", "schema"},
    "tail": {"input", "lines"},
    "checkpoint": {"output", "tail"},
    "follow": {"batch", "checkpoint", "input", "lines", "reader", "schema", "stats", "tail"},
    "parquet": {"batch", "input", "output", "parse", "reader", "scan", "schema", "stats"},
}

# Module of python/auditwake -> what it may use. The command line uses the package, never the other way round.
PUBLIC = {
    "convert",
    "demo",
    "detections",
    "errors",
    "lines",
    "policy",
    "questions",
    "rbac",
    "read",
    "report",
    "scan",
    "schema",
    "tail",
    "where",
}
PYTHON_TABLE: Mapping[str, set[str]] = {
    "types": set(),
    "pages": set(),
    "where": set(),
    "numbers": set(),
    "_core": {"types"},
    "errors": {"_core"},
    "parquet": {"_core", "errors"},
    "policy": {"_core", "errors", "numbers", "pages", "parquet", "read", "sources", "types"},
    "questions": {"_core", "errors", "numbers", "pages", "parquet", "read", "schema", "types", "where"},
    "rbac": {"errors", "policy", "questions", "read", "types"},
    "detections": {"_core", "errors", "pages", "policy", "questions", "schema", "types"},
    "report": {"_core", "detections", "errors", "policy", "questions", "sources"},
    "sources": {"errors", "types"},
    "schema": {"_core", "types"},
    "read": {"_core", "numbers", "schema", "sources", "types", "where"},
    "lines": {"_core", "read", "types"},
    "scan": {"read", "types", "where"},
    "convert": {"_core", "errors", "numbers", "read", "schema", "sources", "types", "where"},
    "tail": {"_core", "numbers", "schema", "types"},
    "forwarder": {"_core", "convert", "errors", "pages", "policy", "read", "schema", "tail", "types"},
    "demo": set(),
    "__init__": {"_core", "forwarder", *PUBLIC},
    "cli": {"__init__", "_core", "forwarder", "numbers", *PUBLIC}
    - {"convert", "lines", "read", "scan", "schema", "where"},
    "__main__": {"cli"},
}

Uses = dict[str, set[str]]

INLINE_TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+ \{")


# --- Rust ------------------------------------------------------------------------------------------------------------


def rust_files() -> list[Path]:
    sources = RUST_CORE / "src"
    return [path for path in sorted(sources.rglob("*.rs")) if path.stem != "tests" and path != sources / "lib.rs"]


@cache
def rust_uses() -> Uses:
    """Module -> modules of the crate that it names, outside its tests and comments."""
    uses: Uses = {}
    for path in rust_files():
        parts = path.relative_to(RUST_CORE / "src").with_suffix("").parts
        code = re.sub(r"//.*", "", INLINE_TESTS.split(path.read_text())[0])
        named = set(re.findall(r"\bcrate::(\w+)", code))
        for group in re.findall(r"\bcrate::\{([^;]*)\}", code):
            named |= set(re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\{[^{}]*\}", "", group)))
        # `super` out of a module's own folder leads to the crate as well: one for each folder, and one more.
        named |= set(re.findall(r"\b" + "super::" * len(parts) + r"(?!super\b)(\w+)", code))
        uses.setdefault(parts[0], set()).update(named & {*RUST} - {parts[0]})
    return uses


def test_every_rust_module_has_its_line() -> None:
    modules = {path.relative_to(RUST_CORE / "src").with_suffix("").parts[0] for path in rust_files()}
    assert len(modules) >= 5
    assert modules <= set(RUST)


@pytest.mark.parametrize("module", RUST)
def test_a_rust_module_uses_what_it_may(module: str) -> None:
    assert rust_uses().get(module, set()) <= RUST[module]


def test_every_file_of_rust_tests_is_run() -> None:
    """Cargo looks for none by itself: a file is a module of `all.rs`, or a program that the manifest names."""
    folder = RUST_CORE / "tests"
    programs = re.findall(r'^\[\[test\]\]\nname = "(\w+)"$', (RUST_CORE / "Cargo.toml").read_text(), re.MULTILINE)
    modules = re.findall(r"^mod (\w+);$", (folder / "all.rs").read_text(), re.MULTILINE)
    files = {path.stem for path in folder.glob("*.rs")}
    assert len(files) > 10
    assert files - {*programs, *modules} == set()


def test_the_core_knows_no_python() -> None:
    files = [*rust_files(), RUST_CORE / "Cargo.toml"]
    assert len(files) > 10
    assert [path.name for path in files if "pyo3" in path.read_text()] == []


def test_only_the_binding_knows_python() -> None:
    assert "pyo3" in (ROOT / "rust" / "py" / "Cargo.toml").read_text()


# --- Python ----------------------------------------------------------------------------------------------------------


def python_files() -> list[Path]:
    return [*sorted(PYTHON.rglob("*.py")), PYTHON / "_core.pyi"]


@cache
def python_uses() -> Uses:
    """Module -> modules of the package that it imports, for types or at run time, at its top or later."""
    uses: Uses = {}
    for path in python_files():
        module = path.relative_to(PYTHON).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            uses.setdefault(module, set()).update(set(imported(node)) - {module})
    return uses


def imported(node: ast.AST) -> Iterator[str]:
    """Modules of the package that a statement imports; `__init__` for names of the package itself."""
    if isinstance(node, ast.Import):
        yield from (top_module(alias.name.split(".")[1:]) for alias in node.names if is_ours(alias.name))
    elif isinstance(node, ast.ImportFrom) and node.module and is_ours(node.module):
        inner = node.module.split(".")[1:]
        yield from ([inner[0]] if inner else [top_module([alias.name]) for alias in node.names])
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "auditwake"


def top_module(parts: list[str]) -> str:
    return parts[0] if parts and parts[0] in PYTHON_TABLE else "__init__"


def test_every_python_module_has_its_line() -> None:
    modules = {path.relative_to(PYTHON).with_suffix("").parts[0] for path in python_files()}
    assert len(modules) >= 10
    assert modules == set(PYTHON_TABLE)


@pytest.mark.parametrize("module", PYTHON_TABLE)
def test_a_python_module_uses_what_it_may(module: str) -> None:
    assert python_uses().get(module, set()) <= PYTHON_TABLE[module]


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "graph", [RUST, PYTHON_TABLE, rust_uses(), python_uses()], ids=["rust-table", "python-table", "rust", "python"]
)
def test_there_is_no_circle(graph: Mapping[str, set[str]]) -> None:
    assert sum(map(len, graph.values())) > 5, "nothing was looked at"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", [*python_files(), *rust_files()], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    assert path.read_text().count("\n") <= 400
