"""Streams that cross the Arrow PyCapsule interface: whatever is handed over, each is consumed once and freed once.

`make memcheck` runs this file under valgrind, so it needs no pyarrow.
"""

import gc
import io

import pytest

import auditwake as aw

LINES = [
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"%d","stage":"Panic","requestURI":"/",'
    b'"verb":"get","user":{},"requestReceivedTimestamp":"2026-11-24T00:10:19.000001Z","stageTimestamp":"2026-11-24T00:10:19.000002Z"}'
    % number
    for number in range(100)
]


class Given:
    """Gives a capsule that was made before."""

    def __init__(self, capsule: object) -> None:
        self.capsule = capsule

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the same one each time."""
        return self.capsule


def reader() -> aw.Reader:
    return aw.read(io.BytesIO(b"\n".join(LINES)), batch_rows=7)


def test_a_stream_outlives_what_made_it() -> None:
    given = Given(reader().__arrow_c_stream__())
    gc.collect()
    assert list(aw.lines(given)) == LINES


def test_a_stream_is_consumed_once() -> None:
    given = Given(reader().__arrow_c_stream__())
    written = aw.lines(given)
    with pytest.raises(ValueError, match="already released"):
        aw.lines(given)
    assert list(written) == LINES


def test_a_stream_is_let_go_unread_and_half_read() -> None:
    unread = reader().__arrow_c_stream__()
    written = aw.lines(Given(reader().__arrow_c_stream__()))
    assert [next(written) for _ in range(10)] == LINES[:10]
    del unread, written
    gc.collect()


def test_a_line_outlives_its_stream() -> None:
    lines = list(aw.lines(reader()))
    gc.collect()
    assert lines == LINES


@pytest.mark.parametrize(
    ("given", "error"),
    [(reader().__arrow_c_schema__(), ValueError), (object(), TypeError), (None, TypeError)],
    ids=["schema", "object", "none"],
)
def test_what_is_no_stream_is_refused(given: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        aw.lines(Given(given))
