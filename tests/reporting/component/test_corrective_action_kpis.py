"""Corrective actions of management count in reporting's KPIs (R10, R30)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.management import CorrectiveActionClosed, CorrectiveActionOpened
from shared.contracts.reception import FeedbackSubmitted
from tests.support.harness import InProcess, Publisher, in_process

KPIS = "/stores/S01/daily-kpis"


@pytest.fixture(scope="module")
async def reporting(servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(servers, "reporting", create_app) as running:
        yield running


def feedback(order_id: str, service_attitude: int, now: datetime) -> FeedbackSubmitted:
    return FeedbackSubmitted(
        store_id="S01",
        order_id=order_id,
        work_quality=4,
        technical_skill=4,
        service_attitude=service_attitude,
        advisor_id="S01-advisor-1",
        customer_ref=None,
        recorded_by="S01-advisor-2",
        submitted_at=now,
    )


def opened(now: datetime) -> CorrectiveActionOpened:
    return CorrectiveActionOpened(
        store_id="S01",
        corrective_action_id="r-1",
        source="feedback",
        source_id="o-1",
        source_event_id="e-1",
        order_id="o-1",
        findings=("service_attitude",),
        found_by="S01-advisor-2",
        owner_id="S01-manager-1",
        due_at=now + timedelta(days=1),
        opened_at=now,
    )


async def test_feedback_and_opened_action_count(
    reporting: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    now = clock.now()
    await outside.publish(feedback("o-1", 2, now), feedback("o-2", 5, now), opened(now), at=now)
    await reporting.wait_until_idle()
    kpis = (await reporting.get(KPIS, "service_manager")).json()
    assert kpis["feedback"] == pytest.approx((4 + 4 + 2 + 4 + 4 + 5) / 6)
    assert kpis["corrective_actions_opened"] == 1
    assert kpis["corrective_actions_overdue"] == 0


async def test_overdue_action_counts_until_closed(
    reporting: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    late = clock.now() + timedelta(days=1, minutes=1)
    clock.set(late)
    kpis = (await reporting.get(KPIS, "service_manager")).json()
    assert kpis["corrective_actions_overdue"] == 1
    closed = CorrectiveActionClosed(
        store_id="S01",
        corrective_action_id="r-1",
        result="corrected",
        closed_by="S01-manager-1",
        closed_at=late,
    )
    await outside.publish(closed, at=late)
    await reporting.wait_until_idle()
    kpis = (await reporting.get(KPIS, "service_manager")).json()
    assert kpis["corrective_actions_overdue"] == 0
