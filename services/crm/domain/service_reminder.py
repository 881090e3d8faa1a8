"""Service reminders (保养提醒): when a vehicle needs what, and what came of the invitation."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from services.crm.domain import errors
from services.crm.domain.insurance import after_months
from services.crm.domain.service_history import Mileage, ServiceRecord, last_service, mileage
from shared.contracts.crm import (
    ReminderAnswer,
    ServiceReminderAnswered,
    ServiceReminderDue,
    ServiceReminderKind,
)
from shared.contracts.management import ServiceInterval, ServiceReminderRules
from shared.contracts.recalls import Recall

State = Literal["planned", "due", "closed"]
"""未到提醒日、待邀约、已有结果."""

PLANNED_KINDS: tuple[ServiceReminderKind, ...] = (
    "maintenance",
    "first_service",
    "annual_inspection",
    "recall",
)
"""Kinds that follow from a vehicle's history, its age and the open recalls."""

_OVER_BY_TIME: Sequence[ServiceReminderKind] = ("annual_inspection", "recall")

_YEAR_MONTHS = 12
_FARTHEST_DAYS = 3_660
_OVERDUE_INSPECTION_DAYS = 60
_DIGEST = 16


@dataclass(frozen=True)
class Vehicle:
    """Vehicle in a store's customer records, with its present customer."""

    vehicle_ref: str
    customer_ref: str
    brand: str
    model: str
    first_registered_on: date | None


@dataclass(frozen=True)
class Due:
    """What a vehicle needs and when; ``source`` tells it from the next of its kind.

    ``due_on`` is the earlier of ``time_due_on`` and ``km_due_on``. The others are the figures from
    which they were predicted.
    """

    kind: ServiceReminderKind
    source: str
    due_on: date
    remind_on: date
    op_codes: tuple[str, ...] = ()
    time_due_on: date | None = None
    km_due_on: date | None = None
    due_km: int | None = None
    odometer_km: int | None = None
    read_on: date | None = None
    km_per_day: float | None = None
    last_service_on: date | None = None
    last_service_km: int | None = None


@dataclass(frozen=True)
class Reminder:
    """Invitation of a vehicle's customer: planned, due from ``raised_at``, closed by an answer."""

    store_id: str
    reminder_id: str
    vehicle_ref: str
    customer_ref: str
    kind: ServiceReminderKind
    source: str
    due_on: date
    remind_on: date
    op_codes: tuple[str, ...] = ()
    time_due_on: date | None = None
    km_due_on: date | None = None
    due_km: int | None = None
    odometer_km: int | None = None
    read_on: date | None = None
    km_per_day: float | None = None
    last_service_on: date | None = None
    last_service_km: int | None = None
    state: State = "planned"
    raised_at: datetime | None = None
    answer: ReminderAnswer | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    appointment_id: str | None = None
    order_id: str | None = None


def plan(
    vehicle: Vehicle,
    records: Sequence[ServiceRecord],
    rules: ServiceReminderRules,
    inspected_until: date,
    recalls: Iterable[Recall] = (),
) -> list[Due]:
    """Return what a vehicle needs next by its age, its records, which stand by day, and the
    ``recalls`` that name it.
    """
    service = _next_service(vehicle, records, rules)
    found = [service, _next_inspection(vehicle, rules, inspected_until)]
    open_recalls = (_recall(each) for each in recalls if not _is_done(each.op_codes, records))
    return [*(due for due in found if due is not None), *open_recalls]


def recalls_by_brand(recalls: Iterable[Recall]) -> Mapping[str, str]:
    """Return a digest of the open recalls of each brand: another one says that they changed."""
    found: dict[str, list[Recall]] = defaultdict(list)
    for recall in sorted(recalls, key=lambda each: each.recall_id):
        found[recall.brand].append(recall)
    return {
        brand: hashlib.sha256(repr(each).encode()).hexdigest()[:_DIGEST]
        for brand, each in found.items()
    }


def is_answered_by(reminder: Reminder, ordered: Sequence[str]) -> bool:
    """Say whether an order's labor operations are the work that a reminder is about: all of a
    recall, some of what was declined.
    """
    if reminder.kind == "recall":
        return set(reminder.op_codes) <= set(ordered)
    return not set(reminder.op_codes).isdisjoint(ordered)


def interval_of(vehicle: Vehicle, rules: ServiceReminderRules) -> ServiceInterval:
    """Return the service interval of a vehicle: its model's, else its brand's, else the default."""
    of_brand = [each for each in rules.intervals if each.brand == vehicle.brand]
    for model in (vehicle.model, None):
        for each in of_brand:
            if each.model == model:
                return each
    return ServiceInterval(
        brand=vehicle.brand,
        first_km=rules.first_km,
        first_months=rules.first_months,
        km=rules.km,
        months=rules.months,
    )


