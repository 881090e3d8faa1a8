"""A dispatcher's changes by hand, on real Kafka and PostgreSQL (R12)."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SteppedClock
from shared.contracts.workshop import JobReassigned
from tests.workshop.floor import Answer, Floor, open_floor, refused

DISPATCHER = "S01-dispatcher-1"


@pytest_asyncio.fixture(scope="module")
async def floor(servers: Platform, clock: SteppedClock) -> AsyncIterator[Floor]:
    async with open_floor(servers, clock) as running:
        yield running


def reason(job: Answer, **more: object) -> Answer:
    return {"reason": "customer_request", "version": job["version"], **more}


def place(floor: Floor, job: Answer, technician: int, hours: float, **more: object) -> Answer:
    return reason(
        job,
        technician_ids=[f"S01-technician-{technician}"],
        bay_id="S01-lift-5",
        start_at=floor.at(hours).isoformat(),
        **more,
    )


async def test_a_moved_job_stays_where_the_dispatcher_put_it(floor: Floor) -> None:
    (job,) = await floor.open_order("MNT-001")
    body = place(floor, job, 9, 3, note="客户下午才来")
    moved = await floor.done(f"jobs/{job['job_id']}/reassignment", DISPATCHER, body)
    await floor.open_order("MNT-001")
    kept = await floor.job(job)
    for seen in (moved, kept):
        assert seen["technician_ids"] == ["S01-technician-9"]
        assert seen["bay_id"] == "S01-lift-5"
        assert seen["planned_start_at"] == floor.at(3).isoformat().replace("+00:00", "Z")
        assert seen["pinned"]
    (event,) = await floor.events(JobReassigned, job["order_id"])
    assert (event.reason, event.by) == ("override", DISPATCHER)
    assert "客户" not in event.model_dump_json()


async def test_the_second_of_two_hands_is_told_the_present_state(floor: Floor) -> None:
    (job,) = await floor.open_order("MNT-001")
    path = f"jobs/{job['job_id']}/reassignment"
    first = await floor.done(path, DISPATCHER, place(floor, job, 7, 5))
    second = await floor.post(path, "S01-manager-1", place(floor, job, 9, 6))
    problem = refused(second, 409, "changed_meanwhile", "version")
    assert problem.values["version"] == first["version"]
    assert problem.values["by"] == DISPATCHER
    assert problem.values["at"] == floor.clock.now().isoformat()
    assert problem.values["technician_ids"] == ["S01-technician-7"]


async def test_nothing_is_moved_onto_work_in_hand(floor: Floor) -> None:
    (busy,) = await floor.open_order("MNT-004")
    started = await floor.work(busy, "start")
    (job,) = await floor.open_order("MNT-001")
    path = f"jobs/{job['job_id']}/reassignment"
    person = started["technician_ids"][0]
    someone_else = 7 if not person.endswith("-7") else 9
    here = place(floor, job, someone_else, 0.1) | {"bay_id": started["bay_id"]}
    problem = refused(await floor.post(path, DISPATCHER, here), 409, "bay_occupied", "bay_id")
    assert problem.values["by"] == person
    them = place(floor, job, 1, 0.1) | {"technician_ids": [person]}
    refused(await floor.post(path, DISPATCHER, them), 409, "technician_busy", "technician_ids")


async def test_a_job_is_given_only_to_whoever_can_do_it(floor: Floor) -> None:
    (job,) = await floor.open_order("MNT-004")
    path = f"jobs/{job['job_id']}/reassignment"
    unskilled = await floor.post(path, DISPATCHER, place(floor, job, 5, 4))
    refused(unskilled, 422, "not_qualified", "technician_ids")
    assert "S01-technician-5" in unskilled.json()["detail"]
    unfit = place(floor, job, 1, 4) | {"bay_id": "S01-wash-1"}
    refused(await floor.post(path, DISPATCHER, unfit), 422, "bay_unsuitable", "bay_id")
    past = place(floor, job, 1, -1)
    refused(await floor.post(path, DISPATCHER, past), 422, "in_the_past", "start_at")


async def test_what_is_reserved_for_a_customer_is_not_taken_by_hand(floor: Floor) -> None:
    hold = await floor.done("capacity-holds", "S01-advisor-1", {"operations": ["MNT-004"]})
    (held,) = hold["jobs"]
    (job,) = await floor.open_order("MNT-001")
    body = reason(
        job,
        technician_ids=held["technician_ids"],
        bay_id=held["bay_id"],
        start_at=held["planned_start_at"],
    )
    path = f"jobs/{job['job_id']}/reassignment"
    problem = refused(await floor.post(path, DISPATCHER, body), 409, "capacity_held", "start_at")
    assert problem.values["by"] == "S01-advisor-1"
    assert problem.values["at"] == floor.clock.now().isoformat()
    await floor.done(f"capacity-holds/{hold['hold_id']}/release", "S01-advisor-1")


async def test_a_technician_who_is_kept_from_a_job_does_not_get_it(floor: Floor) -> None:
    (job,) = await floor.open_order("MNT-001")
    (technician_id,) = job["technician_ids"]
    path = f"jobs/{job['job_id']}"
    body = reason(job, technician_id=technician_id)
    await floor.done(f"{path}/forbid", DISPATCHER, body)
    other = await floor.job(job)
    assert other["technician_ids"] != [technician_id]
    assert other["forbidden_technicians"] == [technician_id]
    back = place(floor, other, int(technician_id.rsplit("-")[-1]), 7)
    answer = await floor.post(f"{path}/reassignment", DISPATCHER, back)
    refused(answer, 409, "technician_forbidden", "technician_ids")
    allowed = await floor.done(
        f"{path}/allow", DISPATCHER, reason(other, technician_id=technician_id)
    )
    assert allowed["forbidden_technicians"] == []


async def test_somebody_must_be_left_who_can_do_the_job(floor: Floor) -> None:
    (job,) = await floor.open_order("HVE-001")
    path = f"jobs/{job['job_id']}/forbid"
    first = await floor.done(path, DISPATCHER, reason(job, technician_id="S01-technician-3"))
    now = await floor.job(first)
    answer = await floor.post(path, DISPATCHER, reason(now, technician_id="S01-technician-4"))
    refused(answer, 409, "nobody_left", "technician_id")
    nobody = await floor.post(path, DISPATCHER, reason(now, technician_id="S02-technician-1"))
    refused(nobody, 404, "unknown_technician", "technician_id")


async def test_a_released_job_is_the_planners_again(floor: Floor) -> None:
    (job,) = await floor.open_order("MNT-001")
    pinned = await floor.done(f"jobs/{job['job_id']}/pin", DISPATCHER, reason(job))
    assert pinned["pinned"]
    now = await floor.job(job)
    released = await floor.done(f"jobs/{job['job_id']}/release", DISPATCHER, reason(now))
    assert not released["pinned"]


async def test_two_jobs_exchange_their_places(floor: Floor) -> None:
    (one,), (other,) = await floor.open_order("MNT-003"), await floor.open_order("MNT-004")
    for job, technician, hours in ((one, 7, 26), (other, 9, 28)):
        body = place(floor, await floor.job(job), technician, hours)
        await floor.done(f"jobs/{job['job_id']}/reassignment", DISPATCHER, body)
    one, other = await floor.job(one), await floor.job(other)
    path = f"jobs/{one['job_id']}/swap"
    body = reason(one, other_job_id=other["job_id"], other_version=other["version"])
    stale = await floor.post(path, DISPATCHER, body | {"other_version": "1"})
    refused(stale, 409, "changed_meanwhile", "version")
    refused(
        await floor.post(path, DISPATCHER, body | {"other_job_id": one["job_id"]}),
        422,
        "same_job",
        "other_job_id",
    )
    there, here = (await floor.done(path, DISPATCHER, body))["jobs"]
    for after, before in ((there, other), (here, one)):
        assert after["technician_ids"] == before["technician_ids"]
        assert after["pinned"]
    assert here["planned_start_at"] == one["planned_start_at"]
    assert there["planned_start_at"] >= here["planned_finish_at"]


async def test_changes_by_hand_are_counted_with_their_effect(floor: Floor) -> None:
    (job,) = await floor.open_order("MNT-001")
    body = place(floor, job, 2, 8, note="等老客户")
    await floor.done(f"jobs/{job['job_id']}/reassignment", DISPATCHER, body)
    found = await floor.get("overrides")
    made = next(each for each in found["overrides"] if each["job_id"] == job["job_id"])
    assert (made["kind"], made["reason"], made["note"]) == ("move", "customer_request", "等老客户")
    assert (made["made_by"], made["queue_number"]) == (DISPATCHER, 7)
    assert made["late_before_min"] == 0
    assert made["late_after_min"] > 4 * 60
    totals = found["totals"]
    assert totals["count"] == len(found["overrides"])
    assert 0 < totals["share"] < 1
    assert totals["added_min"] >= made["late_after_min"]
    floor.clock.set(floor.at(8))
    started = await floor.work(await floor.job(job), "start")
    floor.clock.set(floor.at(9))
    await floor.work(started, "finish")
    await floor.inspect(started)
    found = await floor.get("overrides")
    made = next(each for each in found["overrides"] if each["job_id"] == job["job_id"])
    assert made["late_actual_min"] == 5 * 60 + 20
    assert found["totals"]["late_overridden_min"] == made["late_actual_min"]


async def test_overrides_are_for_those_who_answer_for_the_plan(floor: Floor) -> None:
    answer = await floor.service.get("/stores/S01/overrides", "technician")
    assert answer.status_code == 403
    backwards = await floor.service.get(
        "/stores/S01/overrides", "manager", **{"from": "2026-03-05", "to": "2026-03-04"}
    )
    refused(backwards, 422, "ends_before_it_begins", "to")


async def test_the_note_is_kept_apart_from_the_plan(floor: Floor) -> None:
    (job,) = await floor.open_order("MNT-001")
    path = f"jobs/{job['job_id']}/pin"
    await floor.done(path, DISPATCHER, reason(job, note="只告诉车间"))
    board = await floor.service.get("/stores/S01/plan", "technician")
    assert "只告诉车间" not in board.text
    unknown = reason(await floor.job(job)) | {"reason": "because"}
    assert (await floor.post(path, DISPATCHER, unknown)).status_code == 422
