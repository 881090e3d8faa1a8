"""Services forked from a process that has loaded their packages: most of a start is loading them.

A forked service has settings, a log file, a session and an exit status of its own, and is killed
when its launcher ends, as an executed one. It differs in its command line, in the memory that it
shares, and in that all of them hash strings alike.
"""

import ctypes
import gc
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL
from typing import Any, NoReturn

from fastapi import FastAPI

from deploy.embedded.processes import OWNER_ONLY, Child, has_ended
from deploy.embedded.secrets import SERVICES

PACKAGES = (
    *(f"services.{service}.app" for service in SERVICES),
    *(f"services.{service}.entrypoints.http" for service in SERVICES),
    "services.desk.pages",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""Packages that services and desk load before they read their settings; their routers are
included in an application once, which takes much longer than each time after.
"""

_SET_PARENT_DEATH_SIGNAL = 1


class ForkServer:
    """Launcher of the commands that ``python -m`` would execute, with ``packages`` loaded already.

    Its process starts with the first launch. Use it from one thread, which lives as long as the
    launched processes.
    """

    def __init__(self, log: Path, packages: Sequence[str] = PACKAGES) -> None:
        self._log = log
        self._packages = packages
        self._process: subprocess.Popen[bytes] | None = None
        self._connection, self._theirs = Pipe()

    def launch(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
        """Fork a process for ``command``, which is ``python -m module …``."""
        python, option, *arguments = command
        assert (python, option) == (sys.executable, "-m")
        if self._process is None:
            self._process = self._begin()
            self._ask(partial(_load, self._packages))
        fork = partial(_fork, arguments, dict(environment), log.resolve())
        return _Forked(self._ask(fork), self._ask)

    def close(self) -> None:
        """End the server and the processes that it launched."""
        self._connection.close()
        if self._process:
            self._process.wait()

    def _begin(self) -> subprocess.Popen[bytes]:
        with self._theirs, self._log.open("ab") as log:
            server = f"from tests.support.forking import serve; serve({self._theirs.fileno()})"
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-c", server],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[self._theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _ask(self, question: Callable[[], Any]) -> Any:
        self._connection.send(question)
        return self._connection.recv()


@dataclass(frozen=True)
class _Forked:
    pid: int
    ask: Callable[[Callable[[], Any]], Any]

    def has_ended(self) -> bool:
        ended: bool = self.ask(partial(has_ended, self.pid))
        return ended

    def wait(self) -> int:
        _, status = self.ask(partial(os.waitpid, self.pid, 0))
        return os.waitstatus_to_exitcode(status)


# In the server's process


def serve(handle: int) -> None:
    """Answer requests over the pipe ``handle`` until it is closed."""
    with Connection(handle) as connection:
        while True:
            try:
                question = connection.recv()
            except EOFError:
                return
            connection.send(question())


def _load(packages: Sequence[str]) -> None:
    for name in packages:
        if router := getattr(import_module(name), "router", None):
            FastAPI().include_router(router)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a fork would lose threads"
    gc.collect()
    gc.freeze()


def _fork(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Return the process id of a child; the child itself continues as ``python -m`` with
    ``arguments``.
    """
    return os.fork() or _become(arguments, environment, log)


def _become(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> NoReturn:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, SIGKILL)
    os.setsid()
    os.umask(OWNER_ONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, output + 1)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    sys.exit()
