"""Prediction of the next service and inspection of a vehicle (R26)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain import service_history, service_reminder
from services.crm.domain.service_history import ServiceRecord
from services.crm.domain.service_reminder import Reminder, Vehicle
from shared.contracts.management import ServiceInterval, ServiceReminderRules
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, tzinfo=UTC)
TODAY = date(2026, 3, 4)
RULES = ServiceReminderRules(
    intervals=(
        ServiceInterval(
            brand="启岳", model="E5", first_km=10_000, first_months=12, km=20_000, months=24
        ),
    )
)
VEHICLE = Vehicle("v-1", "c-1", "启岳", "Q5", date(2024, 2, 29))


def record(day: date, km: int, *op_codes: str, delivered: bool = True) -> ServiceRecord:
    done = day if delivered else None
    return ServiceRecord("S01", f"o-{day}", "v-1", km, day, False, op_codes, done)


def ids() -> "count[int]":
    return count(1)


def planned(*records: ServiceRecord, vehicle: Vehicle = VEHICLE) -> list[service_reminder.Due]:
    since = service_reminder.inspected_until([], TODAY)
    return service_reminder.plan(vehicle, records, RULES, since)


def test_service_is_due_by_mileage_before_time() -> None:
    first, second = record(date(2025, 9, 1), 20_000, "MNT-001"), record(date(2025, 12, 10), 25_000)
    (due, _) = planned(first, second)
    rate = 25_000 / (date(2025, 12, 10) - date(2024, 2, 29)).days
    assert (due.kind, due.due_km, due.source) == ("maintenance", 30_000, first.record_id)
    assert due.km_per_day == pytest.approx(rate)
    assert due.due_on == due.km_due_on
    assert due.due_on - date(2025, 12, 10) == timedelta(days=130)
    assert due.remind_on == due.due_on - timedelta(days=14)


def test_service_is_due_by_time_without_rate() -> None:
    vehicle = replace(VEHICLE, first_registered_on=None)
    (due,) = planned(record(date(2025, 5, 31), 20_000, "MNT-001"), vehicle=vehicle)
    assert (due.due_on, due.km_per_day) == (date(2026, 5, 31), None)


def test_vehicle_without_maintenance_has_first_service() -> None:
    due, _ = planned(record(date(2024, 4, 1), 900, "BRK-001"))
    assert (due.kind, due.source, due.due_km) == ("first_service", "first", 5_000)
    assert due.time_due_on == date(2024, 8, 29)


def test_model_has_its_own_interval() -> None:
    vehicle = replace(VEHICLE, model="E5")
    assert service_reminder.interval_of(vehicle, RULES).km == 20_000
    assert service_reminder.interval_of(VEHICLE, RULES).km == 10_000


def test_undelivered_maintenance_does_not_count() -> None:
    due, _ = planned(record(date(2025, 9, 1), 20_000, "MNT-001", delivered=False))
    assert due.kind == "first_service"


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40_000), st.booleans()), max_size=12))
def test_rate_is_never_negative(steps: list[tuple[int, int, bool]]) -> None:
    day, records = date(2024, 3, 1), []
    for days, km, restarts in steps:
        day += timedelta(days=days)
        records.append(replace(record(day, km), restarts=restarts))
    read = service_history.mileage(records, VEHICLE.first_registered_on)
    assert (read is None) == (not records)
    if read is not None:
        assert read.odometer_km == records[-1].odometer_km
        assert read.km_per_day is None or read.km_per_day > 0


def test_replaced_odometer_begins_rate_again() -> None:
    records = [record(date(2025, 1, 1), 90_000), record(date(2025, 3, 1), 100)]
    read = service_history.mileage(records, VEHICLE.first_registered_on)
    assert read == service_history.Mileage(100, date(2025, 3, 1), None)


@pytest.mark.parametrize(
    ("km", "day", "rule"),
    [
        (9_000, date(2025, 6, 1), "odometer_backward"),
        (21_000, date(2025, 6, 1), "odometer_backward"),
        (30_000, date(2026, 3, 5), "day_to_come"),
    ],
)
def test_impossible_reading_is_refused(km: int, day: date, rule: str) -> None:
    records = [record(date(2025, 1, 1), 10_000), record(date(2025, 12, 1), 20_000)]
    with pytest.raises(RuleViolation) as refused:
        service_history.require_forward(records, km, day, TODAY)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("day", "due_on", "on_line"),
    [
        (date(2020, 3, 1), date(2020, 6, 15), False),
        (date(2022, 6, 16), date(2024, 6, 15), True),
        (date(2024, 6, 16), date(2026, 6, 15), False),
        (date(2026, 6, 16), date(2028, 6, 15), True),
        (date(2028, 6, 16), date(2029, 6, 15), True),
        (date(2033, 6, 16), date(2034, 6, 15), True),
    ],
)
def test_inspection_follows_age(day: date, due_on: date, on_line: bool) -> None:
    assert service_reminder.inspection_after(date(2018, 6, 15), RULES, day) == (due_on, on_line)


@given(st.dates(date(2000, 1, 1), date(2026, 1, 1)), st.dates(date(2026, 1, 1), date(2050, 1, 1)))
def test_inspection_is_found_on_registration_day(registered: date, day: date) -> None:
    found = service_reminder.inspection_after(registered, RULES, day)
    assert found is not None
    assert found[0] >= day
    assert found[0].month == registered.month
    assert found[0].day in (registered.day, 28)


def test_planning_again_makes_none_twice() -> None:
    history = [record(date(2025, 9, 1), 20_000, "MNT-001")]
    made, _ = service_reminder.reconcile(
        VEHICLE, planned(*history), [], "S01", map(str, ids()), NOW
    )
    assert [each.kind for each in made] == ["maintenance", "annual_inspection"]
    again, events = service_reminder.reconcile(
        VEHICLE, planned(*history), made, "S01", map(str, ids()), NOW
    )
    assert (again, events) == ([], [])
    closed = [service_reminder.close(each, "declined", "a", NOW)[0] for each in made]
    assert service_reminder.reconcile(
        VEHICLE, planned(*history), closed, "S01", map(str, ids()), NOW
    ) == ([], [])


def test_maintenance_done_closes_its_reminder() -> None:
    history = [record(date(2025, 3, 1), 20_000, "MNT-001")]
    (made, *_), _ = service_reminder.reconcile(
        VEHICLE, planned(*history), [], "S01", map(str, ids()), NOW
    )
    due, _ = service_reminder.raise_reminder(made, NOW)
    history.append(record(date(2026, 3, 1), 29_000, "MNT-001"))
    (closed, following, *_), (event,) = service_reminder.reconcile(
        VEHICLE, planned(*history), [due], "S01", map(str, ids()), NOW
    )
    assert (closed.answer, event.answer, following.source) == ("visited", "visited", "o-2026-03-01")


def given_answer(reminder: Reminder, answer: str, **changes: object) -> Reminder:
    said = {"appointment_id": None, "remind_on": None, "by": "a", "today": TODAY, "now": NOW}
    answered, _ = service_reminder.answer(reminder, answer, **said | changes)  # type: ignore[arg-type]
    return answered


def test_later_invitation_is_planned_for_its_day() -> None:
    reminder = Reminder("S01", "r", "v-1", "c-1", "maintenance", "o-1", TODAY, TODAY, state="due")
    later = given_answer(reminder, "later", remind_on=date(2026, 4, 1))
    assert (later.state, later.remind_on) == ("planned", date(2026, 4, 1))
    booked = given_answer(reminder, "booked", appointment_id="a-1")
    assert (booked.state, booked.appointment_id) == ("closed", "a-1")
    for wrong in (
        {"answer": "later"},
        {"answer": "later", "remind_on": TODAY},
        {"answer": "declined", "remind_on": date(2026, 4, 1)},
        {"answer": "declined", "appointment_id": "a-1"},
    ):
        with pytest.raises(RuleViolation):
            given_answer(reminder, **wrong)
    with pytest.raises(RuleViolation, match="an answer already"):
        given_answer(booked, "declined")


@pytest.mark.parametrize(
    ("kind", "state", "remind_on"),
    [("recall", "planned", TODAY), ("maintenance", "closed", date(2026, 1, 2))],
)
def test_recall_without_answer_is_raised_again(kind: Any, state: str, remind_on: date) -> None:
    day = date(2026, 1, 2)
    reminder = Reminder("S01", "r", "v-1", "c-1", kind, "rc-1", day, day, state="due")
    ended, (event,) = service_reminder.give_up(reminder, TODAY, NOW)
    assert (ended.state, ended.remind_on, event.answer) == (state, remind_on, "expired")
