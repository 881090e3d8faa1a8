"""Worker processes and their owner's end."""

import subprocess
import sys

import psutil

OWNER = """
import os, time
from shared.workers import worker

if __name__ == "__main__":
    print(worker().submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_a_worker_ends_when_its_owner_is_killed(tmp_path) -> None:
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
