"""What the agent says of itself: `/metrics` for Prometheus, `/healthz` and `/readyz` for probes."""

from auditwake.forwarder.metrics.render import render
from auditwake.forwarder.metrics.server import MetricsServer

__all__ = ["MetricsServer", "render"]
