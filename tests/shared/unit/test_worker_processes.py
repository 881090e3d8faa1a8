"""Worker processes and their owner's end."""

import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from shared.worker_processes import ConfinedWorkers, ExhaustedError

OWNER = """
import os, time
from shared.worker_processes import worker

if __name__ == "__main__":
    print(worker().submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_worker_ends_when_owner_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    owner = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": "."}
    )
    assert owner.stdout
    worker = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.communicate()
    worker.wait(10)
    assert not worker.is_running()


def spin() -> None:
    while True:
        pass


async def test_excessive_computation_is_stopped_and_worker_replaced() -> None:
    workers = ConfinedWorkers(1, memory_bytes=600_000_000, cpu_s=1)
    first = await workers.compute(os.getpid)
    with pytest.raises(ExhaustedError):
        await workers.compute(partial(bytes, 700_000_000))
    second = await workers.compute(os.getpid)
    with pytest.raises(ExhaustedError):
        await workers.compute(spin)
    third = await workers.compute(os.getpid)
    assert len({first, second, third}) == 3
    with pytest.raises(ZeroDivisionError):
        await workers.compute(partial(divmod, 1, 0))
    assert await workers.compute(os.getpid) == third
    psutil.Process(third).kill()
    with suppress(ExhaustedError):
        await workers.compute(os.getpid)
    assert await workers.compute(os.getpid) != third