def inspection_after(
    first_registered_on: date, rules: ServiceReminderRules, day: date
) -> tuple[date, bool] | None:
    """Return the first inspection due on or after ``day``, and whether it is on the test line.

    After the last year of the table there is one each year, on the test line.
    """
    if not rules.inspections:
        return None
    by_year = {each.year: each.on_line for each in rules.inspections}
    last, year = max(by_year), 1
    while True:
        due_on = after_months(first_registered_on, year * _YEAR_MONTHS, first_registered_on.day)
        if due_on >= day and (year in by_year or year > last):
            return due_on, by_year.get(year, True)
        year += 1


def inspected_until(reminders: Sequence[Reminder], today: date) -> date:
    """Return the day after which the next inspection of a vehicle is due.

    It is that of the last inspection with an answer; one that was due long ago is not raised.
    """
    closed = [
        each.due_on
        for each in reminders
        if each.kind == "annual_inspection" and each.state == "closed"
    ]
    return max([today - timedelta(days=_OVERDUE_INSPECTION_DAYS), *closed])


def reconcile(
    vehicle: Vehicle,
    planned: Sequence[Due],
    reminders: Sequence[Reminder],
    store_id: str,
    new_ids: Iterator[str],
    now: datetime,
) -> tuple[list[Reminder], list[ServiceReminderAnswered]]:
    """Return the reminders of a vehicle that change so that they say what is ``planned``.

    One that is no longer planned is closed: the vehicle came, or the day of the inspection or the
    recall is over.
    One that is due keeps its figures, one that the customer wants later keeps its day, and one that
    is closed is not made again.
    """
    wanted = {(due.kind, due.source): due for due in planned}
    changed: list[Reminder] = []
    events: list[ServiceReminderAnswered] = []
    for reminder in reminders:
        due = wanted.pop((reminder.kind, reminder.source), None)
        if reminder.kind not in PLANNED_KINDS or reminder.state == "closed":
            continue
        if due is None:
            passed: ReminderAnswer = "expired" if reminder.kind in _OVER_BY_TIME else "visited"
            closed, answered = close(reminder, passed, None, now)
            changed.append(closed)
            events += answered if reminder.state == "due" else []
        elif reminder.state == "planned":
            moved = replace(reminder, customer_ref=vehicle.customer_ref, **vars(due))
            if reminder.raised_at is not None:
                moved = replace(moved, remind_on=max(due.remind_on, reminder.remind_on))
            changed += [moved] if moved != reminder else []
    changed += [
        Reminder(
            store_id=store_id,
            reminder_id=next(new_ids),
            vehicle_ref=vehicle.vehicle_ref,
            customer_ref=vehicle.customer_ref,
            **vars(due),
        )
        for due in wanted.values()
    ]
    return changed, events


def raise_reminder(reminder: Reminder, now: datetime) -> tuple[Reminder, list[ServiceReminderDue]]:
    """Have the customer invited from now on."""
    raised = replace(reminder, state="due", raised_at=now)
    event = ServiceReminderDue(
        store_id=reminder.store_id,
        customer_ref=reminder.customer_ref,
        reminder_id=reminder.reminder_id,
        vehicle_ref=reminder.vehicle_ref,
        reminder_kind=reminder.kind,
        due_on=reminder.due_on.isoformat(),
        due_km=reminder.due_km,
        odometer_km=reminder.odometer_km,
        km_per_day=reminder.km_per_day,
        op_codes=reminder.op_codes,
        raised_at=now,
    )
    return raised, [event]


def answer(
    reminder: Reminder,
    given: ReminderAnswer,
    *,
    by: str,
    appointment_id: str | None,
    remind_on: date | None,
    today: date,
    now: datetime,
) -> tuple[Reminder, list[ServiceReminderAnswered]]:
    """Record what a customer answers; one who wants it later is invited again on ``remind_on``.

    Raises:
        RuleViolation: there is an answer already, a later invitation has no day to come, or another
            answer has one.
    """
    if reminder.state == "closed":
        raise errors.reminder_closed(
            reminder.reminder_id, reminder.answered_by, reminder.answered_at
        )
    if (remind_on is not None) != (given == "later") or (remind_on and remind_on <= today):
        raise errors.later_on_a_day_to_come()
    if appointment_id is not None and given != "booked":
        raise errors.appointment_of_no_booking()
    closed, events = close(reminder, given, by, now, appointment_id=appointment_id)
    if remind_on is None:
        return closed, events
    again = replace(reminder, state="planned", remind_on=remind_on)
    return again, events


