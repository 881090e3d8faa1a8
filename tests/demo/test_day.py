"""Small business day on the real platform: complete, audited, and the same in every run."""

from pathlib import Path

import yaml

from deploy.audit import run_audit
from deploy.demo.day import MORNING, DayFigures, play_day
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SERVICES
from shared.clock import SimulatedClock

ORDERS = 6
KPIS = Path(__file__).with_name("kpis.yaml")
"""KPIs of the day by store. A change that is meant to move them commits them again."""


async def played(servers: Platform, clock: SimulatedClock) -> DayFigures:
    clock.set(MORNING)
    await servers.start_services(SERVICES)
    day = await play_day(servers, ORDERS, seed=11)
    audit = await run_audit(servers.admin_url, servers.kafka.bootstrap, servers.settings)
    assert [str(difference) for difference in audit.differences] == []
    await servers.stop_services()
    return day


async def test_demo_day_is_complete_and_repeatable(
    servers: Platform, clock: SimulatedClock
) -> None:
    day = await played(servers, clock)
    assert day.total("orders") == day.total("delivered") == ORDERS
    assert day.total("follow_ups_scheduled") == day.follow_ups_completed == ORDERS
    assert day.total("invoiced_cents") == day.total("received_cents") > 0
    assert day.jobs_assigned >= ORDERS

    kpis = {
        "jobs_assigned": day.jobs_assigned,
        "events_published": day.events_published,
        "reports": {name: each.model_dump(mode="json") for name, each in day.reports.items()},
    }
    committed = yaml.safe_load(KPIS.read_text(encoding="utf-8"))
    assert kpis == committed, yaml.safe_dump(kpis, sort_keys=False)
