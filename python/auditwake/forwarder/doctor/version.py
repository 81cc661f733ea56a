"""A version of kube-apiserver as people and images write it."""

import re
from typing import Final

__all__ = ["read_version"]

VERSION: Final = re.compile(r"v?(?P<major>\d{1,4})\.(?P<minor>\d{1,4})(?:\.\d+)?(?:[-+].*)?", re.ASCII)


def read_version(text: str) -> tuple[int, int] | None:
    """Read a version; what a distribution adds to it makes no difference.

    Args:
        text: The version.

    Returns:
        Major and minor; None where it is no version.

    Example:
        >>> read_version("v1.36.2+k3s1"), read_version("1.35"), read_version("1.31+"), read_version("new")
        ((1, 36), (1, 35), (1, 31), None)
    """
    match = VERSION.fullmatch(text)
    return (int(match["major"]), int(match["minor"])) if match else None
