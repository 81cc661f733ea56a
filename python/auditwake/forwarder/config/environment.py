"""What the environment says: variables that win over keys, and references to variables in values."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from auditwake.forwarder.config.check import Section, check_list, split
from auditwake.forwarder.config.document import Document, masked_urls
from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.keys import DATADOG, LOGS_CONFIG, PROXY
from auditwake.forwarder.config.own import OWN
from auditwake.forwarder.config.report import Place, Report, meant
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.config.values import Given, scalar
from auditwake.forwarder.config.yamltext import TextError, decode, parse

__all__ = ["CONFIG", "Environment", "variables"]

CONFIG: Final = "AUDITWAKE_CONFIG"
REFERENCE: Final = re.compile(r"\$(\$)?\{([^}]*)\}")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NEARLY: Final = 0.85
NONE: Final = {"none", "null", "off"}
NEAR: Final = ("DD_LOGS_", "DD_API_", "DD_SITE", "DD_TAG", "DD_HOSTN", "DD_PROXY_", "AUDITWAKE_")
ELSEWHERE: Final = {CONFIG, "AUDITWAKE_SIMD", "DD_API_KEYS", "DD_LOGS_INJECTION"}


def variables() -> dict[str, Key]:
    """Give each variable that is obeyed or known, with its key.

    Example:
        >>> variables()["DD_SITE"].default
        'datadoghq.com'
    """
    groups = (DATADOG, LOGS_CONFIG, PROXY, OWN)
    return {key.env: key for group in groups for key in group.keys if key.env}


class Environment:
    """The variables of a process.

    Attributes:
        used: The variables that had an effect, with their values as they may be shown.
    """

    def __init__(self, report: Report, values: Mapping[str, str]) -> None:
        self._report = report
        self._values = {name: value for name, value in values.items() if value}
        self.used: dict[str, str] = {}

    def over(self, section: Section) -> None:
        """Put the values of variables over those of a section, as the Agent does."""
        for key in section.group.keys:
            text = self._values.get(key.env) if key.env else None
            if text is None:
                continue
            place = Place(key.env)
            if key.ignored:
                self._report.warning(
                    place, f"has no effect: {key.reason}", "remove it, or leave it for Datadog's Agent"
                )
            else:
                # A URL may be written without its scheme.
                shown = re.sub(r"^[^\s/]*@", "***@", masked_urls(text)) if key.kind == "url" else masked_urls(text)
                self.used[key.env] = "***" if key.kind in {"secret", "groups"} else shown
                self._take(section, key, text, place)

    def _take(self, section: Section, key: Key, text: str, place: Place) -> None:
        if key.kind == "words":
            section.put(key.name, split(",".join(text.split())), place)
        elif key.kind == "groups":
            assert key.group is not None  # noqa: S101  # so says the table
            section.put(key.name, self._json(key.group, text, place), place)
        elif key.nullable and text.lower() in NONE:
            section.put(key.name, None, place)
        else:
            word = text.lower() if key.choices else text
            if key.kind == "secret":
                self.used[key.env] = Secret(text).masked
            value = scalar(self._report, key, Given("string", word, word, variable=True), place)
            if value is not None:
                section.put(key.name, value.value, place)

    def _json(self, group: Group, text: str, place: Place) -> tuple[Section, ...]:
        document = Document(Path(place.name), "", text.splitlines())
        try:
            document.root = parse(decode(text.encode("utf-8", errors="replace")))
        except TextError as error:
            where = place.at(error.place, "") if error.place else place
            self._report.error(where, error.message.replace("YAML", "JSON"), f"write a JSON list: {error.remedy}")
            return ()
        return check_list(self._report, document, group)

    def resolve(self, text: str, place: Place) -> str | None:
        """Give a value with its references replaced: `${NAME}`, or `${NAME:-default}`; `$${` is `${`.

        Returns:
            The value; None where a variable is missing, which is noted.
        """
        missing: list[str] = []

        def value(match: re.Match[str]) -> str:
            if match[1]:
                return match[0][1:]
            name, colon, default = match[2].partition(":-")
            if not NAME.fullmatch(name):
                missing.append("")
            elif name not in self._values and not colon:
                missing.append(name)
            elif name in self._values:
                self.used.setdefault(name, "***")
            return self._values.get(name, default)

        done = REFERENCE.sub(value, text)
        for name in missing:
            if name:
                self._report.error(
                    place, f"the environment variable {name} is not set", f"set it, or write ${{{name}:-default}}"
                )
            else:
                self._report.error(
                    place, "a reference to the environment has no name", "write ${NAME}, or $${ for the characters ${"
                )
        return None if missing else done

    def strangers(self) -> None:
        """Warn of variables that are near to one that is known, or have its beginning."""
        known = variables()
        for name in sorted(self._values):
            if name in known or name in ELSEWHERE or not name.startswith(NEAR):
                continue
            near = meant(name, known, cutoff=NEARLY)
            if near or name.startswith("DD_LOGS_CONFIG_"):
                remedy = near or "remove it if it is a mistake"
                self._report.warning(Place(name), "is no variable that this agent knows; it has no effect", remedy)
