"""Audit events with a number in them: what was read can be counted, and what is missing has a name."""

from collections.abc import Iterable

EVENT = (
    '{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",'
    '"auditID":"00000000-0000-4000-8000-{number:012}","stage":"ResponseComplete",'
    '"requestURI":"/api/v1/namespaces/default/configmaps/n-{number:09}","verb":"get",'
    '"user":{{"username":"kubernetes-admin","groups":["kubeadm:cluster-admins","system:authenticated"]}},'
    '"sourceIPs":["127.0.0.1"],"userAgent":"{agent}","objectRef":{{"resource":"configmaps","namespace":"default",'
    '"name":"n-{number:09}","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},'
    '"requestReceivedTimestamp":"{time}","stageTimestamp":"{time}",'
    '"annotations":{{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}}}\n'
)
TIME = "2026-11-24T00:00:00.000000Z"


def line(number: int, length: int = 0) -> bytes:
    """Make the event of a number, padded to a length in bytes; the Go writer makes the same but for the time."""
    text = EVENT.format(number=number, agent="writer/v1", time=TIME)
    padding = "x" * max(length - len(text), 0)
    return EVENT.format(number=number, agent="writer/v1" + padding, time=TIME).encode()


def number_of(name: str) -> int:
    """Take the number out of the column `name`."""
    return int(name.removeprefix("n-"))


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Fold numbers into runs of consecutive ones, first and last, in their order."""
    folded: list[tuple[int, int]] = []
    for number in numbers:
        if folded and number == folded[-1][1] + 1:
            folded[-1] = (folded[-1][0], number)
        else:
            folded.append((number, number))
    return folded


def joined(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join runs that go on where the one before ends."""
    whole: list[tuple[int, int]] = []
    for first, last in parts:
        if whole and first == whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], last)
        else:
            whole.append((first, last))
    return whole
