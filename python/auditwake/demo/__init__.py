"""A real audit log that comes with the package, and the questions that `auditwake demo` asks of it."""

from pathlib import Path

__all__ = ["LOG"]

LOG = Path(__file__).with_name("audit.log.gz")
"""Two thousand events of a real kube-apiserver; see README.md beside it."""
