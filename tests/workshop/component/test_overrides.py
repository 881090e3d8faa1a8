"""Manual overrides by a dispatcher, on real Kafka and PostgreSQL (R12)."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from shared.contracts.workshop import JobReassigned
from tests.support.workshop_harness import (
    JsonObject,
    WorkshopHarness,
    assert_rejected,
    open_workshop_harness,
)

DISPATCHER = "S01-dispatcher-1"


@pytest_asyncio.fixture(scope="module")
async def harness(servers: Platform, clock: SimulatedClock) -> AsyncIterator[WorkshopHarness]:
    async with open_workshop_harness(servers, clock) as running:
        yield running


def reason(job: JsonObject, **more: object) -> JsonObject:
    return {"reason": "customer_request", "version": job["version"], **more}


def body_at(
    harness: WorkshopHarness, job: JsonObject, technician: int, hours: float, **more: object
) -> JsonObject:
    return reason(
        job,
        technician_ids=[f"S01-technician-{technician}"],
        bay_id="S01-lift-5",
        starts_at=harness.at(hours).isoformat(),
        **more,
    )


async def test_reassigned_job_stays_pinned(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-001")
    body = body_at(harness, job, 9, 3, note="客户下午才来")
    moved = await harness.done(f"jobs/{job['job_id']}/reassignment", DISPATCHER, body)
    await harness.open_order("MNT-001")
    kept = await harness.job(job)
    for seen in (moved, kept):
        assert seen["technician_ids"] == ["S01-technician-9"]
        assert seen["bay_id"] == "S01-lift-5"
        assert seen["planned_start_at"] == harness.at(3).isoformat().replace("+00:00", "Z")
        assert seen["pinned"]
    (event,) = await harness.events(JobReassigned, job["order_id"])
    assert (event.reason, event.by) == ("override", DISPATCHER)
    assert "客户" not in event.model_dump_json()


async def test_second_override_gets_version_conflict(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-001")
    path = f"jobs/{job['job_id']}/reassignment"
    first = await harness.done(path, DISPATCHER, body_at(harness, job, 7, 5))
    second = await harness.post(path, "S01-manager-1", body_at(harness, job, 9, 6))
    problem = assert_rejected(second, 409, "version_conflict", "version")
    assert problem.values["version"] == first["version"]
    assert problem.values["by"] == DISPATCHER
    assert problem.values["at"] == harness.clock.now().isoformat()
    assert problem.values["technician_ids"] == ["S01-technician-7"]


async def test_job_cannot_be_moved_onto_wip(harness: WorkshopHarness) -> None:
    (busy,) = await harness.open_order("MNT-004")
    started = await harness.work(busy, "start")
    (job,) = await harness.open_order("MNT-001")
    path = f"jobs/{job['job_id']}/reassignment"
    person = started["technician_ids"][0]
    someone_else = 7 if not person.endswith("-7") else 9
    here = body_at(harness, job, someone_else, 0.1) | {"bay_id": started["bay_id"]}
    problem = assert_rejected(
        await harness.post(path, DISPATCHER, here), 409, "bay_occupied", "bay_id"
    )
    assert problem.values["by"] == person
    them = body_at(harness, job, 1, 0.1) | {"technician_ids": [person]}
    assert_rejected(
        await harness.post(path, DISPATCHER, them), 409, "technician_busy", "technician_ids"
    )


async def test_job_is_reassigned_only_to_qualified_technician(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-004")
    path = f"jobs/{job['job_id']}/reassignment"
    unskilled = await harness.post(path, DISPATCHER, body_at(harness, job, 5, 4))
    assert_rejected(unskilled, 422, "not_qualified", "technician_ids")
    assert "S01-technician-5" in unskilled.json()["detail"]
    unfit = body_at(harness, job, 1, 4) | {"bay_id": "S01-wash-1"}
    assert_rejected(await harness.post(path, DISPATCHER, unfit), 422, "bay_unsuitable", "bay_id")
    past = body_at(harness, job, 1, -1)
    assert_rejected(await harness.post(path, DISPATCHER, past), 422, "in_the_past", "starts_at")


async def test_plan_names_qualified_technicians_and_suitable_bays(
    harness: WorkshopHarness,
) -> None:
    (job,) = await harness.open_order("MNT-004")
    plan = await harness.get("plan")
    shown = next(each for each in plan["jobs"] if each["job_id"] == job["job_id"])
    people, bays = shown["qualified_technician_ids"], shown["suitable_bay_ids"]
    assert (
        set(job["technician_ids"])
        <= set(people)
        < {each["technician_id"] for each in plan["technicians"]}
    )
    assert "S01-technician-5" not in people
    assert job["bay_id"] in bays
    assert "S01-wash-1" not in bays


async def test_plan_offers_only_planned_jobs_for_swap(harness: WorkshopHarness) -> None:
    job, other = await harness.open_order("MNT-004", "MNT-001")
    await harness.work(job, "start")
    plan = await harness.get("plan")
    swappable = {each["job_id"]: each["swappable"] for each in plan["jobs"]}
    assert (swappable[job["job_id"]], swappable[other["job_id"]]) == (False, True)


async def test_override_cannot_take_reserved_capacity(harness: WorkshopHarness) -> None:
    hold = await harness.done("capacity-holds", "S01-advisor-1", {"op_codes": ["MNT-004"]})
    (held,) = hold["jobs"]
    (job,) = await harness.open_order("MNT-001")
    body = reason(
        job,
        technician_ids=held["technician_ids"],
        bay_id=held["bay_id"],
        starts_at=held["planned_start_at"],
    )
    path = f"jobs/{job['job_id']}/reassignment"
    problem = assert_rejected(
        await harness.post(path, DISPATCHER, body), 409, "capacity_held", "starts_at"
    )
    assert problem.values["by"] == "S01-advisor-1"
    assert problem.values["at"] == harness.clock.now().isoformat()
    await harness.done(f"capacity-holds/{hold['hold_id']}/release", "S01-advisor-1")


async def test_excluded_technician_does_not_get_job(
    harness: WorkshopHarness,
) -> None:
    (job,) = await harness.open_order("MNT-001")
    (technician_id,) = job["technician_ids"]
    path = f"jobs/{job['job_id']}"
    body = reason(job, technician_id=technician_id)
    await harness.done(f"{path}/forbid", DISPATCHER, body)
    other = await harness.job(job)
    assert other["technician_ids"] != [technician_id]
    assert other["forbidden_technicians"] == [technician_id]
    back = body_at(harness, other, int(technician_id.rsplit("-")[-1]), 7)
    response = await harness.post(f"{path}/reassignment", DISPATCHER, back)
    assert_rejected(response, 409, "technician_forbidden", "technician_ids")
    allowed = await harness.done(
        f"{path}/allow", DISPATCHER, reason(other, technician_id=technician_id)
    )
    assert allowed["forbidden_technicians"] == []


async def test_last_qualified_technician_cannot_be_excluded(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("HVE-001")
    path = f"jobs/{job['job_id']}/forbid"
    first = await harness.done(path, DISPATCHER, reason(job, technician_id="S01-technician-3"))
    now = await harness.job(first)
    response = await harness.post(path, DISPATCHER, reason(now, technician_id="S01-technician-4"))
    assert_rejected(response, 409, "too_few_technicians_left", "technician_id")
    nobody = await harness.post(path, DISPATCHER, reason(now, technician_id="S02-technician-1"))
    assert_rejected(nobody, 404, "unknown_technician", "technician_id")


async def test_unpinned_job_is_replanned(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-001")
    pinned = await harness.done(f"jobs/{job['job_id']}/pin", DISPATCHER, reason(job))
    assert pinned["pinned"]
    now = await harness.job(job)
    released = await harness.done(f"jobs/{job['job_id']}/unpin", DISPATCHER, reason(now))
    assert not released["pinned"]


async def test_two_jobs_swap_slots(harness: WorkshopHarness) -> None:
    (one,), (other,) = await harness.open_order("MNT-003"), await harness.open_order("MNT-004")
    for job, technician, hours in ((one, 7, 26), (other, 9, 28)):
        body = body_at(harness, await harness.job(job), technician, hours)
        await harness.done(f"jobs/{job['job_id']}/reassignment", DISPATCHER, body)
    one, other = await harness.job(one), await harness.job(other)
    path = f"jobs/{one['job_id']}/swap"
    body = reason(one, other_job_id=other["job_id"], other_version=other["version"])
    stale = await harness.post(path, DISPATCHER, body | {"other_version": "1"})
    assert_rejected(stale, 409, "version_conflict", "version")
    assert_rejected(
        await harness.post(path, DISPATCHER, body | {"other_job_id": one["job_id"]}),
        422,
        "same_job",
        "other_job_id",
    )
    there, here = (await harness.done(path, DISPATCHER, body))["jobs"]
    for after, before in ((there, other), (here, one)):
        assert after["technician_ids"] == before["technician_ids"]
        assert after["pinned"]
    assert here["planned_start_at"] == one["planned_start_at"]
    assert there["planned_start_at"] >= here["planned_finish_at"]


async def test_override_is_counted_with_its_lateness(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-001")
    body = body_at(harness, job, 2, 8, note="等老客户")
    await harness.done(f"jobs/{job['job_id']}/reassignment", DISPATCHER, body)
    found = await harness.get("overrides")
    made = next(each for each in found["overrides"] if each["job_id"] == job["job_id"])
    assert (made["kind"], made["reason"], made["note"]) == ("move", "customer_request", "等老客户")
    assert (made["made_by"], made["queue_number"]) == (DISPATCHER, 7)
    assert made["late_before_min"] == 0
    assert made["late_after_min"] > 4 * 60
    totals = found["totals"]
    assert totals["count"] == len(found["overrides"])
    assert 0 < totals["share"] < 1
    assert totals["added_min"] >= made["late_after_min"]
    harness.clock.set(harness.at(8))
    started = await harness.work(await harness.job(job), "start")
    harness.clock.set(harness.at(9))
    await harness.work(started, "finish")
    await harness.inspect(started)
    found = await harness.get("overrides")
    made = next(each for each in found["overrides"] if each["job_id"] == job["job_id"])
    assert made["late_actual_min"] == 5 * 60 + 20
    assert found["totals"]["late_overridden_min"] == made["late_actual_min"]


async def test_technician_cannot_read_overrides(harness: WorkshopHarness) -> None:
    response = await harness.service.get("/stores/S01/overrides", "technician")
    assert response.status_code == 403
    backwards = await harness.service.get(
        "/stores/S01/overrides", "service_manager", **{"from": "2026-03-05", "to": "2026-03-04"}
    )
    assert_rejected(backwards, 422, "ends_before_it_begins", "to")


async def test_override_note_is_not_in_plan(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-001")
    path = f"jobs/{job['job_id']}/pin"
    await harness.done(path, DISPATCHER, reason(job, note="只告诉车间"))
    board = await harness.service.get("/stores/S01/plan", "technician")
    assert "只告诉车间" not in board.text
    unknown = reason(await harness.job(job)) | {"reason": "because"}
    assert (await harness.post(path, DISPATCHER, unknown)).status_code == 422
