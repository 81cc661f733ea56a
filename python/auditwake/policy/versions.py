"""What differs between the versions of kube-apiserver whose answers are known."""

from typing import Final

__all__ = ["NEWEST", "OLDEST", "any_group", "check_version", "scheme_name"]

OLDEST: Final = (1, 28)
NEWEST: Final = (1, 37)
# The first whose rules may have the group '*'.
ANY_GROUP: Final = (1, 36)
# The name of the server's table of types: the line of its source that makes one stands in its errors.
SCHEME: Final = "pkg/runtime/scheme.go:111"


def check_version(kube_version: str) -> tuple[int, int]:
    """Give a version as numbers.

    Args:
        kube_version: Such as `1.36`; a patch and a `v` before it are allowed, and make no difference.

    Returns:
        Its major and minor.

    Raises:
        ValueError: It is none, or one whose answers are not known.

    Example:
        >>> check_version("v1.36.4")
        (1, 36)
    """
    parts = kube_version.removeprefix("v").split(".")
    known = f"known are {_text(OLDEST)} to {_text(NEWEST)}"
    if len(parts) not in {2, 3} or not all(part.isascii() and part.isdigit() for part in parts):
        message = f"kube_version {kube_version!r} is no version such as {_text(NEWEST)}; {known}"
        raise ValueError(message)
    version = int(parts[0]), int(parts[1])
    if version < OLDEST:
        message = (
            f"kube_version {kube_version} is older than the oldest whose answers are known; {known}. "
            f"The audit policy of an older server: ask for {_text(OLDEST)}, and try the file on that server as well"
        )
        raise ValueError(message)
    if version > NEWEST:
        message = f"kube_version {kube_version} is newer than the newest whose answers are known; {known}"
        raise ValueError(message)
    return version


def any_group(version: tuple[int, int]) -> bool:
    """Say whether a server takes the group `*` for all groups."""
    return version >= ANY_GROUP


def scheme_name(version: tuple[int, int]) -> str:
    """Give the name that a server's errors have for its table of types."""
    del version
    return SCHEME


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
