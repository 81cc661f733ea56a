"""Prometheus' own checker, if it is on this machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1] / "target" / "tools" / "bin" / "promtool"


def promtool(*arguments: str, text: str = "", folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run it, or skip the test and say why."""
    found = shutil.which("promtool") or str(HERE)
    if not os.access(found, os.X_OK):
        pytest.skip("promtool is not here: `make promtool` takes it from Debian's package prometheus")
    return subprocess.run([found, *arguments], cwd=folder, input=text, capture_output=True, text=True, check=False)
