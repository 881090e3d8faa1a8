"""Child processes that never outlive the process that started them."""

import asyncio
import json
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from deploy.embedded.errors import EmbeddedError

_LOG_LIMIT = 10_000_000
_SAME_START_S = 1.0
OWNER_ONLY = 0o077

_SECRETS: Mapping[str, str | None] = {
    "AFTERSALES_SMTP_PASSWORD": "crm",
    "AFTERSALES_SMS_GATEWAY_SECRET": "crm",
    "AFTERSALES_WECOM_GATEWAY_SECRET": "crm",
    "AFTERSALES_CLIENT_SECRET": "reception",
    "AFTERSALES_OIDC_CLIENT_SECRET": "desk",
    "AFTERSALES_DESK_SECRET": "desk",
    "AFTERSALES_FILES_SECRET_KEY": "reception",
    "AWS_SECRET_ACCESS_KEY": "reception",
    "AWS_SESSION_TOKEN": "reception",
    "AFTERSALES_DATABASE_URL": None,
    "AFTERSALES_WORKER_DATABASE_URL": None,
    "AFTERSALES_OWNER_DATABASE_URL": None,
    "AFTERSALES_ISSUER_KEY_FILE": None,
    "AFTERSALES_KEYS_FILE": None,
    "AFTERSALES_RECOGNITION_KEYS_FILE": None,
    "AFTERSALES_KAFKA_PASSWORD": None,
}
"""Secrets in a supervisor's environment, each with the one process that may have it."""


def owned_secrets(name: str) -> dict[str, str]:
    """Return the secrets of the present environment that are for the process ``name``."""
    return {key: value for key, value in os.environ.items() if _SECRETS.get(_secret(key)) == name}


def _without_secrets() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if _secret(key) not in _SECRETS}


def _secret(variable: str) -> str:
    """Return the secret that a variable holds, or whose file it names."""
    return variable if variable in _SECRETS else variable.removesuffix("_FILE")


class Child(Protocol):
    """A started process; its pid cannot be reused until it has been waited for."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def has_ended(self) -> bool:
        """Return whether it has ended; it can still be waited for."""

    def wait(self) -> int:
        """Wait for its end and return its exit status (negative: the signal)."""


Launch = Callable[[Sequence[str], Mapping[str, str], Path], Child]
"""Function that starts a command with an environment and a log file, as :func:`execute`."""


class _Executed:
    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        return self._child.pid

    def has_ended(self) -> bool:
        return has_ended(self.pid)

    def wait(self) -> int:
        return self._child.wait()


def has_ended(pid: int) -> bool:
    """Return whether the child ``pid`` of this process has ended.

    It can still be waited for.
    """
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def execute(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    privileges: Sequence[str] = (),
) -> Child:
    """Start ``command`` in a session of its own; its output is appended to ``log``.

    The kernel kills it when the calling thread ends. ``privileges`` are options of ``setpriv``.
    """
    with log.open("ab") as output:
        return _Executed(
            subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *privileges, "--", *command],
                env=environment,
                umask=OWNER_ONLY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )


class Process:
    """One child process with its log file.

    It leads a process group of its own, which ends with it, and the kernel kills it when the
    thread that called :meth:`start` ends: start it from a thread that lives as long as it should.
    """

    def __init__(
        self,
        name: str,
        port: int,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        launch: Launch = execute,
    ) -> None:
        self.name = name
        self.port = port
        self.log = log
        self._command = command
        self._environment = dict(environment)
        self._stop_signal = stop_signal
        self._launch = launch
        self._child: Child | None = None
        self._exit_status: int | None = None
        self._running: Running | None = None
        self.wanted = False

    @property
    def running(self) -> "Running":
        """The child that was started last; an error when there was none."""
        if self._running is None:
            raise EmbeddedError(f"{self.name} was never started")
        return self._running

    @property
    def pid(self) -> int:
        """Process id of the child that was started last."""
        return self.running.pid

    @property
    def alive(self) -> bool:
        return self._child is not None and self.exit_status() is None

    def exit_status(self) -> int | None:
        """Return the exit status (negative: the signal), or ``None`` while it runs."""
        child = self._child
        if child is not None and self._exit_status is None and child.has_ended():
            # Not yet waited for, so that its process group's id cannot be reused.
            _signal_group(child.pid, signal.SIGKILL)
            self._exit_status = child.wait()
        return self._exit_status

    def start(self, **overrides: str) -> None:
        """Start the child; ``overrides`` are added to its environment for this run only."""
        if self.alive:
            raise EmbeddedError(f"{self.name} is already running with pid {self.pid}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        environment = {**_without_secrets(), **self._environment, **overrides}
        self._child = self._launch(self._command, environment, self.log)
        self._exit_status = None
        self._running = Running.of(self.name, self._child.pid, self.port)
        self.wanted = True

    def kill(self) -> None:
        """End the child and its children at once, as a power cut would."""
        self.wanted = False
        if self._child is not None and self.exit_status() is None:
            _signal_group(self._child.pid, signal.SIGKILL)
            self._exit_status = self._child.wait()

    async def stop(self, grace_s: float = 15.0) -> bool:
        """Stop the child, kill it after ``grace_s``, and return whether it ended by itself."""
        self.wanted = False
        if not self.alive:
            return True
        os.kill(self.pid, self._stop_signal)
        try:
            async with asyncio.timeout(grace_s):
                while self.alive:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            self.kill()
            return False
        return True

    def last_words(self) -> str:
        """Return the last line of the log that is not empty."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 4096))
            lines = log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


