"""All checks: one small file a section."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from auditwake.forwarder.doctor.facts import Facts
from auditwake.forwarder.doctor.finding import Code, Finding
from auditwake.forwarder.doctor.judging import (
    apiserver,
    clock,
    configuration,
    disk,
    lines,
    logfiles,
    modes,
    mounting,
    policy,
    rotation,
    sink,
)

__all__ = ["CODES", "SECTIONS", "judge"]


class Section(NamedTuple):
    """Checks that belong together.

    Attributes:
        name: What they are about.
        codes: What they can find.
        find: Finds it, one function after the other.
    """

    name: str
    codes: tuple[Code, ...]
    find: tuple[Callable[[Facts], Iterator[Finding]], ...]


SECTIONS: Final = (
    Section("apiserver", apiserver.CODES + modes.CODES, (apiserver.find, modes.find)),
    Section("policy", policy.CODES, (policy.find,)),
    Section("log files", mounting.CODES + logfiles.CODES + lines.CODES, (mounting.find, logfiles.find, lines.find)),
    Section("rotation", rotation.CODES, (rotation.find,)),
    Section("disk", disk.CODES, (disk.find,)),
    Section("sink", sink.CODES, (sink.find,)),
    Section("configuration", configuration.CODES, (configuration.find,)),
    Section("clock", clock.CODES, (clock.find,)),
)

CODES: Final[dict[str, Code]] = {code.code: code for section in SECTIONS for code in section.codes}
"""Every code that there is."""


def judge(facts: Facts) -> list[Finding]:
    """Say what facts mean.

    Args:
        facts: What was found.

    Returns:
        A finding for each check that the facts allow, section by section.

    Example:
        >>> from auditwake.forwarder.doctor.facts import Who
        >>> [one.code for one in judge(Facts(now=0.0, who=Who(uid=0, name="root")))]
        ['AWD100', 'AWD700']
    """
    return [finding for section in SECTIONS for find in section.find for finding in find(facts)]
