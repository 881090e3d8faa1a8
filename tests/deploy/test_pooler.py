"""A service behind PgBouncer, which hands out connections to PostgreSQL by transaction."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded import postgres
from deploy.embedded.platform import Platform
from deploy.embedded.processes import Process, execute
from deploy.embedded.settings import free_ports
from services.reception.app import create_app
from shared.clock import SimulatedClock
from tests.support.harness import InProcess, in_process
from tests.support.order_factory import FrontDesk

PGBOUNCER = Path(__file__).parents[2] / ".tools" / "pgbouncer"
CONNECTIONS, VEHICLES = 2, 12


@pytest.fixture(scope="module")
def database(servers: Platform) -> SplitResult:
    """Return the address of reception's database, as its runtime role."""
    return urlsplit(servers.environment("reception")["AFTERSALES_DATABASE_URL"])


@pytest_asyncio.fixture(scope="module")
async def pooler(
    database: SplitResult, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """Yield the same address at a pooler, which has two connections for all."""
    folder, [port] = tmp_path_factory.mktemp("pooler"), free_ports(1)
    users, settings = folder / "users", folder / "pgbouncer.ini"
    users.write_text(f'"{database.username}" "{database.password}"\n')
    settings.write_text(
        f"""[databases]
* = host={database.hostname} port={database.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {CONNECTIONS}
"""
    )
    process = Process(
        "pgbouncer",
        port,
        [str(PGBOUNCER), str(settings)],
        {},
        folder / "log",
        launch=partial(execute, privileges=postgres._unprivileged()),
    )
    process.start()
    user = f"{database.username}:{database.password}"
    yield database._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
    await process.stop()


async def test_service_works_behind_transaction_pooler(
    servers: Platform, clock: SimulatedClock, database: SplitResult, pooler: str
) -> None:
    overrides = {"AFTERSALES_DATABASE_URL": pooler, "AFTERSALES_DATABASE_POOLER": "true"}
    async with in_process(servers, "reception", create_app, **overrides) as running:
        desk = FrontDesk(running, clock)
        plates = [f"沪P{number:05}" for number in range(VEHICLES)]
        opened = await asyncio.gather(*map(desk.opened, plates))
        await running.wait_until_idle()
        seen = await asyncio.gather(*(orders_of(running, each) for each in ("S01", "S02") * 10))
        admin = await asyncpg.connect(servers.admin_url)
        used = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", database.username
        )
        await admin.close()
    orders = {order["order_id"] for order in opened}
    assert len(orders) == VEHICLES
    assert seen == [orders, set()] * 10
    assert 0 < used <= CONNECTIONS


async def orders_of(running: InProcess, store: str) -> set[str]:
    """Return the orders that a person of one store sees."""
    token = running.token("service_advisor", stores=[store])
    response = await running.client.get(
        f"/stores/{store}/orders",
        params={"status": "opened"},
        headers={"Authorization": f"Bearer {token}"},
    )
    return {each["order_id"] for each in response.raise_for_status().json()}
