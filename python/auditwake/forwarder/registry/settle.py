"""A state that stands at a given offset, made by the tail itself: its files are known by what stands in them.

What is before the offset is read and committed, in ever smaller batches down to single lines: a commit is of a batch.
"""

from collections.abc import Callable, Mapping

from auditwake.forwarder.registry.survey import Place
from auditwake.tail import Offsets, Tail

__all__ = ["STEPS", "settle"]

# Bytes of a batch. The last one means a line a batch.
STEPS = (16 << 20, 64 << 10, 1)


def settle(open_tail: Callable[[int], Tail], places: Mapping[str, Place]) -> Mapping[str, int]:
    """Commit what is before the given places, and nothing behind them.

    Args:
        open_tail: Opens the tail for the state, with so many bytes in a batch; it does not follow.
        places: The place in each log that is to be moved; others stay at their beginning.

    Returns:
        Where each log stands: at the offset, or at the last end of a batch in front of it. A log that
        is missing there was changed meanwhile: the state is of no use then.
    """
    ends: dict[str, int] = {}
    for step in STEPS:
        ends = _pass(open_tail(step), places, ends)
        if all(ends.get(log) == place.offset for log, place in places.items()):
            break
    return ends


def _pass(tail: Tail, places: Mapping[str, Place], before: Mapping[str, int]) -> dict[str, int]:
    """Commit batches up to the last that is wholly before the place; say where that was in the place's file."""
    # What stands there already is not touched: the batches behind it may be of later files.
    reached = {log: end for log, end in before.items() if end == places[log].offset}
    inside: dict[str, int] = {}
    with tail:
        for batch in tail:
            at = batch.offsets
            place = places.get(at.stream)
            if place is None or at.stream in reached:
                continue
            if _is_before(at, place):
                batch.commit()
            if at.file == place.file:
                inside.setdefault(at.stream, at.start)
                if _is_before(at, place):
                    inside[at.stream] = at.end
                if at.end >= place.offset:
                    reached[at.stream] = inside[at.stream]
            if len(reached) == len(places):
                break
    return reached


def _is_before(at: Offsets, place: Place) -> bool:
    return at.file != place.file or at.end <= place.offset
