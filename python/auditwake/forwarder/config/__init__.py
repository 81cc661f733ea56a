"""The configuration: files and environment in Datadog's shape, and our own block, to one frozen `AgentConfig`."""

from auditwake.forwarder.config.discover import default_paths
from auditwake.forwarder.config.loading import load
from auditwake.forwarder.config.model import AgentConfig

__all__ = ["AgentConfig", "default_paths", "load"]
