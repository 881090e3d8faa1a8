"""PostgreSQL as compose runs it: TLS, rights by the network, archive of its log, first roles."""

import os
import shutil
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from deploy.embedded import postgres
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.processes import Process, execute, run_to_end
from tests.cluster.composition import COMPOSE, POSTGRES, Composition
from tests.cluster.distributions import postgres as programs_of

_NAME = "postgres"


async def prepared_database(composition: Composition, cache: Path, log: Path) -> Process:
    """Make the data folder with its first roles, and return the server's process."""
    programs = programs_of(cache)
    environment = composition.environment(_NAME)
    privileges = postgres._unprivileged()
    mounted = composition.mounted(_NAME)
    data, run = Path(environment["PGDATA"]), mounted["/var/run/postgresql"]
    for folder in (
        data,
        run,
        *(composition.volumes / "backup" / each for each in ("", "wal", "base")),
    ):
        folder.mkdir(parents=True, exist_ok=True)
    secrets = composition.folder(_NAME) / "secrets"
    shutil.copy(secrets / "postgres_key.pem", run / "key.pem")
    if privileges:
        for folder in (data, *composition.volumes.joinpath("backup").rglob("*"), run / "key.pem"):
            shutil.chown(folder, postgres._ACCOUNT, postgres._ACCOUNT)
    port = composition.port(_NAME, POSTGRES)
    own = [
        str(programs / "postgres"),
        *("-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", ""),
    ]
    await _initialize(composition, programs, privileges, environment)
    return Process(
        _NAME,
        port,
        [*own, *composition.command(_NAME)[1:]],
        {"LC_ALL": "C.UTF-8", "BACKUP_FOLDER": str(composition.volumes / "backup")},
        log,
        stop_signal=signal.SIGINT,
        launch=partial(execute, privileges=privileges),
    )


async def _initialize(
    composition: Composition,
    programs: Path,
    privileges: tuple[str, ...],
    environment: Mapping[str, str],
) -> None:
    """Do what the image does at its first start."""
    data, port = environment["PGDATA"], composition.port(_NAME, POSTGRES)
    password = environment["POSTGRES_PASSWORD_FILE"]
    script = composition.folder(_NAME) / "roles.sh"
    script.write_text(
        composition.translated(_NAME, (COMPOSE / "postgres/first/roles.sh").read_text())
    )
    as_server = ("setpriv", *privileges, "--") if privileges else ()
    control = (*as_server, str(programs / "pg_ctl"), f"--pgdata={data}", "--wait", "--silent")
    client = ("env", f"PATH={postgres._BINARIES}:{os.environ['PATH']}", "PGHOST=127.0.0.1")
    for step in (
        (
            *as_server,
            str(programs / "initdb"),
            f"--pgdata={data}",
            "--username=postgres",
            f"--pwfile={password}",
            "--no-sync",
            *environment["POSTGRES_INITDB_ARGS"].split(),
        ),
        (*control, "start", "--log=/dev/null", f"--options=-p {port} -h 127.0.0.1 -k '' -F"),
        (*client, f"PGPORT={port}", "/bin/sh", str(script)),
        (*control, "stop"),
    ):
        status, last = await run_to_end(*step)
        if status:
            raise EmbeddedError(f"PostgreSQL could not be prepared: {last}")
