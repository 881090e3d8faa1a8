"""Work, findings, inspections and comebacks, on real Kafka and PostgreSQL (R3, R4, R13, R14)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.workshop.application import jobs
from shared.clock import SimulatedClock
from shared.contracts.reception import AdditionalWorkDeclined, VehicleDelivered
from shared.contracts.workshop import (
    AdditionalWorkRecommended,
    ComebackLinked,
    DiagnosisRecorded,
    JobFinished,
    JobPaused,
    JobStarted,
    JobStopped,
    JobTimeCorrected,
    QualityInspectionFailed,
    VehicleReady,
)
from shared.envelope import Causation
from tests.support.workshop_harness import (
    JsonObject,
    WorkshopHarness,
    assert_rejected,
    open_workshop_harness,
)

INSPECTOR = "S01-inspector-1"


@pytest_asyncio.fixture(scope="module")
async def harness(servers: Platform, clock: SimulatedClock) -> AsyncIterator[WorkshopHarness]:
    async with open_workshop_harness(servers, clock) as running:
        yield running


async def finished(harness: WorkshopHarness, op_code: str = "MNT-001") -> JsonObject:
    (job,) = await harness.open_order(op_code)
    await harness.work(job, "start")
    return await harness.work(job, "finish")


def _finish(job: JsonObject) -> datetime:
    return datetime.fromisoformat(job["planned_finish_at"])


async def _kept(harness: WorkshopHarness, job: JsonObject) -> timedelta:
    """Return how long the plan reserves technicians and bay behind the job."""
    shown = next(
        each for each in (await harness.get("plan"))["jobs"] if each["job_id"] == job["job_id"]
    )
    if shown["buffer_until"] is None:
        return timedelta(0)
    return datetime.fromisoformat(shown["buffer_until"]) - _finish(shown)


async def _free(harness: WorkshopHarness, skill_code: str) -> int:
    """Return free minutes of the skill's technicians on this day."""
    free = (await harness.get("plan"))["free"]
    return sum(each["free_minutes"] for each in free if each["skill_code"] == skill_code)


async def test_wip_gets_overrun_buffer_until_finished(
    harness: WorkshopHarness,
) -> None:
    (job,) = await harness.open_order("MNT-004")
    expected = datetime.fromisoformat(job["planned_finish_at"]) - datetime.fromisoformat(
        job["planned_start_at"]
    )
    assert await _kept(harness, job) == timedelta(0)
    free = await _free(harness, "maintenance")
    started = await harness.work(job, "start")
    kept = await _kept(harness, started)
    assert 0.3 * expected < kept < expected
    assert await _free(harness, "maintenance") <= free - kept / timedelta(minutes=2)
    done = await harness.work(started, "finish")
    assert await _kept(harness, done) == timedelta(0)


async def test_technician_clocks_in_on_one_job_only(
    harness: WorkshopHarness,
) -> None:
    (job,) = await harness.open_order("MNT-001")
    (technician_id,) = job["technician_ids"]
    early = await harness.post(f"jobs/{job['job_id']}/finish", technician_id)
    assert_rejected(early, 409, "wrong_status", "job_id")
    await harness.work(job, "start")
    again = await harness.post(f"jobs/{job['job_id']}/start", technician_id)
    assert assert_rejected(again, 409, "wrong_status", "job_id").values["by"] == technician_id
    (other,) = await harness.open_order("MNT-001")
    body = {
        "technician_ids": [technician_id],
        "bay_id": "S01-lift-5",
        "starts_at": harness.at(5).isoformat(),
        "reason": "workload",
        "version": other["version"],
    }
    await harness.done(f"jobs/{other['job_id']}/reassignment", "S01-dispatcher-1", body)
    second = await harness.post(f"jobs/{other['job_id']}/start", technician_id)
    assert_rejected(second, 409, "technician_busy", "technician_ids")
    await harness.work(job, "finish")


async def test_job_starts_without_http(harness: WorkshopHarness) -> None:
    harness = harness.of("S04")
    (job,) = await harness.open_order("MNT-001")
    (technician_id,) = job["technician_ids"]
    caused = Causation("test", "test")
    async with harness.deps.uow_factory.open(["S04"], technician_id, caused) as uow:
        started = await jobs.start_job(uow, job["job_id"], harness.deps)
    assert (started.status, started.started_at) == ("in_progress", harness.clock.now())
    (event,) = await harness.events(JobStarted, job["order_id"])
    assert event.job_id == job["job_id"]
    await harness.work(job, "finish")


