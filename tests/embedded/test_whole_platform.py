"""The real services and the desk, all together."""

from deploy.cli.status import survey
from deploy.embedded.platform import ALL, Platform
from deploy.embedded.secrets import SERVICES

MEMORY_LIMIT = 2.5e9


async def test_everything_comes_up_at_rest_within_its_memory(platform: Platform) -> None:
    rows = {row.name: row for row in await survey(platform.settings)}
    assert set(rows) == {"kafka", "postgres", *ALL}
    assert all(row.alive for row in rows.values())
    for service in SERVICES:
        backlog = rows[service].service
        assert backlog
        assert (backlog.lag, backlog.outbox, backlog.parked_keys) == (0, 0, 0)
    assert sum(row.memory for row in rows.values()) < MEMORY_LIMIT
