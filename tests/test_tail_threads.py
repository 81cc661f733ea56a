"""A tail in threads, in asyncio and under signals; and the memory that it takes."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import auditwake as aw
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow

# --- threads ---------------------------------------------------------------------------------------------------------


def test_several_threads_share_the_batches(log: Rotator, state: Path) -> None:
    for _ in range(4):
        log.write(30)
        log.rotate()
    log.write(30)

    def work(tail: aw.Tail) -> Taken:
        taken = Taken()
        for batch in tail:
            names = batch.to_pyarrow()["name"].to_pylist()
            taken.numbers += [int(name[2:]) for name in names]
            batch.commit()
        return taken

    with follow(log.path, state, follow=False, batch_rows=2, threads=2) as tail, ThreadPoolExecutor(4) as pool:
        parts = [job.result() for job in [pool.submit(work, tail) for _ in range(4)]]
        assert tail.stats.uncommitted_bytes == 0
    assert sorted(number for part in parts for number in part.numbers) == list(range(1, 151))
    assert drain(log.path, state).rows == []


def test_close_ends_every_thread_that_waits(log: Rotator) -> None:
    log.write(1)
    with follow(log.path, None) as tail:
        Taken().until(tail, 1)
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(list, tail) for _ in range(3)]
            time.sleep(0.2)
            began = time.monotonic()
            tail.close()
            assert [job.result(timeout=10) for job in waiting] == [[], [], []]
        assert time.monotonic() - began < 2
        tail.close()
        assert tail.next() is None


def test_it_can_be_asked_while_another_thread_waits(log: Rotator) -> None:
    log.write(1)
    with follow(log.path, None) as tail:
        batch = tail.next(timeout=10)
        assert batch is not None
        waiting = threading.Thread(target=tail.next)
        waiting.start()
        time.sleep(0.1)
        began = time.monotonic()
        for _ in range(20):
            assert tail.stats.uncommitted_bytes == batch.outcomes.bytes
            assert tail.events == []
            assert tail.gaps == []
        batch.commit()
        assert time.monotonic() - began < 2
        tail.close()
        waiting.join(10)
        assert not waiting.is_alive()


# --- asyncio ---------------------------------------------------------------------------------------------------------


def test_async_for_gives_every_batch_and_does_not_block_the_loop(log: Rotator, state: Path) -> None:
    log.write(10)

    async def read() -> tuple[Taken, int]:
        taken, beats = Taken(), 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.01)
                beats += 1

        heart = asyncio.create_task(beat())
        with follow(log.path, state, batch_rows=4) as tail:
            async for batch in tail:
                taken.add(batch)
                batch.commit()
                if taken.numbers[-1] == 10:
                    asyncio.get_running_loop().call_later(0.3, tail.close)
        heart.cancel()
        return taken, beats

    taken, beats = asyncio.run(read())
    assert taken.rows == [(1, 10)]
    assert beats > 10
    assert drain(log.path, state).rows == []


def test_a_task_that_is_cancelled_leaves_its_batch_to_the_next(log: Rotator, state: Path) -> None:
    async def read() -> Taken:
        taken = Taken()
        with follow(log.path, state, batch_rows=1) as tail:
            for number in range(1, 6):
                for _ in range(3):
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(anext(tail), 0.05)
                log.write(1)
                await asyncio.sleep(0.1)  # the batch is there before anybody asks again
                while len(taken.numbers) < number:
                    taken.add(await asyncio.wait_for(anext(tail), 10))
            tail.commit()
        return taken

    log.path.touch()
    assert asyncio.run(read()).rows == [(1, 5)]
    assert drain(log.path, state).rows == []


def test_tasks_share_the_batches(log: Rotator) -> None:
    log.write(40)

    async def work(tail: aw.Tail) -> list[str]:
        return [name async for batch in tail for name in batch.to_pyarrow()["name"].to_pylist()]

    async def read() -> list[list[str]]:
        with follow(log.path, None, follow=False, batch_rows=1) as tail:
            return await asyncio.gather(*(work(tail) for _ in range(3)))

    names = [name for part in asyncio.run(read()) for name in part]
    assert sorted(names) == [f"n-{number:09}" for number in range(1, 41)]


def test_a_batch_outlives_the_loop_in_which_it_was_waited_for(log: Rotator) -> None:
    log.path.touch()

    async def first(tail: aw.Tail) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(tail), 0.05)

    async def second(tail: aw.Tail) -> aw.TailBatch:
        return await asyncio.wait_for(anext(tail), 10)

    with follow(log.path, None) as tail:
        asyncio.run(first(tail))
        log.write(1)
        time.sleep(0.1)
        assert asyncio.run(second(tail)).num_rows == 1


# --- signals ---------------------------------------------------------------------------------------------------------

WAIT = """
import asyncio, signal, sys, time
import auditwake as aw
tail = aw.tail(sys.argv[1], state=None, columns=["verb"])
def close(*_):
    tail.close()
