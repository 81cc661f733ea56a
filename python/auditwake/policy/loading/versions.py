"""What differs between the versions of kube-apiserver whose answers are known."""

from typing import Final, NamedTuple

__all__ = ["NEWEST", "OLDEST", "Server", "find_server"]

OLDEST: Final = (1, 28)
NEWEST: Final = (1, 37)

# The first version that takes the group '*', that says lists as JSON, and that says "unsupported map key" small.
ANY_GROUP: Final = (1, 36)
JSON_VALUES: Final = (1, 34)
SMALL_UNSUPPORTED: Final = (1, 31)
# The server's table of types is named after the line of its source that makes it, and the name stands in errors:
# the first version with a line, and the line.
SCHEME_LINES: Final = (((1, 35), 111), ((1, 33), 110), ((1, 28), 100))


class Server(NamedTuple):
    """A version of kube-apiserver.

    Attributes:
        major: Its major version.
        minor: Its minor version.
    """

    major: int
    minor: int

    @property
    def version(self) -> str:
        """The version, such as `1.37`."""
        return f"{self.major}.{self.minor}"

    @property
    def any_group(self) -> bool:
        """Whether it takes the group `*` for all groups."""
        return self >= ANY_GROUP

    @property
    def json_values(self) -> bool:
        """Whether it says values in errors as JSON; before, it said them as Go."""
        return self >= JSON_VALUES

    @property
    def scheme(self) -> str:
        """The name that its errors have for its table of types."""
        line = next(line for first, line in SCHEME_LINES if self >= first)
        return f"pkg/runtime/scheme.go:{line}"

    def words(self, message: str) -> str:
        """Give an error of YAML in its words."""
        return (
            message if self >= SMALL_UNSUPPORTED else message.replace("unsupported map key", "Unsupported map key", 1)
        )


def find_server(kube_version: str) -> Server:
    """Give the server of a version.

    Args:
        kube_version: Such as `1.36`; a patch and a `v` before it are allowed, and make no difference.

    Returns:
        The server.

    Raises:
        ValueError: It is no version, or one whose answers are not known.

    Example:
        >>> find_server("v1.36.4").version
        '1.36'
    """
    parts = kube_version.removeprefix("v").split(".")
    oldest, newest = Server(*OLDEST).version, Server(*NEWEST).version
    known = f"known are {oldest} to {newest}"
    if len(parts) not in {2, 3} or not all(part.isascii() and part.isdigit() for part in parts):
        message = f"kube_version {kube_version!r} is no version such as {newest}; {known}"
        raise ValueError(message)
    server = Server(int(parts[0]), int(parts[1]))
    if server < OLDEST:
        message = f"kube_version {kube_version} is older than what is known; {known}: ask for {oldest}, the nearest"
        raise ValueError(message)
    if server > NEWEST:
        message = f"kube_version {kube_version} is newer than what is known; {known}: ask for {newest}, the nearest"
        raise ValueError(message)
    return server
