"""A fake receiver on the loopback interface: it answers as it is told, and an oracle knows what it has taken."""

from tests.intake.answers import Chaos, always, limited, marked, script
from tests.intake.messages import Reply, Request
from tests.intake.oracle import Oracle
from tests.intake.server import Intake

__all__ = ["Chaos", "Intake", "Oracle", "Reply", "Request", "always", "limited", "marked", "script"]