async def test_withdrawn_work_is_stopped_without_comeback(harness: WorkshopHarness) -> None:
    visits: JsonObject = {"vehicle_ref": "k1-stopped", "symptoms": ["ENG-IDLE-COLD"]}
    first, second = await harness.open_order("MNT-001", "MNT-006", **visits)
    await harness.work(first, "start")
    await harness.wait(12)
    progress, _ = await harness.get(f"orders/{first['order_id']}/work-done")
    assert (progress["state"], progress["labor_s"]) == ("begun", 720)
    await harness.withdrawn(first["order_id"], "MNT-001", "MNT-006")
    statuses = [job["status"] for job in await harness.jobs(first["order_id"])]
    assert statuses == ["stopped", "cancelled"]
    told = await harness.events(JobStopped, first["order_id"])
    assert [(event.job_id, event.clocked_s) for event in told] == [
        (first["job_id"], 720),
        (second["job_id"], 0),
    ]
    assert await harness.events(VehicleReady, first["order_id"])
    (again,) = await harness.open_order("MNT-001", **visits)
    assert again["comeback_of"] is None
    await harness.cancelled(again["order_id"])


async def test_quality_inspection_needs_every_checklist_item(harness: WorkshopHarness) -> None:
    job = await finished(harness)
    path = f"jobs/{job['job_id']}/inspection"
    some = await harness.post(path, INSPECTOR, {"items": {"wheel_torque": "ok"}})
    problem = assert_rejected(some, 422, "items_missing", "items")
    assert problem.values["missing"] == ["fluids_level", "no_leaks", "service_reset"]
    checklist = (await harness.get("inspection-checklists"))["checklists"]["maintenance"]
    assert {"item": "wheel_torque", "zh": "车轮螺栓力矩", "en": "Wheel bolts torqued"}.items() <= (
        next(each for each in checklist if each["critical"]).items()
    )
    answered = {each["item"]: "ok" for each in checklist}
    strange = await harness.post(path, INSPECTOR, {"items": answered | {"wings": "ok"}})
    assert_rejected(strange, 422, "items_unknown", "items")
    skipped = {"items": answered | {"wheel_torque": "not_applicable"}}
    assert_rejected(
        await harness.post(path, INSPECTOR, skipped), 422, "critical_items_apply", "items"
    )
    await harness.inspect(job)
    assert (await harness.job(job))["status"] == "passed"


async def test_failed_quality_inspection_returns_job_to_its_technician(
    harness: WorkshopHarness,
) -> None:
    job = await finished(harness)
    await harness.inspect(job, "no_leaks")
    first, rework = await harness.jobs(job["order_id"])
    assert (first["status"], rework["rework_of"]) == ("failed", job["job_id"])
    assert rework["technician_ids"] == job["technician_ids"]
    (event,) = await harness.events(QualityInspectionFailed, job["order_id"])
    assert event.failed_items == ("no_leaks",)
    assert await harness.events(VehicleReady, job["order_id"]) == []
    await harness.work(rework, "start")
    await harness.work(rework, "finish")
    await harness.inspect(rework)
    assert len(await harness.events(VehicleReady, job["order_id"])) == 1
    order = await harness.get(f"orders/{job['order_id']}")
    assert [each["passed"] for each in order["inspections"]] == [False, True]
    assert order["inspections"][0]["results"]["no_leaks"] == "failed"


