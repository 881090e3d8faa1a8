"""Findings get an owner, a deadline, an answer and an end, on real Kafka and PostgreSQL
(R10, R14, R21, R43).
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest

from deploy.embedded.platform import Platform
from services.management.app import create_app
from services.management.application import corrective_actions
from services.management.application.corrective_actions import (
    Caller,
    CloseCorrectiveActionRequest,
)
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.contracts.crm import (
    FactorMonth,
    FollowUpCompleted,
    SurveyAnswered,
    SurveyMonthEvaluated,
)
from shared.contracts.management import (
    CorrectiveActionAnswered,
    CorrectiveActionAssessed,
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
)
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.violations import RuleViolation
from shared.contracts.workshop import ComebackLinked, QualityInspectionFailed
from shared.envelope import Causation
from shared.security import Role
from tests.support.decisions import decide
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.rules import feedback_rules

E = TypeVar("E", bound=Event)
TOPIC = "aftersales.management.work.v1"
LIST = "/stores/S01/corrective-actions"
OWN_RULES = "/stores/S01/rules/corrective_actions"
MANAGER, DISPATCHER = "S01-manager-1", "S01-dispatcher-1"
INSPECTOR, TECHNICIAN = "S01-inspector-1", "S01-technician-1"
ANSWER = {"cause": "保洁当天缺岗", "measure": "调整保洁排班"}


@pytest.fixture(scope="module")
async def management(own_group: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(own_group, "management", create_app) as running:
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


def rework_failed(job_id: str, now: datetime, rework_of: str | None) -> QualityInspectionFailed:
    return QualityInspectionFailed(
        store_id="S01",
        order_id=f"o-{job_id}",
        job_id=job_id,
        rework_job_id=f"{job_id}-rework",
        rework_of_job_id=rework_of,
        inspector_id=INSPECTOR,
        failed_items=("no_leaks",),
        inspected_at=now,
    )


async def listed(management: InProcess, *states: str) -> list[dict[str, Any]]:
    response = await management.get(LIST, "service_manager", state=list(states))
    assert response.is_success, response.text
    actions: list[dict[str, Any]] = response.json()
    return actions


async def opened_for(
    management: InProcess, outside: Publisher, clock: SimulatedClock, event: Any
) -> dict[str, Any]:
    """Publish what was found, and return its corrective action."""
    (event_id,) = await outside.publish(event, at=clock.now())
    await management.wait_until_idle()
    (found,) = [
        each for each in await listed(management, "open") if each["source_event_id"] == event_id
    ]
    return found


async def step(
    management: InProcess, action: dict[str, Any], name: str, role: Role, subject: str, **body: Any
) -> httpx.Response:
    path = f"{LIST}/{action['corrective_action_id']}/{name}"
    return await management.post(path, role, body, subject=subject)


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["rule"]


async def events(own_group: Platform, kind: type[E]) -> list[E]:
    found = [received.event for received in await published(own_group, [TOPIC])]
    return [event for event in found if isinstance(event, kind)]


async def test_low_rating_opens_corrective_action(
    management: InProcess, outside: Publisher, own_group: Platform, clock: SimulatedClock
) -> None:
    now = clock.now()
    told, _ = await outside.publish(feedback("o-1", 2, now), feedback("o-2", 5, now), at=now)
    await management.wait_until_idle()
    [opened] = await listed(management, "open")
    assert (opened["source"], opened["order_id"], opened["findings"]) == (
        "feedback",
        "o-1",
        ["service_attitude"],
    )
    assert opened["owner_id"] == MANAGER
    assert (opened["source_event_id"], opened["found_by"]) == (told, "S01-advisor-2")
    assert [event.source_id for event in await events(own_group, CorrectiveActionOpened)] == ["o-1"]


async def test_feedback_rules_decide_what_is_a_finding(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    path = "/stores/S01/rules/feedback"
    stricter = {"kind": "feedback", "lowest_acceptable_rating": 5}
    decided = await decide(
        management, path, "service_manager", content=stricter, valid_from="2026-03-04"
    )
    assert decided.is_success, decided.text
    opened = await opened_for(management, outside, clock, feedback("o-strict", 5, clock.now()))
    assert opened["findings"] == ["technical_skill", "work_quality"]
    ended = await decide(management, f"{path}/end", "service_manager", valid_from="2026-03-04")
    assert ended.is_success, ended.text


async def test_failed_check_item_action_becomes_overdue_then_closes(
    management: InProcess, outside: Publisher, own_group: Platform, clock: SimulatedClock
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
    await management.wait_until_idle()
    opened = next(each for each in await listed(management, "open") if each["source_id"] == "k-1")
    path = f"{LIST}/{opened['corrective_action_id']}"

    clock.set(now + timedelta(days=1, minutes=1))
    await management.wait_until_idle()
    assert [each["source_id"] for each in await listed(management, "overdue")] == ["k-1"]
    overdue = await events(own_group, CorrectiveActionOverdue)
    assert [event.corrective_action_id for event in overdue] == [opened["corrective_action_id"]]

    body = {"result": "corrected", "note": "地面已重新清洁"}
    foreign = await step(management, opened, "close", "service_advisor", "S01-advisor-1", **body)
    assert refusal(foreign) == (403, "not_the_owner")
    unanswered = await step(management, opened, "close", "service_manager", MANAGER, **body)
    assert refusal(unanswered) == (422, "not_answered")
    answered = await step(management, opened, "answer", "service_manager", MANAGER, **ANSWER)
    assert answered.status_code == 200, answered.text
    closed = await step(management, opened, "close", "service_manager", MANAGER, **body)
    assert closed.status_code == 200, closed.text
    again = await step(management, opened, "close", "service_manager", MANAGER, **body)
    assert refusal(again) == (409, "corrective_action_closed")
    await management.wait_until_idle()
    detail = (await management.get(path, "service_manager")).json()
    assert {name: detail[name] for name in ("cause", "measure", "note")} == {
        **ANSWER,
        "note": "地面已重新清洁",
    }
    [ended] = await events(own_group, CorrectiveActionClosed)
    assert (ended.result, ended.closed_by) == ("corrected", MANAGER)
    [answer] = await events(own_group, CorrectiveActionAnswered)
    assert answer.answered_by == MANAGER
    assert await listed(management, "overdue") == []


async def test_foreign_owner_cannot_close(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    service = management.app.state.service
    opened = await opened_for(management, outside, clock, feedback("o-3", 1, clock.now()))
    caller = Caller("S01-advisor-1", sees_all=True, closes_all=False, assesses_all=False)
    with pytest.raises(RuleViolation) as refused:
        async with service.uow_factory.open(
            ["S01"], "S01-advisor-1", Causation("test", "test")
        ) as uow:
            await corrective_actions.close_corrective_action(
                uow,
                opened["corrective_action_id"],
                CloseCorrectiveActionRequest(
                    version=opened["version"], result="corrected", note="done"
                ),
                caller,
                service.deps,
            )
    assert refused.value.rule == "not_the_owner"


async def test_foreign_owner_cannot_answer(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    opened = await opened_for(management, outside, clock, feedback("o-5", 1, clock.now()))
    foreign = await step(management, opened, "answer", "service_advisor", "S01-advisor-1", **ANSWER)
    assert refusal(foreign) == (403, "not_the_owner")


async def test_later_answer_replaces_the_earlier(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    opened = await opened_for(management, outside, clock, feedback("o-4", 1, clock.now()))
    for measure in ("培训一次", "每周培训"):
        answer = {"cause": "接待培训不足", "measure": measure}
        response = await step(management, opened, "answer", "service_manager", MANAGER, **answer)
        assert response.is_success, response.text
    stale = {"version": opened["version"], **ANSWER}
    conflict = await step(management, opened, "answer", "service_manager", MANAGER, **stale)
    assert refusal(conflict) == (409, "version_conflict")
    path = f"{LIST}/{opened['corrective_action_id']}"
    assert (await management.get(path, "service_manager")).json()["measure"] == "每周培训"


@pytest.mark.parametrize(
    ("role", "owner_only"), [("service_advisor", True), ("service_manager", False)]
)
async def test_view_tells_whether_only_owner_closes(
    management: InProcess,
    outside: Publisher,
    clock: SimulatedClock,
    role: Role,
    owner_only: bool,
) -> None:
    await outside.publish(feedback(f"o-{role}", 1, clock.now()), at=clock.now())
    await management.wait_until_idle()
    response = await management.get(LIST, role, state=["open"])
    assert {each["owner_only"] for each in response.json()} == {owner_only}
    assert {each["finder_only"] for each in response.json()} == {owner_only}


async def test_unknown_corrective_action_is_not_found(management: InProcess) -> None:
    response = await management.get(f"{LIST}/none", "service_manager")
    assert response.status_code == 404


async def test_dissatisfied_customer_at_follow_up_is_finding(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    call = FollowUpCompleted(
        store_id="S01",
        customer_ref="c-1",
        follow_up_id="f-1",
        reason="delivery",
        order_id="o-f-1",
        agent_id="S01-agent-1",
        reached=True,
        satisfaction=1,
        completed_at=clock.now(),
    )
    opened = await opened_for(management, outside, clock, call)
    assert (opened["source"], opened["findings"]) == ("follow_up", ["satisfaction"])
    assert (opened["owner_id"], opened["found_by"]) == (MANAGER, "S01-agent-1")


async def test_low_survey_is_finding(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    survey = SurveyAnswered(
        store_id="S01",
        customer_ref="c-2",
        survey_id="s-1",
        order_id="o-s-1",
        questionnaire_version="2026-01-01.0",
        channel="link",
        weights_year=2026,
        factors=(),
        staff=(),
        low_factors=("delivery", "quality"),
        answered_at=clock.now(),
    )
    opened = await opened_for(management, outside, clock, survey)
    assert (opened["source"], opened["source_id"]) == ("survey", "s-1")
    assert (opened["findings"], opened["order_id"]) == (["delivery", "quality"], "o-s-1")


async def test_each_weak_factor_of_month_is_finding(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    month = SurveyMonthEvaluated(
        store_id="S01",
        month="2026-02",
        answers=20,
        csi=720,
        factors=(FactorMonth(factor="quality", answers=20, mean=700),),
        weak_factors=("quality", "delivery"),
        evaluated_at=clock.now(),
    )
    await outside.publish(month, at=clock.now())
    await management.wait_until_idle()
    owners = {
        each["source_id"]: each["owner_id"]
        for each in await listed(management, "open")
        if each["source"] == "survey_month"
    }
    assert owners == {"S01/2026-02/quality": INSPECTOR, "S01/2026-02/delivery": MANAGER}


async def test_failed_rework_is_finding_but_first_failure_not(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    first = rework_failed("j-1", clock.now(), None)
    await outside.publish(first, at=clock.now())
    opened = await opened_for(management, outside, clock, rework_failed("j-2", clock.now(), "j-1"))
    assert (opened["source"], opened["source_id"]) == ("quality_inspection", "j-2")
    assert (opened["findings"], opened["owner_id"]) == (["no_leaks"], DISPATCHER)
    assert "j-1" not in [each["source_id"] for each in await listed(management, "open")]


async def test_comeback_is_finding_once(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    comeback = ComebackLinked(
        store_id="S01",
        order_id="o-back",
        earlier_order_id="o-first",
        symptoms=("brake_noise",),
        earlier_technician_ids=(TECHNICIAN,),
        earlier_finished_at=clock.now() - timedelta(days=9),
    )
    opened = await opened_for(management, outside, clock, comeback)
    assert (opened["owner_id"], opened["found_by"]) == (DISPATCHER, None)
    await outside.publish(comeback, at=clock.now())
    await management.wait_until_idle()
    found = [each for each in await listed(management, "open") if each["order_id"] == "o-back"]
    assert len(found) == 1


async def test_action_without_effect_is_followed_by_another(
    management: InProcess, outside: Publisher, own_group: Platform, clock: SimulatedClock
) -> None:
    first = await opened_for(management, outside, clock, rework_failed("j-3", clock.now(), "j-0"))
    too_early = await step(
        management, first, "assess", "service_manager", MANAGER, is_effective=True
    )
    assert refusal(too_early) == (409, "corrective_action_open")
    await step(management, first, "answer", "dispatcher", DISPATCHER, **ANSWER)
    note = {"result": "corrected", "note": "已复检"}
    closed = await step(management, first, "close", "dispatcher", DISPATCHER, **note)
    assert closed.is_success, closed.text

    worked: dict[str, Any] = {"is_effective": True}
    own = await step(management, first, "assess", "dispatcher", DISPATCHER, **worked)
    assert refusal(own) == (403, "own_corrective_action")
    other = await step(management, first, "assess", "service_advisor", "S01-advisor-1", **worked)
    assert refusal(other) == (403, "not_the_finder")
    unexplained = await step(
        management, first, "assess", "quality_inspector", INSPECTOR, is_effective=False
    )
    assert refusal(unexplained) == (422, "comment_needed")
    failed = {"is_effective": False, "comment": "仍有渗漏"}
    clock.set(clock.now() + timedelta(hours=1))
    assessed = await step(management, first, "assess", "quality_inspector", INSPECTOR, **failed)
    assert assessed.json()["is_effective"] is False, assessed.text
    again = await step(management, first, "assess", "service_manager", MANAGER, **worked)
    assert refusal(again) == (409, "corrective_action_assessed")

    await management.wait_until_idle()
    (following,) = [
        each
        for each in await listed(management, "open")
        if each["follows_id"] == first["corrective_action_id"]
    ]
    same = ("source", "source_id", "source_event_id", "order_id", "findings", "owner_id")
    assert {name: following[name] for name in same} == {name: first[name] for name in same}
    assert datetime.fromisoformat(following["due_at"]) == clock.now() + timedelta(days=2)
    [assessment] = await events(own_group, CorrectiveActionAssessed)
    assert (assessment.is_effective, assessment.assessed_by) == (False, INSPECTOR)


async def test_manager_assesses_what_worked(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    opened = await opened_for(management, outside, clock, rework_failed("j-4", clock.now(), "j-0"))
    unfounded = {"result": "unfounded", "note": "检具误差"}
    await step(management, opened, "close", "dispatcher", DISPATCHER, **unfounded)
    assessed = await step(
        management, opened, "assess", "service_manager", MANAGER, is_effective=True
    )
    assert assessed.json()["assessed_by"] == MANAGER, assessed.text
    followed = [each["follows_id"] for each in await listed(management, "open")]
    assert opened["corrective_action_id"] not in followed


async def test_technician_sees_and_answers_own_alone(
    management: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    await opened_for(management, outside, clock, feedback("o-others", 1, clock.now()))
    body = {
        "valid_from": clock.now().date().isoformat(),
        "reason": "由技师整改",
        "content": feedback_rules("technician", 2).model_dump(),
    }
    defined = await management.post(OWN_RULES, "service_manager", body, method="PUT")
    assert defined.is_success, defined.text
    opened = await opened_for(management, outside, clock, feedback("o-tech", 1, clock.now()))
    owner = opened["owner_id"]
    headers = {"Authorization": f"Bearer {management.token('technician', subject=owner)}"}
    shown = await management.client.get(LIST, params={"state": ["open"]}, headers=headers)
    assert {each["owner_id"] for each in shown.json()} == {owner}
    path = f"{LIST}/{opened['corrective_action_id']}"
    assert (await management.get(path, "technician")).status_code == 404
    assert (await management.client.get(path, headers=headers)).status_code == 200
    answered = await step(management, opened, "answer", "technician", owner, **ANSWER)
    assert answered.is_success, answered.text


async def test_texts_are_stored_encrypted_and_never_published(
    management: InProcess, own_group: Platform
) -> None:
    secret = ANSWER["cause"].encode()
    connection = await asyncpg.connect(own_group.admin_url)
    try:
        rows = await connection.fetch(
            "SELECT cause, measure FROM management.corrective_action WHERE cause IS NOT NULL"
        )
    finally:
        await connection.close()
    assert rows
    assert all(secret not in text for row in rows for text in row)
    assert all(secret not in received.value for received in await published(own_group, [TOPIC]))
