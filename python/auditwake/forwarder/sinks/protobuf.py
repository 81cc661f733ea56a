"""As much of protobuf's wire format as an answer takes to read. Requests are encoded by the core."""

from collections.abc import Iterator

__all__ = ["fields"]

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MOST_BITS = 64


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    r"""Give the number and the value of each field.

    Raises:
        ValueError: It is no message.

    Example:
        >>> list(fields(b"\x08\x96\x01\x12\x02ok"))
        [(1, 150), (2, b'ok')]
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == LENGTH:
            size, at = _varint(message, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            text = f"there is no wire type {kind}"
            raise ValueError(text)
        if at + size > len(message):
            text = "the message breaks off"
            raise ValueError(text)
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, MOST_BITS + 7, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  # the bit that says that more follows
            return value, at
    text = "the message breaks off"
    raise ValueError(text)