async def run_to_end(*command: str) -> tuple[int, str]:
    """Return exit status and last line of a short command.

    The command does not outlive a cancelled caller.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        env=_without_secrets(),
        umask=OWNER_ONLY,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    return await child.wait(), output.decode(errors="replace").strip().rsplit("\n", 1)[-1]


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


@dataclass(frozen=True)
class Running:
    """A process as another terminal can find it again: by pid and start time, never by name."""

    name: str
    pid: int
    started: float
    port: int

    @classmethod
    def of(cls, name: str, pid: int, port: int) -> "Running":
        return cls(name, pid, psutil.Process(pid).create_time(), port)

    def find(self) -> psutil.Process | None:
        """Return the process that was recorded, if it still runs."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < _SAME_START_S
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class State:
    """Supervisor of a data folder, the processes that run on it, and all its ports by name."""

    supervisor: Running
    processes: tuple[Running, ...]
    ports: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "State | None":
        """Return the state last written, or ``None`` where there is none that can be read."""
        try:
            content = json.loads(file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return cls(
            Running(**content["supervisor"]),
            tuple(Running(**each) for each in content["processes"]),
            content.get("ports", {}),
        )

    def write(self, file: Path) -> None:
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(file)

    def alive(self) -> list[Running]:
        """Return the recorded processes that still run, without the supervisor."""
        return [each for each in self.processes if each.find()]


def kill_left_over(state: State) -> list[Running]:
    """End the recorded processes that survived their supervisor, and return them."""
    left_over = state.alive()
    for each in left_over:
        _signal_group(each.pid, signal.SIGKILL)
    psutil.wait_procs([found for each in left_over if (found := each.find())], timeout=10)
    return left_over


def ports_taken(ports: Mapping[str, int]) -> list[str]:
    """Return one line per port on the loopback address on which another process listens."""
    return [
        f"port {port} ({name}) is taken by {_listener(port)}"
        for name, port in ports.items()
        if not can_listen(port)
    ]


def can_listen(port: int) -> bool:
    """Return whether the loopback ``port`` is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _listener(port: int) -> str:
    for connection in psutil.net_connections("tcp"):
        address = connection.laddr
        listens = connection.status == psutil.CONN_LISTEN and address and address.port == port
        if listens and connection.pid is not None:
            return f"pid {connection.pid} {_command_line(connection.pid)}"
    return "a process that this user cannot see"


def _command_line(pid: int) -> str:
    try:
        return shlex.join(psutil.Process(pid).cmdline())[:120]
    except psutil.Error:
        return "(ended)"
