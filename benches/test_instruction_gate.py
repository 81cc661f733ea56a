"""The gate says what changed, and what to do about it."""

import copy
import json
from typing import Any

import pytest
from instruction_gate import CASES, FIGURES, complaints

KEPT: dict[str, Any] = json.loads(FIGURES.read_text())


def counted(factor: float = 1, **changed: str) -> list[dict[str, Any]]:
    figures = copy.deepcopy(KEPT["figures"])
    figures[0]["instructions_a_line"] *= factor
    figures[0].update(changed)
    return figures


def test_the_figures_are_of_the_cases() -> None:
    assert [(figure["log"], figure["columns"], figure["simd"]) for figure in KEPT["figures"]] == list(CASES)


@pytest.mark.parametrize("factor", [0.972, 1, 1.028])
def test_little_passes(factor: float) -> None:
    assert complaints(KEPT, counted(factor), KEPT["compiler"]) == []


@pytest.mark.parametrize(("factor", "shown"), [(0.968, "-3.2%"), (1.032, "+3.2%")])
def test_less_fails_as_more_does(factor: float, shown: str) -> None:
    (said,) = complaints(KEPT, counted(factor), KEPT["compiler"])
    assert said.startswith("metadata, columns all, SIMD detected: ")
    assert shown in said


def test_another_compiler_has_more_room() -> None:
    assert complaints(KEPT, counted(1.14), "rustc 9") == []
    assert len(complaints(KEPT, counted(1.16), "rustc 9")) == 1


def test_another_log_is_not_compared() -> None:
    (said,) = complaints(KEPT, counted(log_sha256="0"), KEPT["compiler"])
    assert "another log" in said


def test_other_cases_are_not_compared() -> None:
    assert complaints(KEPT, counted(columns="verb"), KEPT["compiler"]) == [
        "the figures are of other cases than those counted now"
    ]
