"""Findings get an owner and a deadline, on real Kafka and PostgreSQL (R10, R43)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from services.reporting.application import corrective_actions
from services.reporting.application.corrective_actions import CloseCorrectiveActionRequest
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.reporting import (
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
)
from shared.contracts.violations import RuleViolation
from shared.envelope import Causation
from shared.security import Role
from tests.support.harness import InProcess, Publisher, in_process, published

E = TypeVar("E", bound=Event)
TOPIC = "aftersales.reporting.store.v1"
MANAGER = "S01-manager-1"


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


async def listed(reporting: InProcess, *states: str) -> list[dict[str, Any]]:
    response = await reporting.get(
        "/stores/S01/corrective-actions", "service_manager", state=list(states)
    )
    assert response.is_success, response.text
    actions: list[dict[str, Any]] = response.json()
    return actions


async def events(servers: Platform, kind: type[E]) -> list[E]:
    found = [received.event for received in await published(servers, [TOPIC])]
    return [event for event in found if isinstance(event, kind)]


async def test_low_rating_opens_corrective_action(
    reporting: InProcess, outside: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    now = clock.now()
    await outside.publish(feedback("o-1", 2, now), feedback("o-2", 5, now), at=now)
    await reporting.wait_until_idle()
    [opened] = await listed(reporting, "open")
    assert (opened["source"], opened["order_id"], opened["findings"]) == (
        "feedback",
        "o-1",
        ["service_attitude"],
    )
    assert opened["owner_id"] == MANAGER
    assert [event.source_id for event in await events(servers, CorrectiveActionOpened)] == ["o-1"]
    kpis = (await reporting.get("/stores/S01/daily-kpis", "service_manager")).json()
    assert kpis["feedback"] == pytest.approx((4 + 4 + 2 + 4 + 4 + 5) / 6)
    assert kpis["corrective_actions_opened"] == 1


async def test_failed_check_item_action_becomes_overdue_then_closes(
    reporting: InProcess, outside: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    now = clock.now()
    check = FacilityCheckCompleted(
        store_id="S01",
        check_id="k-1",
        area="customer_lounge",
        day="2026-03-04",
        items=("floor_clean", "desks_tidy"),
        failed=("floor_clean",),
        photo_id=None,
        checked_by="S01-advisor-1",
        checked_at=now,
    )
    await outside.publish(check, at=now)
    await reporting.wait_until_idle()
    opened = next(each for each in await listed(reporting, "open") if each["source_id"] == "k-1")
    path = f"/stores/S01/corrective-actions/{opened['corrective_action_id']}"

    clock.set(now + timedelta(days=1, minutes=1))
    await reporting.wait_until_idle()
    assert [each["source_id"] for each in await listed(reporting, "overdue")] == ["k-1"]
    overdue = await events(servers, CorrectiveActionOverdue)
    assert [event.corrective_action_id for event in overdue] == [opened["corrective_action_id"]]
    kpis = (await reporting.get("/stores/S01/daily-kpis", "service_manager")).json()
    assert kpis["corrective_actions_overdue"] == 1

    body = {"result": "corrected", "note": "地面已重新清洁"}
    foreign = await reporting.post(
        f"{path}/close", "service_advisor", body, subject="S01-advisor-1"
    )
    assert (foreign.status_code, foreign.json()["errors"][0]["rule"]) == (403, "not_the_owner")
    closed = await reporting.post(f"{path}/close", "service_manager", body, subject=MANAGER)
    assert closed.status_code == 200, closed.text
    again = await reporting.post(f"{path}/close", "service_manager", body, subject=MANAGER)
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (
        409,
        "corrective_action_closed",
    )
    await reporting.wait_until_idle()
    assert (await reporting.get(path, "service_manager")).json()["note"] == "地面已重新清洁"
    [ended] = await events(servers, CorrectiveActionClosed)
    assert (ended.result, ended.closed_by) == ("corrected", MANAGER)
    assert await listed(reporting, "overdue") == []


async def test_foreign_owner_cannot_close(
    reporting: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    service = reporting.app.state.service
    await outside.publish(feedback("o-3", 1, clock.now()), at=clock.now())
    await reporting.wait_until_idle()
    found = await corrective_actions.list_corrective_actions(
        "S01", ["open"], service.deps, is_manager=False
    )
    (opened,) = [each for each in found if each.order_id == "o-3"]
    with pytest.raises(RuleViolation) as refused:
        async with service.uow_factory.open(
            ["S01"], "S01-advisor-1", Causation("test", "test")
        ) as uow:
            await corrective_actions.close_corrective_action(
                uow,
                opened.corrective_action_id,
                CloseCorrectiveActionRequest(result="corrected", note="done"),
                service.deps,
                is_manager=False,
            )
    assert refused.value.rule == "not_the_owner"


@pytest.mark.parametrize(
    ("role", "owner_only"), [("service_advisor", True), ("service_manager", False)]
)
async def test_view_tells_whether_only_owner_closes(
    reporting: InProcess,
    outside: Publisher,
    clock: SimulatedClock,
    role: Role,
    owner_only: bool,
) -> None:
    await outside.publish(feedback(f"o-{role}", 1, clock.now()), at=clock.now())
    await reporting.wait_until_idle()
    response = await reporting.get("/stores/S01/corrective-actions", role, state=["open"])
    assert {each["owner_only"] for each in response.json()} == {owner_only}


async def test_unknown_corrective_action_is_not_found(reporting: InProcess) -> None:
    response = await reporting.get("/stores/S01/corrective-actions/none", "service_manager")
    assert response.status_code == 404
