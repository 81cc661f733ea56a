"""Times of the Python API, for ``make bench``: pytest-benchmark prints them, ``extra_info`` holds the bytes read.

These are for watching auditwake over time, on one machine. Comparisons with other engines are in ``compare.py``.
"""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import generate
import pytest
from peers.common import METADATA

auditwake = pytest.importorskip("auditwake")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("pytest_benchmark")

SIZE = 20_000_000
CORE = [column.name for column in METADATA]
Bench = Callable[..., Any]


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the logs once for all cases."""
    folder = tmp_path_factory.mktemp("logs")
    paths = {shape: folder / f"{shape}.log" for shape in ("metadata", "mixed", "bodies", "hostile")}
    for shape, path in paths.items():
        generate.write_log(path, shape, SIZE)
    paths["gz"] = folder / "metadata.log.gz"
    # Level 6 is what the API server's log rotation uses.
    with paths["metadata"].open("rb") as source, gzip.open(paths["gz"], "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target)
    return paths


def read(path: Path, columns: list[str] | None) -> Any:  # noqa: ANN401 (a pyarrow.Table; pyarrow has no types)
    """Read a log into memory."""
    return pa.table(auditwake.read(str(path), columns=columns, threads=1))


@pytest.mark.parametrize("columns", [None, CORE], ids=["all-columns", "core-columns"])
@pytest.mark.parametrize("shape", ["metadata", "mixed", "bodies"])
def test_read(benchmark: Any, logs: dict[str, Path], shape: str, columns: list[str] | None) -> None:  # noqa: ANN401
    """Read to Arrow. The core columns have no bodies, so they show what skipping a body costs."""
    benchmark.extra_info["bytes"] = logs[shape].stat().st_size
    assert benchmark(read, logs[shape], columns).num_rows > 0


def test_read_few_columns(benchmark: Any, logs: dict[str, Path]) -> None:  # noqa: ANN401
    """Read what a dashboard needs: the price of one question."""
    benchmark.extra_info["bytes"] = logs["metadata"].stat().st_size
    assert benchmark(read, logs["metadata"], ["ts_stage", "user", "verb", "resource", "code"]).num_columns == 5


def test_read_gz(benchmark: Any, logs: dict[str, Path]) -> None:  # noqa: ANN401
    """Read a rotated log; ``bytes`` is the size after decompression, so that rates compare."""
    benchmark.extra_info["bytes"] = logs["metadata"].stat().st_size
    benchmark.extra_info["compressed_bytes"] = logs["gz"].stat().st_size
    assert benchmark(read, logs["gz"], None).num_rows > 0


@pytest.mark.parametrize("columns", [None, CORE], ids=["all-columns", "core-columns"])
@pytest.mark.parametrize("shape", ["metadata", "mixed"])
def test_convert(
    benchmark: Any,  # noqa: ANN401
    logs: dict[str, Path],
    tmp_path: Path,
    shape: str,
    columns: list[str] | None,
) -> None:
    """Convert to one Parquet file, as ``compare.py`` does."""
    out = tmp_path / "out.parquet"
    options = {"columns": columns, "partition_by": None, "compression": "zstd", "compression_level": 1, "threads": 1}

    def convert() -> None:
        # Converting may refuse or resume an existing target; each round starts clean.
        out.unlink(missing_ok=True)
        auditwake.convert(str(logs[shape]), str(out), **options)

    benchmark.extra_info["bytes"] = logs[shape].stat().st_size
    benchmark(convert)
    benchmark.extra_info["out_bytes"] = out.stat().st_size


def test_read_hostile(benchmark: Any, logs: dict[str, Path]) -> None:  # noqa: ANN401
    """A third of the lines is spoilt: this is what an attacker can make a reader pay."""
    benchmark.extra_info["bytes"] = logs["hostile"].stat().st_size
    assert benchmark(read, logs["hostile"], None).num_rows > 0
