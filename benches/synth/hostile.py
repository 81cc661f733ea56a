"""Lines that a reader meets in bad hours: spoilt on purpose, each in one known way.

A client's patch body stands on the line as it was sent, so whoever may send a request decides what these bytes are.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import Final

from synth.text import go_json

_MARK = b',"requestReceivedTimestamp":'


def _with_body(line: bytes, body: bytes) -> bytes:
    """Put a request body, as it was sent, where the server puts it; leave lines alone that cannot have one."""
    if b'"stage":"ResponseComplete"' not in line or b'"level":"Metadata"' not in line:
        return line
    before, mark, after = line.replace(b'"level":"Metadata"', b'"level":"Request"', 1).partition(_MARK)
    return before + b',"requestObject":' + body + mark + after


def _bad_utf8(line: bytes, rng: random.Random) -> bytes:
    return _with_body(line, b'{"data":{"key":"caf\xe9 \xff\xfe \xed\xa0\x80 %d"}}' % rng.randrange(1000))


def _big_number(line: bytes, rng: random.Random) -> bytes:
    return _with_body(line, b'{"spec":{"replicas":1e400,"min":-1e-400,"n":%d}}' % (10**40 + rng.randrange(10**9)))


def _twice(line: bytes, rng: random.Random) -> bytes:
    return _with_body(line, b'{"spec":{"a":1,"a":{"a":2},"a":%d}}' % rng.randrange(9))


def _twice_on_top(line: bytes, _rng: random.Random) -> bytes:
    return line.replace(b'"verb":"', b'"verb":"get","verb":"', 1)


def _deep(line: bytes, rng: random.Random) -> bytes:
    # Go's decoder accepts 10,000 levels; Python's and several others stop far below.
    depth = rng.choice((100, 2_000, 9_000))
    return _with_body(line, b'{"a":' * depth + b"1" + b"}" * depth)


def _unknown_key(line: bytes, rng: random.Random) -> bytes:
    value = rng.choice((b'"x"', b"[1,2,{}]", b'{"stage":"Panic","verb":"delete"}', b"null", b"-0.5e3"))
    return line.replace(b',"verb":', b',"futureField":' + value + b',"verb":', 1)


def _spaces(line: bytes, _rng: random.Random) -> bytes:
    return json.dumps(json.loads(line), ensure_ascii=False).encode() + b" \t\r\n"


def _sorted_keys(line: bytes, _rng: random.Random) -> bytes:
    event = json.loads(line)
    return go_json(dict(sorted(event.items()))).encode() + b"\n"


def _escaped(line: bytes, _rng: random.Random) -> bytes:
    # The same event to any JSON reader, and another one to a reader that compares bytes.
    return line.replace(b'"verb":"', b'"\\u0076erb":"', 1).replace(b'"level":"M', b'"level":"\\u004d', 1)


def _torn(line: bytes, rng: random.Random) -> bytes:
    return line[: rng.randrange(1, len(line) - 1)] + b"\n"


def _glued(line: bytes, rng: random.Random) -> bytes:
    # A write cut short, and the next event behind it without a line end.
    return line[: rng.randrange(1, len(line) - 1)] + line


def _noise(_line: bytes, rng: random.Random) -> bytes:
    return rng.choice(
        (b"\n", b"\r\n", b"   \n", b"I0302 08:00:01.123456       1 server.go:12] ready\n", b"[]\n", b"null\n")
    )


def _null_bytes(line: bytes, rng: random.Random) -> bytes:
    # What a crash leaves behind on some file systems.
    return b"\0" * rng.randrange(1, 600) + line


TRAITS: Final[dict[str, Callable[[bytes, random.Random], bytes]]] = {
    "bad_utf8": _bad_utf8,
    "big_number": _big_number,
    "duplicate_in_body": _twice,
    "duplicate_on_top": _twice_on_top,
    "deep": _deep,
    "unknown_key": _unknown_key,
    "white_space": _spaces,
    "key_order": _sorted_keys,
    "escaped_keys": _escaped,
    "torn": _torn,
    "glued": _glued,
    "noise": _noise,
    "null_bytes": _null_bytes,
}


def spoil(lines: Iterable[bytes], rng: random.Random) -> Iterator[bytes]:
    """Spoil about every third line, each trait in turn."""
    traits = cycle(TRAITS.values())
    for line in lines:
        yield next(traits)(line, rng) if rng.random() < 0.33 else line
