"""Why a text could not be read, on its way to `PolicyError`."""

__all__ = ["DecodeError"]


class DecodeError(Exception):
    """A text cannot be decoded.

    Attributes:
        message: The server's words, without what it puts before them.
        place: Where, as the tree that failed knows it; None where it is not known.
    """

    def __init__(self, message: str, place: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