async def test_diagnosis_is_recorded_in_symptom_codes(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-001")
    path = f"jobs/{job['job_id']}/diagnosis"
    body = {"symptoms": ["ENG-IDLE-COLD"]}
    early = await harness.post(path, job["technician_ids"][0], body)
    assert_rejected(early, 409, "wrong_status", "job_id")
    await harness.work(job, "start")
    strange = await harness.post(path, job["technician_ids"][0], {"symptoms": ["ENG-SINGS"]})
    problem = assert_rejected(strange, 422, "unknown_code", "symptoms")
    assert problem.values["code"] == "ENG-SINGS"
    assert_rejected(
        await harness.post(path, "S01-technician-5", body), 403, "not_your_job", "job_id"
    )
    assert (await harness.work(job, "diagnosis", body))["diagnosis"] == ["ENG-IDLE-COLD"]
    (event,) = await harness.events(DiagnosisRecorded, job["order_id"])
    assert event.symptoms == ("ENG-IDLE-COLD",)
    await harness.work(job, "finish")


@pytest.mark.parametrize(("field", "code"), [("op_codes", "MNT-999"), ("part_numbers", "OIL-9W99")])
async def test_additional_work_with_unknown_code_is_rejected(
    harness: WorkshopHarness, field: str, code: str
) -> None:
    (job,) = await harness.open_order("MNT-001")
    await harness.work(job, "start")
    body = {"op_codes": ["MNT-003"], "part_numbers": []} | {field: [code]}
    response = await harness.post(
        f"jobs/{job['job_id']}/additional-work", job["technician_ids"][0], body
    )
    assert assert_rejected(response, 422, "unknown_code", field).values["code"] == code
    await harness.work(job, "finish")


async def test_recommended_additional_work_waits_for_customer_decision(
    harness: WorkshopHarness,
) -> None:
    (job,) = await harness.open_order("MNT-001")
    await harness.work(job, "start")
    body = {"op_codes": ["MNT-003"], "part_numbers": ["FLT-AIR"], "note": "空滤很脏"}
    found = await harness.work(job, "additional-work", body)
    (event,) = await harness.events(AdditionalWorkRecommended, job["order_id"])
    assert event.additional_work_id == found["additional_work_id"]
    assert "空滤" not in event.model_dump_json()
    (shown,) = (await harness.get(f"orders/{job['order_id']}"))["additional_work"]
    assert (shown["note"], shown["decision"]) == ("空滤很脏", None)
    declined = AdditionalWorkDeclined(
        store_id="S01",
        order_id=job["order_id"],
        additional_work_id=found["additional_work_id"],
        op_codes=("MNT-003",),
        channel="phone",
        recorded_by="S01-advisor-1",
        declined_at=harness.clock.now(),
    )
    await harness.publish(declined)
    (shown,) = (await harness.get(f"orders/{job['order_id']}"))["additional_work"]
    assert shown["decision"] == "declined"
    await harness.work(job, "finish")


async def test_team_of_two_clocks_and_shares_credit(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MEC-016")
    first, second = job["technician_ids"]
    path = f"jobs/{job['job_id']}"
    await harness.done(f"{path}/start", first)
    assert_rejected(await harness.post(f"{path}/finish", second), 409, "not_clocked_in", "job_id")
    await harness.wait(30)
    await harness.done(f"{path}/resume", second)
    await harness.wait(30)
    assert (await harness.done(f"{path}/finish", first))["status"] == "in_progress"
    done = await harness.done(f"{path}/finish", second)
    assert done["status"] == "finished"
    (event,) = await harness.events(JobFinished, job["order_id"])
    earned = {each.technician_id: each.standard_hours for each in event.credits}
    assert earned == {first: 2.667, second: 1.333}
    assert earned == {each["technician_id"]: each["standard_hours"] for each in done["credits"]}


async def test_comeback_for_same_symptom_is_linked(
    harness: WorkshopHarness,
) -> None:
    visits: JsonObject = {"vehicle_ref": "k1-comeback", "symptoms": ["ENG-IDLE-COLD"]}
    (first,) = await harness.accepted("MNT-001", **visits)
    (other,) = await harness.open_order("MNT-001", **visits | {"symptoms": ["BRK-NOISE-LOW"]})
    (again,) = await harness.open_order("MNT-001", **visits | {"symptoms": ["ENG-IDLE-HOT"]})
    assert other["comeback_of"] is None
    assert again["comeback_of"] == first["order_id"]
    (event,) = await harness.events(ComebackLinked, again["order_id"])
    assert event.earlier_order_id == first["order_id"]
    assert event.symptoms == ("ENG-IDLE-HOT",)
    assert list(event.earlier_technician_ids) == first["technician_ids"]
    order = await harness.get(f"orders/{again['order_id']}")
    assert order["comeback"]["technician_ids"] == first["technician_ids"]
    zone = ZoneInfo("Asia/Shanghai")
    last_day = harness.clock.now().astimezone(zone) + timedelta(days=30)
    last_minute = last_day.replace(hour=23, minute=58)
    (third,) = await harness.open_order("MNT-001", **visits, opened_at=last_minute)
    assert third["comeback_of"] == first["order_id"]
    (late,) = await harness.open_order(
        "MNT-001", **visits, opened_at=last_minute + timedelta(minutes=2)
    )
    assert late["comeback_of"] is None


async def test_overlapping_absence_is_rejected_until_cancelled(
    harness: WorkshopHarness,
) -> None:
    path = "technicians/S01-technician-8/absences"
    dispatcher = "S01-dispatcher-1"

    def away(begin: float, end: float) -> JsonObject:
        return {"starts_at": harness.at(begin).isoformat(), "ends_at": harness.at(end).isoformat()}

    absence = await harness.done(path, dispatcher, away(30, 34))
    overlapping = await harness.post(path, dispatcher, away(33, 36))
    assert_rejected(overlapping, 409, "absence_overlaps", "starts_at")
    assert_rejected(
        await harness.post(path, dispatcher, away(40, 40)), 422, "ends_before_it_begins", "ends_at"
    )
    assert [each["absence_id"] for each in await harness.get("absences")] == [absence["absence_id"]]
    day = await harness.get("plan", day="2026-03-05")
    person = next(
        each for each in day["technicians"] if each["technician_id"] == "S01-technician-8"
    )
    assert [each["absence_id"] for each in person["absences"]] == [absence["absence_id"]]
    cancellation = f"absences/{absence['absence_id']}/cancel"
    await harness.done(cancellation, dispatcher)
    assert_rejected(
        await harness.post(cancellation, dispatcher), 409, "already_cancelled", "absence_id"
    )
    assert await harness.get("absences") == []
    await harness.done(path, dispatcher, away(33, 36))


async def test_board_shows_all_work_in_one_response(harness: WorkshopHarness) -> None:
    before = await harness.get("board")
    (working,) = await harness.open_order("MNT-001")
    working = await harness.work(working, "start")
    await harness.open_order("MNT-001", "MNT-003")
    done = await finished(harness)
    await harness.accepted("MNT-001")
    board = await harness.get("board")
    bay = next(each for each in board["bays"] if each["bay_id"] == working["bay_id"])
    assert bay["job"]["job_id"] == working["job_id"]
    assert (bay["job"]["queue_number"], bay["job"]["light"]) == (7, "green")
    assert bay["job"]["technician_ids"] == working["technician_ids"]
    assert len(board["waiting"]) == len(before["waiting"]) + 1
    assert done["job_id"] in [each["job_id"] for each in board["to_inspect"]]
    assert board["counts"]["ready_today"] == before["counts"]["ready_today"] + 1
    ready = board["ready"][0]["order_id"]
    left = VehicleDelivered(
        store_id="S01",
        order_id=ready,
        advisor_id="S01-advisor-1",
        customer_ref=None,
        delivered_at=harness.clock.now(),
        steps=(),
    )
    await harness.publish(left)
    here = (await harness.get("board"))["ready"]
    assert ready not in [each["order_id"] for each in here]
    await harness.work(working, "finish")


async def test_concurrent_holds_get_separate_slots(harness: WorkshopHarness) -> None:
    harness = harness.of("S02")
    wanted = {"op_codes": ["MNT-001"]}
    responses = await asyncio.gather(
        *(harness.post("capacity-holds", "S02-advisor-1", wanted) for _ in range(12))
    )
    assert [response.status_code for response in responses] == [201] * 12
    held = [response.json()["jobs"][0] for response in responses]
    taken = sorted(
        (who, job["planned_start_at"], job["planned_finish_at"])
        for job in held
        for who in (*job["technician_ids"], job["bay_id"])
    )
    for (who, _, finish), (other, start, _) in pairwise(taken):
        assert who != other or finish <= start
    for response in responses:
        await harness.done(f"capacity-holds/{response.json()['hold_id']}/release", "S02-advisor-1")


async def test_expired_hold_gives_order_another_slot(harness: WorkshopHarness) -> None:
    hold = await harness.done("capacity-holds", "S01-advisor-1", {"op_codes": ["MNT-001"]})
    await harness.wait(16)
    state = await harness.done(f"capacity-holds/{hold['hold_id']}/release", "S01-advisor-1")
    assert state["status"] == "released"
    (job,) = await harness.open_order("MNT-001", hold_id=hold["hold_id"])
    assert job["technician_ids"]


async def test_order_with_displaced_hold_is_replanned(
    harness: WorkshopHarness,
) -> None:
    (early,) = await harness.open_order("MNT-004")
    hold = await harness.done("capacity-holds", "S01-advisor-1", {"op_codes": ["MNT-001"]})
    (held,) = hold["jobs"]
    body = {
        "technician_ids": early["technician_ids"],
        "bay_id": held["bay_id"],
        "starts_at": (harness.clock.now() + timedelta(days=1)).isoformat(),
        "reason": "bay",
        "version": early["version"],
    }
    moved = await harness.done(f"jobs/{early['job_id']}/reassignment", "S01-dispatcher-1", body)
    await harness.work(moved, "start")
    (job,) = await harness.open_order("MNT-001", hold_id=hold["hold_id"])
    assert (job["bay_id"], job["status"]) != (held["bay_id"], "cancelled")
    assert job["technician_ids"]
    await harness.work(moved, "finish")


async def test_manager_corrects_time_of_finished_job(harness: WorkshopHarness) -> None:
    begin = harness.clock.now()
    first, second = await harness.open_order("MNT-001", "MNT-006")
    for job in (first, second):
        await harness.work(job, "start")
        await harness.wait(30)
        await harness.work(job, "finish")

    def right(started: int | None = None, finished: int | None = None) -> JsonObject:
        moments = {"started_at": started, "finished_at": finished}
        given = {
            name: (begin + timedelta(minutes=minutes)).isoformat()
            for name, minutes in moments.items()
            if minutes is not None
        }
        return {"reason": "forgot_to_finish", **given}

    path = f"jobs/{second['job_id']}/time-correction"
    assert (await harness.post(path, "S01-dispatcher-1", right(35))).status_code == 403
    for body, status, rule, field in (
        (right(), 422, "nothing_corrected", "started_at"),
        (right(finished=20), 422, "ends_before_it_begins", "finished_at"),
        (right(finished=90), 422, "in_the_future", "finished_at"),
        (right(started=-60), 422, "before_the_order", "started_at"),
        (right(started=20), 409, "clock_overlaps", "started_at"),
    ):
        assert_rejected(await harness.post(path, "S01-manager-1", body), status, rule, field)
    corrected = await harness.done(path, "S01-manager-1", right(35, 50))
    assert corrected["clocked_s"] == 15 * 60
    (event,) = await harness.events(JobTimeCorrected, first["order_id"])
    assert (event.original_clocked_s, event.clocked_s) == (30 * 60, 15 * 60)
    assert (event.corrected_by, event.reason) == ("S01-manager-1", "forgot_to_finish")
    (entry,) = await harness.get(f"jobs/{second['job_id']}/time-corrections")
    assert entry["original_finished_at"] != entry["finished_at"] == corrected["finished_at"]


async def test_corrected_start_of_wip_brings_finish_forward(
    harness: WorkshopHarness,
) -> None:
    (job,) = await harness.open_order("BDY-001")
    await harness.wait(20)
    begun = await harness.work(job, "start")
    earlier = harness.clock.now() - timedelta(minutes=15)
    body = {"started_at": earlier.isoformat(), "reason": "forgot_to_start"}
    path = f"jobs/{job['job_id']}/time-correction"
    corrected = await harness.done(path, "S01-manager-1", body)
    assert corrected["planned_finish_at"] < begun["planned_finish_at"]
    await harness.wait(10)
    assert (await harness.work(job, "finish"))["clocked_s"] == 25 * 60


async def test_overdue_wip_is_expected_to_finish_later(
    harness: WorkshopHarness,
) -> None:
    harness = harness.of("S03")  # where nothing was learned yet
    (job,) = await harness.open_order("PNT-001")
    started, expected = harness.clock.now(), _finish(await harness.work(job, "start"))
    harness.clock.set(expected + timedelta(seconds=1))
    await harness.service.wait_until_idle()
    later = _finish(await harness.job(job))
    assert 1.15 < (later - started) / (expected - started) < 1.35
    harness.clock.set(later + timedelta(seconds=1))
    await harness.service.wait_until_idle()
    assert _finish(await harness.job(job)) >= later + timedelta(minutes=9)
    await harness.work(job, "finish")


async def test_missed_punch_is_closed_at_shift_end(
    harness: WorkshopHarness,
) -> None:
    harness.clock.set(harness.at(8))
    (job,) = await harness.open_order("MNT-004", promised_at=harness.at(30))
    body = {
        "technician_ids": ["S01-technician-1"],
        "bay_id": "S01-lift-4",
        "starts_at": harness.at(8.1).isoformat(),
        "reason": "workload",
        "version": job["version"],
    }
    job = await harness.done(f"jobs/{job['job_id']}/reassignment", "S01-dispatcher-1", body)
    harness.clock.set(harness.at(8.5))
    await harness.work(job, "start")
    harness.clock.set(harness.at(9.49))
    await harness.service.wait_until_idle()
    assert (await harness.job(job))["status"] == "in_progress"
    harness.clock.set(harness.at(9.51))
    closed = await harness.job(job)
    assert (closed["status"], closed["clocked_s"]) == ("paused", 1800)
    assert closed["missed_punches"] == 1
    (event,) = await harness.events(JobPaused, job["order_id"])
    assert (event.reason, event.auto_closed) == ("missed_punch", True)
    assert event.paused_at == harness.at(9)
    await harness.work(job, "resume")
    harness.clock.set(harness.at(10.01))
    await harness.service.wait_until_idle()
    await harness.work(job, "finish")
    (event,) = await harness.events(JobFinished, job["order_id"])
    assert event.clocked_s == 1800 + 1800
