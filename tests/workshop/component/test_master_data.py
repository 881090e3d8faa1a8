"""Changes of master data while the workshop runs, on real Kafka and PostgreSQL (R12, R18, R40)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.workshop.application.staffing import STAFFING
from shared.clock import SimulatedClock
from shared.contracts.management import (
    Certificate,
    Leave,
    PersonDefined,
    Post,
    PromiseRules,
    ShiftPattern,
    ShiftRules,
    WorkshopRules,
)
from shared.contracts.workshop import JobReassigned
from shared.group import GROUP_ZONE
from tests.support import stores
from tests.support.catalog import defined, records
from tests.support.polling import until
from tests.support.rules import group_rules, rule_set
from tests.support.staff import staff_profile, staff_record
from tests.support.workshop_harness import (
    JsonObject,
    WorkshopHarness,
    assert_rejected,
    open_workshop_harness,
)

FIRST = date(2026, 1, 1)
TODAY, TOMORROW = date(2026, 3, 4), date(2026, 3, 5)
HIGH_VOLTAGE = "HVE-001"


@pytest_asyncio.fixture(scope="module")
async def harness(servers: Platform, clock: SimulatedClock) -> AsyncIterator[WorkshopHarness]:
    async with open_workshop_harness(servers, clock) as running:
        yield running


def changed(person_id: str, **fields: Any) -> PersonDefined:
    """Return a person of the demo group with other values, from the beginning on."""
    return staff_record(person_id, (FIRST, staff_profile(person_id).model_copy(update=fields)))


def certified(person_id: str, **dates: str) -> PersonDefined:
    """Return a person who has the certificate for high voltage."""
    return changed(person_id, certificates=(Certificate(certificate="high_voltage", **dates),))


async def planned_tomorrow(harness: WorkshopHarness, *op_codes: str) -> JsonObject:
    """Open an order and return its first job, whose part comes tomorrow before the opening."""
    (job,) = await harness.open_order(*op_codes)
    opening = datetime.combine(TOMORROW, time(), UTC)
    path = f"jobs/{job['job_id']}/parts-eta"
    await harness.done(path, "dispatcher", {"at": opening.isoformat(), "reason": "delayed"})
    return await harness.job(job)


async def moved(harness: WorkshopHarness, job: JsonObject) -> JobReassigned:
    """Return the last move of a job, which comes within the promised time."""

    async def has_moved() -> bool:
        return bool((await harness.job(job))["version"] != job["version"])

    assert await until(has_moved, pause_s=0.02)
    moves = await harness.events(JobReassigned, job["order_id"])
    event: JobReassigned = moves[-1]
    return event


async def technician_of_plan(
    harness: WorkshopHarness, technician_id: str, day: date
) -> JsonObject | None:
    plan = await harness.get("plan", day=day.isoformat())
    people = {each["technician_id"]: each for each in plan["technicians"]}
    return people.get(technician_id)


async def test_certificate_admits_to_high_voltage(harness: WorkshopHarness) -> None:
    harness = harness.of("S02")
    without = [changed(f"S02-technician-{n}", certificates=()) for n in (3, 4)]
    await harness.publish(*without)
    body = {"op_codes": [HIGH_VOLTAGE]}
    response = await harness.post("quotes", "service_advisor", body)
    assert response.json()["errors"][0]["rule"] == "no_certificate"
    await harness.publisher.publish(certified("S02-technician-4"), at=harness.clock.now())

    async def is_promised() -> bool:
        return (await harness.post("quotes", "service_advisor", body)).is_success

    assert await until(is_promised, pause_s=0.02)
    (job,) = await harness.open_order(HIGH_VOLTAGE)
    assert job["technician_ids"] == ["S02-technician-4"]


async def test_expiring_certificate_serves_today_only(harness: WorkshopHarness) -> None:
    harness = harness.of("S03")
    await harness.publish(
        certified("S03-technician-3", expires_on=TODAY.isoformat()),
        changed("S03-technician-4", certificates=()),
    )
    (job,) = await harness.open_order(HIGH_VOLTAGE)
    assert job["technician_ids"] == ["S03-technician-3"]
    tomorrow = {"op_codes": [HIGH_VOLTAGE], "earliest_start_at": harness.at(24).isoformat()}
    response = await harness.post("quotes", "service_advisor", tomorrow)
    assert response.json()["errors"][0]["rule"] == "no_time"


async def test_expiry_moves_planned_high_voltage_work(harness: WorkshopHarness) -> None:
    harness = harness.of("S01")
    job = await planned_tomorrow(harness, HIGH_VOLTAGE)
    (first,) = job["technician_ids"]
    await harness.publisher.publish(
        certified(first, expires_on=TODAY.isoformat()), at=harness.clock.now()
    )
    event = await moved(harness, job)
    assert (event.reason, event.by) == ("not_qualified", "planner")
    assert {*event.technician_ids, first} == {"S01-technician-3", "S01-technician-4"}


async def test_planned_leave_takes_days_out(harness: WorkshopHarness) -> None:
    harness = harness.of("S04")
    job = await planned_tomorrow(harness, "MNT-001")
    (who,) = job["technician_ids"]
    leave = (Leave(first_day=TOMORROW.isoformat(), last_day="2026-03-06"),)
    await harness.publisher.publish(changed(who, leave=leave), at=harness.clock.now())
    assert (await moved(harness, job)).reason == "technician_absent"
    person = await technician_of_plan(harness, who, TOMORROW)
    assert person
    assert person["windows"] == []
    back = await technician_of_plan(harness, who, date(2026, 3, 7))
    assert back
    assert back["windows"]


async def test_technician_who_leaves_gets_no_work(harness: WorkshopHarness) -> None:
    harness = harness.of("S05")
    (begun,) = await harness.open_order("MNT-001")
    begun = await harness.work(begun, "start")
    (who,) = begun["technician_ids"]
    job = await planned_tomorrow(harness, "MNT-001")
    if job["technician_ids"] != [who]:
        job = await harness.done(
            f"jobs/{job['job_id']}/reassignment",
            "S05-dispatcher-1",
            {
                "version": job["version"],
                "reason": "other",
                "technician_ids": [who],
                "bay_id": job["bay_id"],
                "starts_at": job["planned_start_at"],
            },
        )
        path = f"jobs/{job['job_id']}/unpin"
        body = {"version": job["version"], "reason": "other"}
        job = await harness.done(path, "S05-dispatcher-1", body)
        job = await harness.job(job)
    end = staff_record(who, (FIRST, staff_profile(who)), (TOMORROW, None))
    await harness.publisher.publish(end, at=harness.clock.now())
    event = await moved(harness, job)
    assert (event.reason, who in event.technician_ids) == ("technician_absent", False)
    assert await technician_of_plan(harness, who, TODAY)
    assert await technician_of_plan(harness, who, TOMORROW) is None
    await harness.publish(staff_record(who, (FIRST, staff_profile(who)), (TODAY, None)))
    assert await technician_of_plan(harness, who, TODAY) is None
    board = await harness.get("board")
    assert [bay["job"]["technician_ids"] for bay in board["bays"] if bay["job"]] == [[who]]
    await harness.open_order(*["MNT-001"] * 6)
    jobs = await harness.get("jobs", status="planned")
    assert not [each for each in jobs if who in each["technician_ids"]]
    await harness.work(begun, "finish")
    assert (await harness.job(begun))["status"] == "finished"


async def test_closed_bay_is_cleared(harness: WorkshopHarness) -> None:
    harness = harness.of("S01")
    job = await planned_tomorrow(harness, "MNT-001")
    (today,) = await harness.open_order("MNT-001")
    bay_id = job["bay_id"]
    content = defined("bays", bay_id)
    closed = stores.bay(bay_id, (FIRST, content), (TOMORROW, None))
    await harness.publisher.publish(closed, at=harness.clock.now())
    event = await moved(harness, job)
    assert (event.reason, event.bay_id != bay_id) == ("bay_closed", True)
    assert (await harness.job(today))["bay_id"]
    plan = await harness.get("plan", day=TOMORROW.isoformat())
    assert bay_id not in {each["bay_id"] for each in plan["bays"]}


async def test_new_store_begins_to_look_at_staffing(harness: WorkshopHarness) -> None:
    content = defined("stores", "S01")
    await harness.publish(stores.store("S99", (FIRST, content)))
    async with harness.deps.uow_factory.read("S99") as connection:
        rows = await connection.fetch("SELECT due_at FROM timer WHERE kind = $1", STAFFING)
    assert [row["due_at"] for row in rows] == [datetime(2026, 3, 8, 23, tzinfo=UTC)]
    view = await harness.of("S99").get("plan")
    assert (view["technicians"], view["bays"]) == ([], [])


async def test_staffing_looks_two_weeks_ahead_whatever_is_planned(
    harness: WorkshopHarness,
) -> None:
    harness = harness.of("S04")
    usual = await harness.get("staffing", "service_manager")
    short = rule_set("workshop.S04", (FIRST, WorkshopRules(planning_days=2)))
    await harness.publish(short)
    assert await harness.get("staffing", "service_manager") == usual


async def test_shift_past_midnight_counts_to_its_day(harness: WorkshopHarness) -> None:
    harness, who = harness.of("S06"), "S06-technician-1"
    (known,) = (each for each in group_rules() if each.record_id == "shifts")
    rules = known.versions[-1].content
    assert isinstance(rules, ShiftRules)
    night = ShiftPattern(
        shift="night", zh="夜班", en="Night", weekdays=(3,), start="22:00", finish="06:00"
    )
    with_night = rules.model_copy(update={"shifts": (*rules.shifts, night)})
    await harness.publish(rule_set("shifts", (FIRST, with_night)), changed(who, shift="night"))
    window = {"starts_at": "2026-03-04T14:00:00Z", "ends_at": "2026-03-04T22:00:00Z"}
    for day in (TODAY, TOMORROW):
        person = await technician_of_plan(harness, who, day)
        assert person
        assert person["windows"] == [window]


async def test_promise_rules_count_within_effect_time(harness: WorkshopHarness) -> None:
    short = rule_set("promises.S01", (FIRST, PromiseRules(hold_minutes=3, confidence_bp=8_000)))
    await harness.publisher.publish(short, at=harness.clock.now())

    async def is_short() -> bool:
        response = await harness.post(
            "capacity-holds", "service_advisor", {"op_codes": ["MNT-001"]}
        )
        held = response.json()
        kept = datetime.fromisoformat(held["expires_at"]) - harness.clock.now()
        return (kept, held["confidence"]) == (timedelta(minutes=3), 0.8)

    assert await until(is_short, pause_s=0.02)
    await harness.publish(rule_set("promises.S01", (FIRST, None)))


async def test_technician_is_planned_where_full_time_post_is(harness: WorkshopHarness) -> None:
    who, later = "S06-technician-2", TODAY + timedelta(days=2)
    for here, there in (("S06", "S05"), ("S05", "S06")):
        posts = (
            Post(role="technician", in_store=there, full_time=False),
            Post(role="technician", in_store=here),
        )
        await harness.publish(changed(who, posts=posts))
        assert await technician_of_plan(harness.of(here), who, later)
        assert not await technician_of_plan(harness.of(there), who, later)


async def test_technician_cannot_inspect_own_work(harness: WorkshopHarness) -> None:
    (job,) = await harness.open_order("MNT-001")
    (who,) = job["technician_ids"]
    await harness.work(job, "start")
    await harness.work(job, "finish")
    posts = (*staff_profile(who).posts, Post(role="quality_inspector", in_store="S01"))
    await harness.publish(changed(who, posts=posts))
    body = {
        "items": dict.fromkeys(["fluids_level", "no_leaks", "wheel_torque", "service_reset"], "ok"),
        "version": (await harness.job(job))["version"],
    }

    async def inspect() -> httpx.Response:
        path = f"/stores/S01/jobs/{job['job_id']}/inspection"
        return await harness.service.post(path, "quality_inspector", body, subject=who)

    async def is_admitted() -> bool:
        return bool((await inspect()).json()["type"] != "/problems/role_required")

    assert await until(is_admitted)
    own = await inspect()
    assert_rejected(own, 403, "self_inspection", "job_id")


async def test_incapable_store_names_capable_stores(harness: WorkshopHarness) -> None:
    harness = harness.of("S06")
    staff = [each for each in records("staff") if each.startswith("S06-technician-")]
    left = [staff_record(each, (FIRST, staff_profile(each)), (TODAY, None)) for each in staff[1:]]
    await harness.publish(*left)
    response = await harness.post("quotes", "service_advisor", {"op_codes": ["BDY-001"]})
    assert (response.status_code, response.json()["errors"][0]["rule"]) == (409, "no_skill")
    elsewhere = response.json()["values"]["elsewhere"]
    assert {each["store_id"] for each in elsewhere} == {"S01", "S02", "S03", "S04", "S05"}
    assert all(each["technicians"] >= 1 for each in elsewhere)


async def test_bay_changes_at_beginning_of_its_day(harness: WorkshopHarness) -> None:
    harness = harness.of("S02")
    job = await planned_tomorrow(harness, "MNT-001")
    bay_id = job["bay_id"]
    content = defined("bays", bay_id)
    wash = content.model_copy(update={"type": "wash", "capabilities": ("wash",)})
    await harness.publish(stores.bay(bay_id, (FIRST, content), (TOMORROW, wash)))
    job = await harness.job(job)
    assert job["bay_id"] == bay_id
    harness.clock.set(datetime.combine(TOMORROW, time(), GROUP_ZONE))
    await harness.service.wait_until_idle()
    assert (await harness.job(job))["bay_id"] != bay_id
