"""The page `docs/metrics.md`, written from the table of metrics: `make docs`."""

import sys
from pathlib import Path

from auditwake.forwarder.metrics.families import FAMILIES
from auditwake.forwarder.metrics.render import STATES

__all__ = ["page"]

HEAD = f"""\
# Metrics of the agent

`auditwake agent run` answers on `127.0.0.1:8686` unless `metrics_address` of the `auditwake:` block says otherwise.

| path | answer |
| --- | --- |
| `/metrics` | this page's metrics, in the text format of Prometheus |
| `/healthz` | 200 while the process answers |
| `/readyz` | 200 when the logs are open and no sink waits for a person; else 503 and what is missing |

[agent.md](agent.md#ready) says when an agent is ready. `deploy/prometheus` has alert rules, `deploy/grafana` a
dashboard; both stand on these metrics only.

- `path` is a log; from `auditwake_route_state` on it is what the configuration says, which may be a pattern.
- `sink` is the name of a sink. Each sink has offsets of its own, so each reads the log for itself.
- `state` is one of {", ".join(f"`{state}`" for state in STATES)}.
- `outcome` is what a line became: `ok`, `repaired`, `skipped`, `rejected`.
- `result` of an event: `acknowledged`, `policy_dropped`, `excluded` by a rule, `quarantined`, `rejected` by a receiver
  that counts what it does not take and does not say which (OTLP). `result` of a batch: `new`, `duplicate`.
- `change` of an event: `policy_reduced`, `masked`, `shrunk` to fit the sink.

Counters begin at 0 with the process and never fall while it lives: what was counted for a log that a reload has taken
away stays in the sums of its sink, and goes on when the log comes back. No label comes from an event: none has a user,
a namespace or an audit ID.

| metric | type | meaning |
| --- | --- | --- |
"""


def page() -> str:
    """Give the page.

    Example:
        >>> page().splitlines()[0]
        '# Metrics of the agent'
    """
    rows = (f"| `{name}` | {family.kind} | {family.help} |\n" for name, family in FAMILIES.items())
    return HEAD + "".join(rows)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
