"""Plans that follow disturbances, and promises watched, on real Kafka and PostgreSQL
(R4, R9, R11, R12, R18)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.workshop.application.replanning import compute_improvement
from shared.clock import SimulatedClock
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    LaborOperation,
    PromisedTimeRevised,
)
from shared.contracts.workshop import JobReassigned, PromisedTimeAtRisk, StaffingShortageDetected
from tests.support.workshop_harness import STORE, WorkshopHarness, open_workshop_harness


@pytest_asyncio.fixture(scope="module")
async def harness(servers: Platform, clock: SimulatedClock) -> AsyncIterator[WorkshopHarness]:
    async with open_workshop_harness(servers, clock) as running:
        yield running


async def test_late_part_moves_job_and_endangers_promise(
    harness: WorkshopHarness,
) -> None:
    await harness.wait(30)
    (job,) = await harness.open_order("MNT-001", held=True)
    order_id = job["order_id"]
    late = harness.clock.now() + timedelta(hours=4)
    path = f"jobs/{job['job_id']}/parts-eta"
    await harness.done(path, "dispatcher", {"at": late.isoformat(), "reason": "delayed"})
    await harness.wait(1)
    assert datetime.fromisoformat((await harness.job(job))["planned_start_at"]) >= late
    (moved,) = await harness.events(JobReassigned)
    assert (moved.reason, moved.by) == ("part_late", "planner")
    assert moved.explanation
    assert "arrives only at 12:30" in moved.explanation

    (warning,) = await harness.events(PromisedTimeAtRisk)
    assert (warning.order_id, warning.risk_cause) == (order_id, "part_late")
    assert warning.best_promise_at > late > warning.promised_at
    (risk,) = await harness.get("risks")
    assert risk["alerted_at"]

    await harness.publish(
        PromisedTimeRevised(
            store_id="S01",
            order_id=order_id,
            promised_at=warning.best_promise_at + timedelta(hours=1),
            reason="part_late",
            confidence=0.95,
            decided_by="S01-advisor-1",
        )
    )
    await harness.wait(6)
    (risk,) = await harness.get("risks")
    assert (risk["alerted_at"], risk["probability"] > 0.8) == (None, True)
    assert len(await harness.events(PromisedTimeAtRisk)) == 1

    await harness.done(path, "dispatcher", {"at": None, "reason": "arrived"})
    assert datetime.fromisoformat((await harness.job(job))["planned_start_at"]) < late
    early = await harness.post(path, "dispatcher", {"at": "2026-01-01T00:00:00Z", "reason": "late"})
    assert early.status_code == 422


async def test_authorized_additional_work_follows_other_jobs_of_order(
    harness: WorkshopHarness,
) -> None:
    harness = harness.of("S02")
    (job,) = await harness.open_order("MNT-001", held=True)
    order_id = job["order_id"]
    hold = await harness.done(
        "capacity-holds", "service_advisor", {"op_codes": ["MNT-006"], "order_id": order_id}
    )
    await harness.publish(
        AdditionalWorkAuthorized(
            store_id="S02",
            order_id=order_id,
            additional_work_id="more-1",
            labor_operations=(LaborOperation(op_code="MNT-006", standard_hours=0.8),),
            lines=(),
            total_cents=0,
            estimate_version=2,
            channel="phone",
            recorded_by="S02-advisor-1",
            promised_at=hold["promised_at"],
            hold_id=hold["hold_id"],
            authorized_at=harness.clock.now(),
        )
    )
    jobs = await harness.get("jobs", order_id=order_id)
    assert [job["op_code"] for job in jobs] == ["MNT-001", "MNT-006"]
    assert {job["promised_at"] for job in jobs} == {hold["promised_at"]}
    assert jobs[0]["planned_finish_at"] <= jobs[1]["planned_start_at"]


async def test_bookings_of_one_bay_get_consecutive_promises(harness: WorkshopHarness) -> None:
    harness = harness.of("S06")
    ten_tomorrow = {"op_codes": ["MNT-017"], "earliest_start_at": harness.at(26).isoformat()}
    async with harness.deps.uow_factory.read("S06") as connection:
        delivery_lead = (await harness.deps.workplace(connection, "S06")).delivery_lead
    responses = [
        await harness.done("capacity-holds", "service_advisor", ten_tomorrow) for _ in range(3)
    ]
    responses.append(await harness.done("quotes", "service_advisor", ten_tomorrow))
    starts, finishes = (
        [datetime.fromisoformat(response["jobs"][0][name]) for response in responses]
        for name in ("planned_start_at", "planned_finish_at")
    )
    promises = [datetime.fromisoformat(response["promised_at"]) for response in responses]
    assert {response["jobs"][0]["bay_id"] for response in responses} == {"S06-alignment-1"}
    assert starts[0] == harness.at(26)
    assert all(behind >= finish for finish, behind in zip(finishes, starts[1:], strict=False))
    assert promises == sorted(set(promises))
    assert all(end + delivery_lead < told for end, told in zip(finishes, promises, strict=True))


async def test_second_recommendation_waits_for_held_work(harness: WorkshopHarness) -> None:
    harness = harness.of("S06")
    (job,) = await harness.open_order("MNT-001", held=True)
    body = {"op_codes": ["MNT-006"], "order_id": job["order_id"]}
    first, second = [
        await harness.done("capacity-holds", "service_advisor", body) for _ in range(2)
    ]
    assert job["planned_finish_at"] <= first["jobs"][0]["planned_start_at"]
    assert first["jobs"][0]["planned_finish_at"] <= second["jobs"][0]["planned_start_at"]
    assert first["promised_at"] < second["promised_at"]


async def test_vehicle_stays_in_bay_or_gets_move_time(
    harness: WorkshopHarness,
) -> None:
    harness = harness.of("S05")
    first, *others = await harness.open_order("MNT-022", "MNT-012", "MNT-006")
    bays = {first["bay_id"], *(job["bay_id"] for job in others)}
    assert len(bays) == 1
    assert len({job["technician_ids"][0] for job in (first, *others)}) == 1
    await harness.worked(first, 8)
    last = (await harness.jobs(first["order_id"]))[-1]
    assert {job["bay_id"] for job in await harness.jobs(first["order_id"])} == bays

    elsewhere = {
        "technician_ids": last["technician_ids"],
        "bay_id": "S05-quick-2",
        "starts_at": harness.clock.now().isoformat(),
        "reason": "customer_request",
        "version": last["version"],
    }
    path = f"jobs/{last['job_id']}/reassignment"
    await harness.done(path, "S05-dispatcher-1", elsewhere)
    _, middle, last = await harness.jobs(first["order_id"])
    assert (middle["bay_id"], last["bay_id"]) == (first["bay_id"], "S05-quick-2")
    between = datetime.fromisoformat(last["planned_start_at"]) - datetime.fromisoformat(
        middle["planned_finish_at"]
    )
    assert between >= timedelta(minutes=10)


async def test_rush_order_precedes_others(harness: WorkshopHarness) -> None:
    harness = harness.of("S03")
    soon = harness.clock.now() + timedelta(minutes=70)
    ordinary = [(await harness.open_order("MNT-017", promised_at=soon))[0] for _ in range(4)]
    (rush,) = await harness.open_order("MNT-017", promised_at=soon, rush=True)
    starts = [(await harness.job(each))["planned_start_at"] for each in [rush, *ordinary]]
    assert starts[0] < min(starts[1:])


async def test_improved_plan_gives_reasons(
    harness: WorkshopHarness,
) -> None:
    harness = harness.of("S04")
    for number in range(12):
        promised_at = harness.clock.now() + timedelta(minutes=60 + 15 * number)
        operations = [["MNT-001"], ["MNT-006", "MNT-017"], ["MNT-006"]][number % 3]
        await harness.open_order(*operations, promised_at=promised_at)
    await harness.wait(1)
    better = await compute_improvement("S04", "", harness.deps)
    assert better is None or better.reasons
    for job in await harness.get("jobs"):
        assert job["reason"]["code"]
        assert job["reason"]["by"] == "planner"


async def test_plan_shows_reasons_risk_and_free_time(harness: WorkshopHarness) -> None:
    harness = harness.of("S04")
    away = {
        "starts_at": harness.clock.now().isoformat(),
        "ends_at": (harness.clock.now() + timedelta(hours=2)).isoformat(),
        "kind": "sick",
    }
    await harness.done("technicians/S04-technician-3/absences", "dispatcher", away)
    await harness.wait(1)
    plan = await harness.get("plan")
    people = {each["technician_id"]: each for each in plan["technicians"]}
    assert people["S04-technician-3"]["certificates"] == ["high_voltage"]
    assert [each["kind"] for each in people["S04-technician-3"]["absences"]] == ["sick"]
    assert {each["skill_code"] for each in plan["free"]} >= {"maintenance", "body"}
    assert all(0 <= job["risk"]["probability"] <= 1 for job in plan["jobs"])


async def test_job_not_started_in_time_is_replanned(harness: WorkshopHarness) -> None:
    harness = harness.of("S05")
    (job,) = await harness.open_order("MNT-001")
    appointment_at = datetime.fromisoformat(job["planned_start_at"])
    until_then = (appointment_at - harness.clock.now()).total_seconds() / 60
    await harness.wait(until_then + 9)
    assert (await harness.job(job))["planned_start_at"] == job["planned_start_at"]
    await harness.wait(2)
    moved = await harness.job(job)
    assert datetime.fromisoformat(moved["planned_start_at"]) >= harness.clock.now()
    assert moved["reason"]["code"] == "late_start"
    (event,) = await harness.events(JobReassigned, job["order_id"])
    assert event.reason == "late_start"
    await harness.cancelled(job["order_id"])


async def test_staffing_is_checked_on_monday_before_opening(harness: WorkshopHarness) -> None:
    harness = harness.of("S05")
    for _ in range(2):
        await harness.open_order(*["BDY-001"] * 20)
    present = await harness.get("staffing", "service_manager")
    (body,) = [each for each in present["skill_codes"] if each["skill_code"] == "body"]
    assert body["queued_hours"] > 0
    await harness.wait(5 * 24 * 60)
    short = await harness.events(StaffingShortageDetected, topic=STORE)
    assert {event.skill_code for event in short} <= {"body"}


async def test_hold_of_absent_technician_is_replanned(harness: WorkshopHarness) -> None:
    harness = harness.of("S03")
    hold = await harness.done("capacity-holds", "service_advisor", {"op_codes": ["MNT-001"]})
    (held,) = hold["jobs"]
    (technician_id,) = held["technician_ids"]
    away = {
        "starts_at": held["planned_start_at"],
        "ends_at": (harness.clock.now() + timedelta(hours=12)).isoformat(),
    }
    await harness.done(f"technicians/{technician_id}/absences", "dispatcher", away)
    await harness.wait(1)
    (job,) = await harness.open_order("MNT-001", hold_id=hold["hold_id"])
    assert job["technician_ids"]
    assert technician_id not in job["technician_ids"]
