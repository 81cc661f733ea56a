"""Numbers that make no sense are refused in the same words, whatever takes them."""

from collections.abc import Callable
from pathlib import Path

import pytest

import auditwake as aw
from auditwake.cli import main

LOG = aw.demo.LOG
TAKES_THREADS: dict[str, Callable[..., object]] = {
    "read": lambda threads: aw.read(LOG, threads=threads),
    "scan": lambda threads: aw.scan(LOG, threads=threads),
    "ask": lambda threads: aw.ask("denied", LOG, threads=threads),
    "sql": lambda threads: aw.sql("select 1", LOG, threads=threads),
    "detect": lambda threads: aw.detect(LOG, threads=threads),
    "convert": lambda threads: aw.convert(LOG, "/nowhere/log.parquet", threads=threads),
    "tail": lambda threads: aw.tail(LOG, state=None, threads=threads),
    "usage": lambda threads: aw.rbac.usage(LOG, threads=threads),
    "report": lambda threads: aw.report.make(LOG, threads=threads),
}


@pytest.mark.parametrize("name", TAKES_THREADS)
def test_a_number_of_threads_that_makes_no_sense(name: str) -> None:
    for threads, said in ((0, "at least 1, not 0"), (-1, "at least 1, not -1"), (1025, "at most 1,024, not 1025")):
        with pytest.raises(ValueError, match=f"threads must be {said}"):
            TAKES_THREADS[name](threads)
    for other in (1.5, True, "2"):
        with pytest.raises(TypeError, match="threads must be a whole number"):
            TAKES_THREADS[name](other)


def test_other_numbers(tmp_path: Path) -> None:
    for name in ("batch_rows", "batch_bytes", "buffer_bytes", "max_line_bytes"):
        for number in (0, -1, 1 << 70):
            with pytest.raises(ValueError, match=f"{name} must be at"):
                aw.read(LOG, **{name: number})  # type: ignore[arg-type]  # one of its numbers
    with pytest.raises(ValueError, match="row_group_rows must be at least 1"):
        aw.convert(LOG, tmp_path / "log.parquet", row_group_rows=-1)
    with pytest.raises(ValueError, match="limit must be at least 0, not -1"):
        aw.ask("denied", LOG, limit=-1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["denied", "cat", "detect"])
@pytest.mark.parametrize("threads", ["0", "-3", "2000", "two"])
def test_threads_on_the_command_line(command: str, threads: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, str(LOG), f"--threads={threads}"])
    assert ended.value.code == 2
    assert "argument --threads: " in capsys.readouterr().err