def close(
    reminder: Reminder,
    given: ReminderAnswer,
    by: str | None,
    now: datetime,
    *,
    appointment_id: str | None = None,
    order_id: str | None = None,
) -> tuple[Reminder, list[ServiceReminderAnswered]]:
    """Close a reminder with what came of it."""
    closed = replace(
        reminder,
        state="closed",
        answer=given,
        answered_at=now,
        answered_by=by,
        appointment_id=appointment_id,
        order_id=order_id,
    )
    event = ServiceReminderAnswered(
        store_id=reminder.store_id,
        customer_ref=reminder.customer_ref,
        reminder_id=reminder.reminder_id,
        vehicle_ref=reminder.vehicle_ref,
        reminder_kind=reminder.kind,
        answer=given,
        appointment_id=appointment_id,
        order_id=order_id,
        answered_by=by,
        answered_at=now,
    )
    return closed, [event]


def give_up(
    reminder: Reminder, today: date, now: datetime
) -> tuple[Reminder, list[ServiceReminderAnswered]]:
    """End the wait for an answer; of a recall, which stays open, the customer is invited again."""
    closed, events = close(reminder, "expired", None, now)
    if reminder.kind != "recall":
        return closed, events
    return replace(reminder, state="planned", remind_on=today), events


def declined_work(
    *,
    store_id: str,
    reminder_id: str,
    vehicle_ref: str,
    customer_ref: str,
    additional_work_id: str,
    op_codes: Sequence[str],
    declined_on: date,
    rules: ServiceReminderRules,
) -> Reminder:
    """Return the reminder of work that a customer did not want at a visit (未做增项)."""
    due_on = declined_on + timedelta(days=rules.declined_after_days)
    return Reminder(
        store_id=store_id,
        reminder_id=reminder_id,
        vehicle_ref=vehicle_ref,
        customer_ref=customer_ref,
        kind="declined_work",
        source=additional_work_id,
        due_on=due_on,
        remind_on=due_on,
        op_codes=tuple(op_codes),
    )


def _next_service(
    vehicle: Vehicle, records: Sequence[ServiceRecord], rules: ServiceReminderRules
) -> Due | None:
    interval, read = interval_of(vehicle, rules), mileage(records, vehicle.first_registered_on)
    last = last_service(records, rules.maintenance_op_codes)
    if last is not None:
        kind: ServiceReminderKind = "maintenance"
        since, since_km, km, months = last.read_on, last.odometer_km, interval.km, interval.months
    elif vehicle.first_registered_on is not None:
        kind, since, since_km = "first_service", vehicle.first_registered_on, 0
        km, months = interval.first_km, interval.first_months
    else:
        return None
    time_due_on = after_months(since, months, since.day)
    due_km = since_km + km
    km_due_on = _reached_on(read, due_km) if read else None
    due_on = min(filter(None, (time_due_on, km_due_on)))
    return Due(
        kind=kind,
        source=last.record_id if last else "first",
        due_on=due_on,
        remind_on=due_on - timedelta(days=rules.days_ahead),
        op_codes=rules.maintenance_op_codes[:1],
        time_due_on=time_due_on,
        km_due_on=km_due_on,
        due_km=due_km,
        odometer_km=read.odometer_km if read else None,
        read_on=read.read_on if read else None,
        km_per_day=read.km_per_day if read else None,
        last_service_on=last.read_on if last else None,
        last_service_km=last.odometer_km if last else None,
    )


def _recall(recall: Recall) -> Due:
    return Due(
        kind="recall",
        source=recall.recall_id,
        due_on=recall.opened_on,
        remind_on=recall.opened_on,
        op_codes=recall.op_codes,
        time_due_on=recall.opened_on,
    )


def _is_done(op_codes: Sequence[str], records: Sequence[ServiceRecord]) -> bool:
    return any(set(op_codes) <= set(record.op_codes) for record in records)


def _reached_on(read: Mileage, due_km: int) -> date | None:
    """Return the day on which the odometer is expected to show ``due_km``."""
    left_km = due_km - read.odometer_km
    if left_km <= 0:
        return read.read_on
    if read.km_per_day is None:
        return None
    days = math.ceil(left_km / read.km_per_day)
    return read.read_on + timedelta(days=min(days, _FARTHEST_DAYS))


def _next_inspection(
    vehicle: Vehicle, rules: ServiceReminderRules, inspected_until: date
) -> Due | None:
    if vehicle.first_registered_on is None:
        return None
    since = inspected_until + timedelta(days=1)
    found = inspection_after(vehicle.first_registered_on, rules, since)
    if found is None:
        return None
    due_on, on_line = found
    return Due(
        kind="annual_inspection",
        source=f"{due_on.isoformat()}-{'line' if on_line else 'mark'}",
        due_on=due_on,
        remind_on=due_on - timedelta(days=rules.inspection_days_ahead),
        time_due_on=due_on,
    )
