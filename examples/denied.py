"""Who was denied what, batch by batch: memory does not depend on the length of the log."""

import sys
from collections import Counter

import auditwake as aw

COLUMNS = ["eff_user", "verb", "resource", "namespace", "is_terminal", "decision"]


def main(log: str) -> None:
    """Count the denials of a log and print them, most first."""
    denied: Counter[tuple[str | None, ...]] = Counter()
    for batch in aw.read(log, columns=COLUMNS):
        for row in batch.to_pylist():
            # A request leaves an event for each of its stages: it counts at its last.
            if row["is_terminal"] and row["decision"] == "forbid":
                denied[row["eff_user"], row["verb"], row["resource"], row["namespace"]] += 1
    for (user, verb, resource, namespace), count in denied.most_common():
        print(f"{count:6} {user} may not {verb} {resource or 'a path'} in {namespace or 'the cluster'}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(aw.demo.LOG))
