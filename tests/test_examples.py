"""Every script in `examples/` runs on the bundled log, and says what it found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SAYS = {
    "agent.py": r"2,164 lines handed on, 0 bytes behind",
    "delta.py": r"version 0: 2,164 rows",
    "denied.py": r"\d system:serviceaccount:team-a11:builder may not create configmaps in team-a11",
    "lake.py": r"2,164 rows in 1 files; the second time 0 rows[\s\S]*control-plane",
    "quarantine.py": r"rejected +0 lines +0 bytes",
    "rewrite.py": r'^\{"kind":"Event".*"username":"system:node:',
}


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_runs(script: str) -> None:
    done = subprocess.run([sys.executable, EXAMPLES / script], check=True, capture_output=True, text=True)
    assert re.search(SAYS[script], done.stdout), done.stdout[:2000]


def test_every_example_is_listed() -> None:
    listed = set(re.findall(r"\[(\w+\.py)\]", (EXAMPLES / "README.md").read_text()))
    assert listed == {path.name for path in EXAMPLES.glob("*.py")} == set(SAYS)