async def read():
    with tail:
        async for batch in tail:
            print(batch.num_rows, flush=True)
async def read_in_the_open():
    async for batch in tail:
        print(batch.num_rows, flush=True)
if sys.argv[2] == "close":
    signal.signal(signal.SIGTERM, close)
if sys.argv[2] in ("async", "open"):
    asyncio.run(read() if sys.argv[2] == "async" else read_in_the_open())
else:
    with tail:
        for batch in tail:
            print(batch.num_rows, flush=True)
print("ended", flush=True)
"""


@pytest.mark.parametrize(
    ("way", "number", "status"),
    [("for", signal.SIGINT, -signal.SIGINT), ("async", signal.SIGINT, -signal.SIGINT), ("close", signal.SIGTERM, 0)],
    ids=["ctrl-c", "ctrl-c-asyncio", "handler-that-closes"],
)
def test_a_signal_ends_it_at_once(log: Rotator, way: str, number: signal.Signals, status: int) -> None:
    log.write(2)
    command = [sys.executable, "-c", WAIT, str(log.path), way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "2\n"
        time.sleep(0.3)
        began = time.monotonic()
        child.send_signal(number)
        try:
            assert child.wait(10) == status
        finally:
            child.kill()
        assert time.monotonic() - began < 2
        assert child.stdout.read() == ("ended\n" if status == 0 else "")


# --- memory ----------------------------------------------------------------------------------------------------------

READ = """
import json, resource, sys, time
import pyarrow
import auditwake as aw

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))

log, threads = sys.argv[1], int(sys.argv[2])
with aw.tail(log, state=None, follow=False, batch_bytes=1 << 20, threads=threads) as tail:
    first = tail.next()
    before = resident()
    time.sleep(1)
    waited = resident()
    rows, most = first.num_rows, before
    for batch in tail:
        rows += batch.num_rows
        most = max(most, resident())
print(json.dumps({"rows": rows, "waited": waited - before, "most": most - before}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("threads", [1, 2])
def test_memory_does_not_grow_with_what_is_unread(log: Rotator, threads: int) -> None:
    log.length = 4096
    text = b""
    for _ in range(5):
        log.write(500)
        text = log.path.read_bytes()
        log.path.write_bytes(text * 8)
        log.rotate()
    command = [sys.executable, "-c", READ, str(log.path), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert figures["rows"] == 5 * 8 * 500
    assert figures["waited"] < 16 << 20, figures
    assert figures["most"] < 32 << 20, figures


def test_nothing_is_read_while_nobody_asks(log: Rotator) -> None:
    log.write(1)
    with follow(log.path, None) as tail:
        Taken().until(tail, 1)
        log.write(50)
        time.sleep(0.2)
        assert tail.stats.bytes == log.path.stat().st_size // 51
        assert tail.stats.streams[0].offset == log.path.stat().st_size // 51


ASYNC_WITHOUT_WITH = """
import asyncio, sys, auditwake as aw

async def main():
    async for batch in aw.tail(sys.argv[1], state=None):
        print("reading", flush=True)
        asyncio.get_running_loop().call_later(0.3, sys.exit, 7)

asyncio.run(main())
"""


def test_the_interpreter_ends_while_a_task_waits(log: Rotator) -> None:
    log.write(1)
    command = [sys.executable, "-c", ASYNC_WITHOUT_WITH, str(log.path)]
    assert subprocess.run(command, check=False, timeout=30, capture_output=True).returncode == 7
