"""The audit policy of the server."""

import os
from collections import Counter
from dataclasses import replace

from auditwake.errors import AuditwakeError, PolicyError
from auditwake.forwarder.doctor.facts import PolicyFacts
from auditwake.forwarder.doctor.finding import Place

__all__ = ["look_at_policy"]


def look_at_policy(path: str, here: str, kube_version: str, *, visible: bool) -> PolicyFacts:
    """Load a policy as the server does, and count what `policy check` finds.

    Args:
        path: As the server has it.
        here: As it is called here.
        kube_version: The version of the server.
        visible: Whether what is not there is missing; otherwise it may be somewhere that we do not see.
    """
    from auditwake.policy import Policy

    facts = PolicyFacts(path=path, here=here)
    try:
        os.stat(here)  # noqa: PTH116  # a text that no path can be is answered as well
        policy = Policy.load(os.path.abspath(here), kube_version=kube_version)  # noqa: PTH100  # as above
        found = policy.check()
    except PolicyError as error:
        first = error.errors[0]
        said = error.server_message if len(error.errors) == 1 else f"{len(error.errors)} errors: {first.server_message}"
        place = Place(here, first.line)
        return replace(facts, exists=True, refused=said, refused_place=place, remedy=first.remedy)
    except (FileNotFoundError, NotADirectoryError):
        return replace(facts, exists=False if visible else None)
    except (AuditwakeError, OSError, ValueError, RecursionError) as error:
        exists = None if isinstance(error, PermissionError) else True
        return replace(facts, exists=exists, problem=getattr(error, "strerror", None) or str(error))
    counts = Counter((one.code, one.name, one.severity) for one in found)
    places = {one.code: Place(here, one.mark.line if one.mark else None) for one in reversed(found)}
    findings = tuple((*kind, count, places[kind[0]]) for kind, count in sorted(counts.items()))
    return replace(facts, exists=True, findings=findings, rules=len(policy.document.rules))
