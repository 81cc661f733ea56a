"""The offsets of a Datadog Agent, taken over once."""

from auditwake.forwarder.registry.file import Entry, read_registry
from auditwake.forwarder.registry.importing import TakenOver, take_over

__all__ = ["Entry", "TakenOver", "read_registry", "take_over"]
