"""Which files are the configuration."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditwake.forwarder.config.environment import CONFIG
from auditwake.forwarder.config.report import Place, Report

__all__ = ["Found", "default_paths", "discover"]

SUFFIXES: Final = (".yaml", ".yml")
DATADOG: Final = "datadog.yaml"
AUTO: Final = ("auto_conf.yaml", "auto_conf.yml")
PLACES: Final = ("/etc/auditwake/conf.d", "/conf.d")


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the configuration.

    Attributes:
        path: The file.
        integration: Name of the folder in `conf.d` without `.d`; else of the file without its suffix.
        main: Whether it is `datadog.yaml`.
    """

    path: Path
    integration: str
    main: bool = False


def default_paths(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Give where the configuration is when nobody says it.

    Args:
        environment: Its `AUDITWAKE_CONFIG` may have paths, with the separator of `PATH` between them.

    Returns:
        Those, or `/etc/auditwake/conf.d` if it is there, or `/conf.d`.

    Example:
        >>> [path.as_posix() for path in default_paths({"AUDITWAKE_CONFIG": "audit.yaml"})]
        ['audit.yaml']
    """
    said = environment.get(CONFIG)
    if said:
        return tuple(Path(one) for one in said.split(os.pathsep) if one)
    return (Path(next((one for one in PLACES if os.path.isdir(one)), PLACES[-1])),)  # noqa: PTH112  # text is kept


def discover(report: Report, paths: Iterable[str | os.PathLike[str]]) -> list[Found]:
    """Give the files of the configuration, `datadog.yaml` first, each once.

    Args:
        report: Takes what cannot be found.
        paths: Files, directories such as `conf.d`, or folders of an integration.
    """
    found: list[Found] = []
    paths = list(paths)
    if not paths:
        report.error(Place("the configuration"), "no path was given", "name conf.d or a file")
    for path in map(Path, paths):
        before = len(found)
        try:
            if path.is_dir():
                found += _directory(path)
            else:
                path.stat()
                found.append(_file(path))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "the name holds a NUL"
            report.error(Place(str(path)), f"cannot be read: {why}", "mend it, or name another file with -c")
            continue
        if len(found) == before:
            report.error(Place(str(path)), "there is no configuration in it", "add kubernetes_audit.d/conf.yaml")
    return sorted(_first_of_each(found), key=lambda one: not one.main)


def _first_of_each(found: list[Found]) -> list[Found]:
    seen: dict[str, Found] = {}
    for one in found:
        seen.setdefault(os.path.realpath(one.path), one)
    return list(seen.values())


def _file(path: Path) -> Found:
    parent = path.absolute().parent.name
    if path.name in {DATADOG, "datadog.yml"}:
        return Found(path, "datadog", main=True)
    return Found(path, parent.removesuffix(".d") if parent.endswith(".d") and parent != "conf.d" else path.stem)


def _directory(path: Path) -> Iterator[Found]:
    """Give the files of `conf.d`, of the folder that it stands in, or of one integration."""
    here = path.absolute()
    for main in (here.parent / DATADOG, here / DATADOG):
        if main.is_file() and (main.parent == here or here.name == "conf.d"):
            yield Found(path / DATADOG if main.parent == here else _parent(path) / DATADOG, "datadog", main=True)
    inner = path / "conf.d"
    if inner.is_dir() and here.name != "conf.d":
        yield from _entries(inner)
    yield from _entries(path)


def _parent(path: Path) -> Path:
    return path.parent if path.name not in {"", ".."} else path.absolute().parent


def _entries(path: Path) -> Iterator[Found]:
    for entry in sorted(path.iterdir(), key=lambda one: one.name):
        # A ConfigMap is mounted with links through `..data` and `..<time>`: those are the same files again.
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.name.endswith(".d") and entry.name != "conf.d":
                yield from (Found(one, entry.name.removesuffix(".d")) for one in _files(entry))
        elif _is_file(entry):
            yield _file(entry)


def _files(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir(), key=lambda one: one.name)
    return [one for one in entries if not one.name.startswith(".") and not one.is_dir() and _is_file(one)]


def _is_file(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.name not in {DATADOG, *AUTO}
