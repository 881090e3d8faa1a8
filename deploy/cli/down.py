"""``aftersales down``: stop what ``up`` started in another terminal."""

import psutil

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.terminal import print_line
from deploy.embedded.processes import State, kill_left_over

_GRACE_S = 90


def down(data: DataFolder = None) -> None:
    """Stop the platform that runs on the data folder, and only that."""
    settings = settings_for(data)
    state = State.read(settings.data / "state.json")
    if state is None:
        print_line(f"nothing runs on {settings.data}")
        return
    if supervisor := state.supervisor.find():
        print_line(f"stopping pid {supervisor.pid}")
        _end(supervisor)
    for left_over in kill_left_over(state):
        print_line(f"{left_over.name}: ended pid {left_over.pid}")
    (settings.data / "state.json").unlink(missing_ok=True)
    print_line("stopped, nothing is left running")


def _end(supervisor: psutil.Process) -> None:
    try:
        supervisor.terminate()
        supervisor.wait(_GRACE_S)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        print_line(f"pid {supervisor.pid} did not end within {_GRACE_S} s and is killed")
        supervisor.kill()
        supervisor.wait()
