"""One encoder for each log of a route: attributes may have its name in them."""

from hashlib import sha256
from typing import TYPE_CHECKING

from auditwake import _core
from auditwake.forwarder.engine.reader import Encoded

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import Source
    from auditwake.forwarder.sinks.sink import PayloadSink
    from auditwake.policy import Policy

__all__ = ["Encoders", "evaluator"]


class Encoders:
    """Makes encoders when logs appear.

    Args:
        sink: Says how events are encoded.
        source: Where they are from; its rules apply.
        policy: What is applied before them; None for nothing.
    """

    def __init__(self, sink: "PayloadSink", source: "Source", policy: "Policy | None") -> None:
        self._sink = sink
        self._source = source
        self._policy = policy
        self._made: dict[str, Encoded] = {}

    def __call__(self, stream: str) -> Encoded:
        """Give the encoder of a log.

        Raises:
            ValueError: A rule's pattern is none.
        """
        if stream not in self._made:
            encoding, rules = self._sink.encoding(self._source, stream), self._source.rules
            encoder = _core.Encoder(encoding, rules, evaluator(self._policy))
            text = "" if self._policy is None else f"{self._policy.document.kube_version}\n{self._policy.document.text}"
            told = f"{_core.__version__}\n{encoding!r}\n{rules!r}\n{text}"
            self._made[stream] = Encoded(encoder, sha256(told.encode()).hexdigest()[:16])
        return self._made[stream]


def evaluator(policy: "Policy | None") -> "_core.Evaluator | None":
    """Give what the core evaluates a policy with."""
    return None if policy is None else policy._core  # noqa: SLF001  # the same package
