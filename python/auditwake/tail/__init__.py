"""A live audit log, followed through rotation and restarts, as record batches whose offsets the caller commits."""

from auditwake.tail.batches import Tail, TailBatch
from auditwake.tail.open import tail
from auditwake.tail.standing import Gap, Offsets, Retention, StreamStats, TailEvent, TailStats

__all__ = ["Gap", "Offsets", "Retention", "StreamStats", "Tail", "TailBatch", "TailEvent", "TailStats", "tail"]
