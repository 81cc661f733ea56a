"""What can be named as a source."""

import builtins
import functools
import http.server
import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.sources import RemoteFile, resolve


@pytest.fixture
def address(data: Path) -> Iterator[str]:
    """Serve the test data on the loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=data)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def count(source: Any) -> int:  # noqa: ANN401  # whatever a user may give
    return len(pa.table(aw.read(source, columns=["verb"])))


def test_a_path_as_text_or_as_path(metadata_log: Path) -> None:
    assert count(str(metadata_log)) == count(metadata_log) == 5292


def test_a_folder_is_its_rotated_set_in_the_order_of_time(data: Path) -> None:
    rows = pa.table(aw.read(data / "rotated", columns=["src_file", "ts_stage"]))
    files = list(dict.fromkeys(rows["src_file"].to_pylist()))
    names = [os.path.basename(file) for file in files]  # noqa: PTH119  # on any system, as the core spells it
    assert names == [*sorted(names[:-1]), "audit.log"]
    assert len(names) == 18


def test_a_pattern_is_what_it_matches(data: Path) -> None:
    assert count(str(data / "rotated" / "audit-*.log.gz")) + count(data / "rotated" / "audit.log") == 4716


def test_several_sources_come_in_their_order(metadata_log: Path) -> None:
    rows = pa.table(aw.read([aw.demo.LOG, metadata_log, io.BytesIO(metadata_log.read_bytes())], columns=["src_file"]))
    files = list(dict.fromkeys(rows["src_file"].to_pylist()))
    assert len(rows) == 2164 + 2 * 5292
    assert files[:2] == [str(aw.demo.LOG), str(metadata_log)]


def test_a_file_object(metadata_log: Path) -> None:
    with metadata_log.open("rb") as file:
        assert count(file) == 5292
    assert count(io.BytesIO(metadata_log.read_bytes())) == 5292


@pytest.mark.parametrize("source", [b"audit.log", 7, None, [7]])
def test_what_names_no_bytes_is_refused(source: object) -> None:
    with pytest.raises(TypeError, match="a source is"):
        count(source)


def test_a_text_file_is_refused(metadata_log: Path) -> None:
    with metadata_log.open() as file, pytest.raises(TypeError, match="binary"):
        count(file)


def test_a_web_address(address: str) -> None:
    url = f"{address}/metadata/audit.log.gz"
    reader = aw.read(url, columns=["verb", "src_file"])
    assert len(pa.table(reader)) == 5292
    assert pa.table(reader)["src_file"].unique().to_pylist() == [url]


def test_a_web_address_that_is_not_there(address: str) -> None:
    with pytest.raises((FileNotFoundError, aw.errors.AuditwakeError)):
        list(aw.read(f"{address}/nowhere.log"))


def test_a_file_address(metadata_log: Path) -> None:
    assert resolve(f"file://{metadata_log}") == [str(metadata_log)]


def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(aw.errors.SourceError, match="s3://"):
        resolve("gopher://audit.log")


@pytest.mark.parametrize(
    ("url", "extra"), [("s3://b/audit.log", "s3"), ("gcs://b/audit.log", "gs"), ("abfs://b/a", "az")]
)
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, url: str, extra: str) -> None:
    genuine = builtins.__import__

    def without_clients(name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # as the built-in
        if name.partition(".")[0] in {"s3fs", "gcsfs", "adlfs"}:
            raise ImportError(name)
        return genuine(name, *args, **kwargs)

    for client in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.delitem(sys.modules, client, raising=False)
    monkeypatch.setattr(builtins, "__import__", without_clients)
    with pytest.raises(aw.errors.SourceError, match=rf"auditwake\[{extra}\]"):
        resolve(url)


def test_a_remote_file_is_opened_when_it_is_read() -> None:
    opened: list[io.BytesIO] = []

    def opener() -> io.BytesIO:
        opened.append(io.BytesIO(b"bytes"))
        return opened[-1]

    file = RemoteFile("s3://bucket/audit.log", opener)
    assert opened == []
    assert file.read(3) + file.read(9) == b"bytes"
    assert file.seek(0) == 0
    assert opened[0].closed
    assert file.read(9) == b"bytes"
    assert len(opened) == 2
    with pytest.raises(OSError, match="from its start"):
        file.seek(3)
