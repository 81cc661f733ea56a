"""A seeded generator of Kubernetes audit logs.

``world`` says who talks to the cluster, ``actions`` what each of them does, ``bodies`` what the objects look like,
``stream`` turns that into events in the order of time, and ``hostile`` spoils lines on purpose.
"""

from synth.stream import SHAPES, lines

__all__ = ["SHAPES", "lines"]
