"""Manifests as they stand in the files, as kustomize builds them and as Helm renders them."""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import helm_python
import pytest
import yaml

__all__ = ["CHART", "DEPLOY", "KUSTOMIZE", "ROOT", "Manifest", "documents", "kustomized", "of_kind", "pods", "rendered"]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUSTOMIZE = DEPLOY / "kustomize"
CHART = DEPLOY / "helm" / "auditwake"

Manifest: TypeAlias = dict[str, Any]


def documents(*paths: Path) -> list[Manifest]:
    """Read all documents of some files."""
    return [found for path in paths for found in _parsed(path.read_text())]


def _parsed(text: str) -> list[Manifest]:
    return [found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found]


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Give the manifests of a kind."""
    return [found for found in manifests if found["kind"] == kind]


def pods(manifests: list[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    """Give each workload with the spec of its pods."""
    for found in manifests:
        if found["kind"] in {"DaemonSet", "Deployment"}:
            yield found, found["spec"]["template"]["spec"]


@functools.cache
def _kustomize() -> tuple[str, ...] | None:
    if shutil.which("kustomize"):
        return ("kustomize", "build")
    return ("kubectl", "kustomize") if shutil.which("kubectl") else None


def kustomized(folder: Path) -> list[Manifest]:
    """Build a folder as `kubectl apply -k` does; no cluster is asked."""
    command = _kustomize()
    if command is None:
        pytest.skip("there is neither kustomize nor kubectl here")
    nowhere = {**os.environ, "KUBECONFIG": os.devnull}
    done = subprocess.run([*command, str(folder)], env=nowhere, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return _parsed(done.stdout)


def rendered(values: Mapping[str, Any], chart: Path = CHART) -> list[Manifest]:
    """Render the chart as `helm install demo --namespace audit` does."""
    with helm_python.Chart.load(chart) as loaded:
        texts = loaded.render(dict(values), name="demo", namespace="audit")
    return [found for name, text in texts.items() if name.endswith(".yaml") for found in _parsed(text)]
