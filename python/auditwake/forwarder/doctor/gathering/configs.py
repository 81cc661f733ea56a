"""The configuration of the agent."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from auditwake.errors import AuditwakeError
from auditwake.forwarder.config.model import AgentConfig
from auditwake.forwarder.doctor.facts import ConfigFacts

__all__ = ["DEFAULTS", "Load", "look_at_config"]

Load: TypeAlias = Callable[[Sequence[Path]], AgentConfig]
"""Loads a configuration."""

DEFAULTS = ("/etc/auditwake/conf.d", "/conf.d")


def look_at_config(given: Sequence[Path], load: Load) -> ConfigFacts:
    """Load the configuration.

    Args:
        given: Files and directories; empty takes `AUDITWAKE_CONFIG`, else the usual places.
        load: Loads it.
    """
    named = os.environ.get("AUDITWAKE_CONFIG")
    usual = [Path(named)] if named else [Path(one) for one in DEFAULTS]
    asked = list(given) or usual
    paths = asked if given or named else [one for one in asked if one.exists()][:1]
    texts = tuple(map(str, asked))
    if not paths:
        return ConfigFacts(asked=texts)
    try:
        config = load(paths)
    except (AuditwakeError, OSError, ValueError, RecursionError) as error:
        errors = getattr(error, "errors", None) or (error,)
        return ConfigFacts(asked=texts, found=True, errors=tuple(str(one) for one in errors))
    return ConfigFacts(asked=texts, found=True, config=config)
