"""How an agent stands and what it sends, told over a local socket."""

from auditwake.forwarder.status.client import Unheard, ask_status, follow
from auditwake.forwarder.status.server import StatusServer
from auditwake.forwarder.status.stream import Filters
from auditwake.forwarder.status.text import status_text

__all__ = ["Filters", "StatusServer", "Unheard", "ask_status", "follow", "status_text"]
