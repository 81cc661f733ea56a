"""`auditwake doctor`: what stands between a request and its event at the sink, checked and explained.

`gathering` looks at the node, the files and the sinks, and makes `Facts`; `judging` has one small file a section, and
says what the facts mean without looking at anything else.
"""

from auditwake.forwarder.doctor.facts import Asked, Facts
from auditwake.forwarder.doctor.finding import Finding, Place
from auditwake.forwarder.doctor.gathering.gather import gather
from auditwake.forwarder.doctor.registry import judge

__all__ = ["Asked", "Facts", "Finding", "Place", "gather", "judge"]
