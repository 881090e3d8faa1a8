"""Complaints of customer relations count in reporting's KPIs (R23, R30)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import ComplaintClosed, ComplaintOpened, ComplaintReopened
from tests.support.harness import InProcess, Publisher, in_process

KPIS = "/stores/S01/daily-kpis"
AGENT = "S01-agent-1"


@pytest.fixture(scope="module")
async def reporting(servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(servers, "reporting", create_app) as running:
        yield running


def ids(complaint_id: str) -> dict[str, str]:
    return {"store_id": "S01", "customer_ref": "c-1", "complaint_id": complaint_id}


def opened(complaint_id: str, at: datetime) -> ComplaintOpened:
    return ComplaintOpened(
        **ids(complaint_id),
        source="phone",
        severity="minor",
        vehicle_ref=None,
        order_id=None,
        technician_id=None,
        inspector_id=None,
        part_number=None,
        owner_id=AGENT,
        opened_by=AGENT,
        answer_due_at=at,
        solution_due_at=at,
        opened_at=at,
    )


async def test_complaints_closed_within_two_weeks_count(
    reporting: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    now = clock.now()
    begin, week_later = now - timedelta(days=14), now - timedelta(days=7)
    for complaint_id in ("k-closed", "k-reopened", "k-open", "k-late"):
        await outside.publish(opened(complaint_id, begin), at=begin)
    for complaint_id in ("k-closed", "k-reopened"):
        closed = ComplaintClosed(**ids(complaint_id), closed_by=AGENT, closed_at=week_later)
        await outside.publish(closed, at=week_later)
    reopened = ComplaintReopened(
        **ids("k-reopened"), reopened_by=AGENT, solution_due_at=now, reopened_at=week_later
    )
    await outside.publish(reopened, at=week_later)
    late = ComplaintClosed(**ids("k-late"), closed_by=AGENT, closed_at=now)
    await outside.publish(late, opened("k-today", now), at=now)
    await reporting.wait_until_idle()
    kpis = (await reporting.get(KPIS, "service_manager")).json()
    assert kpis["complaints_opened"] == 1
    assert kpis["complaint_rate"] is None
    assert kpis["complaints_closed_14d_rate"] == pytest.approx(1 / 4)
