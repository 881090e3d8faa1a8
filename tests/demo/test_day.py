"""A small business day on the real platform: complete, audited, and the same twice in a row."""

from deploy.cli.audit import run_audit
from deploy.demo.day import MORNING, DayFigures, play_day
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SERVICES
from shared.clock import SteppedClock

ORDERS = 6


async def played(servers: Platform, clock: SteppedClock) -> DayFigures:
    clock.set(MORNING)
    await servers.start_services(SERVICES)
    day = await play_day(servers, ORDERS, seed=11)
    audit = await run_audit(servers.admin_url, servers.kafka.bootstrap, servers.settings)
    assert [str(difference) for difference in audit.differences] == []
    await servers.stop_services()
    return day


async def test_a_day_is_complete_and_repeats_itself(servers: Platform, clock: SteppedClock) -> None:
    first = await played(servers, clock)
    assert first.total("orders") == first.total("delivered") == ORDERS
    assert first.total("follow_ups_scheduled") == first.follow_ups_completed == ORDERS
    assert first.total("invoiced_cents") == first.total("received_cents") > 0
    assert first.jobs_assigned >= ORDERS

    await servers.empty()
    assert await played(servers, clock) == first
