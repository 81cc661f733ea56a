"""The configuration of the agent."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from auditwake.errors import AuditwakeError, ConfigError
from auditwake.forwarder.config import AgentConfig, default_paths
from auditwake.forwarder.doctor.facts import ConfigFacts
from auditwake.forwarder.doctor.finding import Place

__all__ = ["Load", "look_at_config"]

Load: TypeAlias = Callable[[Sequence[Path]], AgentConfig]
"""Loads a configuration."""


def look_at_config(given: Sequence[Path], load: Load) -> ConfigFacts:
    """Load the configuration.

    Args:
        given: Files and directories, which have to be there; empty takes those of `AUDITWAKE_CONFIG`, else the usual.
        load: Loads it.
    """
    asked = list(given) or list(default_paths())
    texts = tuple(map(str, asked))
    if not given and not any(path.exists() for path in asked):
        return ConfigFacts(asked=texts)
    try:
        config = load(asked)
    except ConfigError as error:
        problems = tuple((Place(one.file, one.line), one.message, one.remedy) for one in error.problems)
        return ConfigFacts(asked=texts, found=True, problems=problems)
    except (AuditwakeError, OSError, ValueError, RecursionError) as error:
        problem = (Place(texts[0]), f"it cannot be loaded: {type(error).__name__}", "auditwake agent configcheck")
        return ConfigFacts(asked=texts, found=True, problems=(problem,))
    return ConfigFacts(asked=texts, found=True, config=config)
