"""How many examples a test draws."""

import os


def at_least(usual: int) -> int:
    """Say `usual`, or what `PROPTEST_CASES` asks for where that is more."""
    return max(usual, int(os.environ.get("PROPTEST_CASES", "0")))
