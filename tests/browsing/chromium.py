"""Where Chromium is, and how it is started: Debian's package, installed or as `make chromium` lays it out."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browsing.pipe import Pipe

__all__ = ["chromium"]

ROOT = Path(__file__).parents[2] / "target" / "tools" / "chromium"
OWN = ROOT / "usr" / "lib" / "chromium" / "chromium-headless-shell"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",  # containers have no user namespaces, and the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)


@contextmanager
def chromium(folder: Path) -> Iterator[Pipe]:
    """Start it, or skip the test and say why. It is driven over two pipes: no port, and no package for it."""
    found = next(filter(None, map(shutil.which, NAMES)), None) or str(OWN)
    if not os.access(found, os.X_OK):
        pytest.skip("Chromium is not here: `make chromium` takes it from Debian's package chromium-headless-shell")
    to_browser, ours_out = os.pipe()
    ours_in, from_browser = os.pipe()
    # The protocol's pipes are the descriptors 3 and 4, whatever their numbers are here.
    command = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/bash", "-c", command, "chromium", found, *OPTIONS, f"--user-data-dir={folder / 'profile'}"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(folder), "LD_LIBRARY_PATH": _libraries()},
        )
    os.close(to_browser)
    os.close(from_browser)
    pipe = Pipe(ours_in, ours_out)
    try:
        yield pipe
    finally:
        pipe.close()
        process.terminate()
        process.wait(timeout=30)


def _libraries() -> str:
    """The folders of the libraries that `make chromium` laid beside it, and those that are looked at anyway."""
    own = {str(file.parent) for file in ROOT.rglob("*.so*")} if OWN.exists() else set()
    return ":".join([*sorted(own), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
