"""Keys and tokens: in the file, in the environment, or in a file of their own."""

import os
import re
from typing import Final

from auditwake.forwarder.config.check import Section
from auditwake.forwarder.config.environment import Environment
from auditwake.forwarder.config.report import Place, Report
from auditwake.forwarder.config.secret import Secret, SecretFile

__all__ = ["api_key", "choose", "headers", "one_secret", "secrets"]

BACKEND: Final = re.compile(r"ENC\[.*\]")
HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
FRAMING: Final = {"connection", "content-length", "transfer-encoding"}
API_KEY: Final = re.compile(r"[0-9a-fA-F]{32}")


def choose(
    report: Report, environment: Environment, section: Section, name: str, file_name: str
) -> Secret | SecretFile | None:
    """Give a secret that stands in one key, or in a file that another key names; not in both.

    Args:
        report: Takes what is wrong.
        environment: Where references lead.
        section: The map with the two keys.
        name: The key of the secret.
        file_name: The key of the file.
    """
    if name in section and file_name in section:
        report.error(
            section.at(file_name),
            f"{name} and {file_name} cannot both be given",
            f"remove one; {file_name} is read again when it changes",
        )
        return None
    if file_name in section:
        return secret_file(report, section[file_name], section.at(file_name))
    if name in section:
        return one_secret(report, environment, section[name], section.at(name))
    return None


def secret_file(report: Report, path: str, place: Place) -> SecretFile | None:
    """Give the file of a secret; it need not be there yet."""
    if not path.strip():
        report.error(place, "the path is empty", "write where the file is")
        return None
    # Not `Path.is_file`, which raises where a directory may not be looked into.
    if not os.path.isfile(path):  # noqa: PTH113
        report.warning(place, "there is no such file yet", "nothing is sent before it is there: mount the Secret")
    return SecretFile(path)


def one_secret(report: Report, environment: Environment, text: str, place: Place) -> Secret | None:
    """Give a secret, with its references replaced."""
    value = environment.resolve(text, place)
    if value is None:
        return None
    if BACKEND.fullmatch(value.strip()):
        report.error(
            place,
            "secret backends (ENC[...]) are not supported",
            "write ${NAME} for a variable, or name a file with the secret",
        )
        return None
    if not value.strip():
        report.error(place, "is empty", "write the secret, ${NAME} for a variable, or name a file with it")
        return None
    if not value.strip().isascii() or not value.strip().isprintable():
        report.error(place, "holds characters that no HTTP header can hold", "write it anew, on one line")
        return None
    return Secret(value.strip())


def secrets(environment: Environment, given: dict[str, tuple[str, Place]]) -> dict[str, Secret]:
    """Give names and their secrets."""
    found = {}
    for name, (text, place) in given.items():
        value = environment.resolve(text, place)
        if value is not None:
            found[name] = Secret(value)
    return found


def headers(report: Report, environment: Environment, given: dict[str, tuple[str, Place]]) -> dict[str, Secret]:
    """Give headers, with names and values that HTTP can carry."""
    found = secrets(environment, given)
    known: dict[str, str] = {}
    for name, value in found.items():
        place = given[name][1]
        before = known.setdefault(name.lower(), name)
        if before != name:
            report.error(place, f"the header is there already, as {before}", "remove one: case has no meaning in it")
        elif name.lower() in FRAMING:
            report.error(place, "this header belongs to the connection", "remove it: it is made for each request")
        elif not HEADER.fullmatch(name):
            report.error(place, "is no name of a header", "write letters, digits and - only")
        elif not value.reveal().isascii() or not value.reveal().isprintable():
            report.error(place, "holds characters that no HTTP header can hold", "write it anew, on one line")
        elif value.reveal() != value.reveal().strip():
            report.error(place, "has white space around it, which no HTTP header can hold", "remove it")
    return found


def api_key(report: Report, key: Secret | SecretFile | None, place: Place) -> None:
    """Warn of a key that cannot be one of Datadog's."""
    if isinstance(key, Secret) and not API_KEY.fullmatch(key.reveal()):
        report.warning(
            place,
            "this does not look like an API key of Datadog: 32 hexadecimal digits",
            "copy it again from Organization Settings, API Keys",
        )
