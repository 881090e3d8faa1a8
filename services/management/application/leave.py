"""Leave (休假): asked for, approved or declined, and withdrawn (R13, R40).

An approved leave stands in the person's record, as a manager's own entry would, so that the
workshop plans around it. The kind, the reason and the answer stay here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated

from pydantic import BaseModel, Field

from services.management.application import records
from services.management.application.deps import Deps
from services.management.application.records import DefineRequest, Place, days_of
from services.management.domain import leave
from services.management.domain.kinds import STAFF
from services.management.domain.leave import LeaveKind, LeaveRequest, LeaveStatus
from services.management.domain.person import Person
from services.management.domain.record import Record, content_on
from services.management.domain.record import Version as DatedVersion
from services.management.persistence import leave as persistence
from services.management.persistence import records as record_store
from services.management.persistence.attendance import staff as staff_of
from services.management.persistence.leave import Texts
from shared.contracts.base import GROUP
from shared.contracts.versioned import require_version
from shared.contracts.violations import unknown
from shared.db import Connection, limit
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import Reason, RequestModel, Version, VersionedRequest
from shared.unit_of_work import UnitOfWork

_NO_TEXTS = Texts()
_APPROVED, _WITHDRAWN = "请假已批准", "销假"


class RequestLeaveRequest(RequestModel):
    first_day: Annotated[CalendarDay, Field(description="首日")]
    last_day: Annotated[CalendarDay, Field(description="末日")]
    kind: Annotated[LeaveKind, Field(description="假别")]
    reason: Reason


class DeclineLeaveRequest(VersionedRequest):
    reason: Reason


class LeaveView(BaseModel):
    """Request for leave (请假申请)."""

    leave_request_id: str
    person_id: str
    kind: LeaveKind
    first_day: date
    last_day: date
    status: LeaveStatus
    requested_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    version: Version


class LeaveDetail(LeaveView):
    """Request for leave with the reason, and the answer where it was declined."""

    reason: str | None
    answer: str | None


async def request_leave(
    uow: UnitOfWork, store_id: str, command: RequestLeaveRequest, deps: Deps
) -> LeaveView:
    """Ask for leave in the name of the caller (请假).

    Raises:
        RuleViolation: as :func:`leave.request`.
    """
    person_id = uow.person
    record, today = await _record(uow, store_id, person_id)
    stores = {store_id, *await record_store.stores_of_staff(uow.connection, [person_id])}
    async with uow.limited_to(*stores) as seen:
        others = await persistence.lock_of_person(seen.connection, person_id)
    asked = LeaveRequest(
        store_id=store_id,
        leave_request_id=str(new_id()),
        person_id=person_id,
        kind=command.kind,
        first_day=command.first_day,
        last_day=command.last_day,
        requested_at=uow.now,
    )
    planned = [each for person in _from(record, today).values() for each in person.leave]
    leave.request(asked, others, planned, today)
    reason = await deps.personal.encrypt(uow.connection, store_id, person_id, command.reason)
    return _view(await persistence.save(uow, asked, Texts(reason=reason)))


async def approve_leave(
    uow: UnitOfWork, store_id: str, leave_request_id: str, command: VersionedRequest, deps: Deps
) -> LeaveView:
    """Approve leave (批准), which the person's record has from now on.

    It may have been asked for in the store where the person was before.

    Raises:
        RuleViolation: as :func:`leave.decide` and :func:`leave.check_place`, another change came in
            between, or the record refuses it.
    """
    asked = await _lock(uow, store_id, leave_request_id, command.version)
    record, today = await _record(uow, store_id, asked.person_id)
    approved = leave.decide(asked, "approved", uow.person, today, uow.now)
    leave.check_place(store_id, (asked.first_day, asked.last_day), asked, record.versions)
    plan = partial(leave.with_leave, leave=asked.leave)
    await _change_record(uow, record, today, plan, _APPROVED, deps)
    return await _save(uow, approved)


async def decline_leave(
    uow: UnitOfWork, store_id: str, leave_request_id: str, command: DeclineLeaveRequest, deps: Deps
) -> LeaveView:
    """Decline leave, with a reason (不批准).

    Raises:
        RuleViolation: as :func:`leave.decide`, for the first day as :func:`leave.check_place`, or
            another change came in between.
    """
    asked = await _lock(uow, store_id, leave_request_id, command.version)
    record, today = await _record(uow, store_id, asked.person_id)
    declined = leave.decide(asked, "declined", uow.person, today, uow.now)
    leave.check_place(store_id, (asked.first_day,), asked, record.versions)
    async with uow.limited_to(asked.store_id) as own:
        answer = await deps.personal.encrypt(
            own.connection, asked.store_id, asked.person_id, command.reason
        )
    return await _save(uow, declined, Texts(answer=answer))


async def withdraw_leave(
    uow: UnitOfWork, store_id: str, leave_request_id: str, command: VersionedRequest, deps: Deps
) -> LeaveView:
    """Withdraw one's own leave before it begins (销假), in whichever store it was asked for; the
    record lacks it from now on.

    Raises:
        RuleViolation: as :func:`leave.withdraw`, or another change came in between.
    """
    asked = await _lock(uow, store_id, leave_request_id, command.version)
    record, today = await _record(uow, store_id, asked.person_id)
    withdrawn = leave.withdraw(asked, uow.person, today)
    if asked.status == "approved":
        plan = partial(leave.without_leave, leave=asked.leave)
        await _change_record(uow, record, today, plan, _WITHDRAWN, deps)
    return await _save(uow, withdrawn)


async def list_leave(
    store_id: str, person_id: str | None, statuses: Sequence[LeaveStatus], deps: Deps
) -> list[LeaveDetail]:
    """List requests for leave on which a store decides, or those of one person (请假记录)."""
    async with deps.uow_factory.read(store_id, GROUP) as connection:
        staff = await _see_leave(connection, store_id, [person_id] if person_id else None)
        found = [
            each
            for each in await persistence.listed(connection, staff, statuses)
            if person_id or _decides(store_id, each[0], staff)
        ]
        return await _details(connection, found, deps)


async def get_leave(
    store_id: str, leave_request_id: str, person_id: str | None, deps: Deps
) -> LeaveDetail:
    """Return a request for leave on which a store decides, or one of a person.

    Raises:
        RuleViolation: there is no such one.
    """
    async with deps.uow_factory.read(store_id, GROUP) as connection:
        staff = await _see_leave(connection, store_id, [person_id] if person_id else None)
        found = await persistence.find(connection, leave_request_id)
        asked = found[0]
        if not (asked.person_id == person_id if person_id else _decides(store_id, asked, staff)):
            raise unknown("leave_request_id", leave_request_id)
        [detail] = await _details(connection, [found], deps)
    return detail


async def _see_leave(
    connection: Connection, store_id: str, person_ids: Sequence[str] | None
) -> Mapping[str, Sequence[DatedVersion]]:
    """Return persons, or all who ever have a post in the store; the transaction sees their leave,
    wherever they asked for it.
    """
    staff = await staff_of(connection, store_id, person_ids)
    await limit(connection, {store_id, *await record_store.stores_of_staff(connection, staff)})
    return staff


def _decides(
    store_id: str, asked: LeaveRequest, staff: Mapping[str, Sequence[DatedVersion]]
) -> bool:
    dated = staff.get(asked.person_id, ())
    return store_id in leave.stores_on(asked.first_day, asked, dated)


async def _details(
    connection: Connection, found: Sequence[tuple[LeaveRequest, Texts]], deps: Deps
) -> list[LeaveDetail]:
    encrypted = [
        (asked.store_id, asked.person_id, text)
        for asked, texts in found
        for text in (texts.reason, texts.answer)
        if text
    ]
    told = iter(await deps.personal.decrypt_of_stores(connection, encrypted))
    return [
        LeaveDetail(
            **_view(asked).model_dump(),
            reason=next(told) if texts.reason else None,
            answer=next(told) if texts.answer else None,
        )
        for asked, texts in found
    ]


async def _lock(uow: UnitOfWork, store_id: str, leave_request_id: str, seen: str) -> LeaveRequest:
    """Return a request of a person who ever has a post in the store, locked.

    Raises:
        RuleViolation: there is no such one, or another change came in between.
    """
    staff = await record_store.staff_ids(uow.connection, store_id)
    stores = await record_store.stores_of_staff(uow.connection, staff)
    async with uow.limited_to(store_id, *stores) as wider:
        asked = await persistence.lock(wider.connection, leave_request_id)
    if asked.store_id != store_id and asked.person_id not in staff:
        raise unknown("leave_request_id", leave_request_id)
    require_version(asked, seen)
    return asked


async def _save(uow: UnitOfWork, asked: LeaveRequest, texts: Texts = _NO_TEXTS) -> LeaveView:
    """Store a request in the store where it was asked for."""
    async with uow.limited_to(asked.store_id) as own:
        return _view(await persistence.save(own, asked, texts))


async def _record(uow: UnitOfWork, store_id: str, person_id: str) -> tuple[Record, date]:
    """Return the record of a person, of the store or of the group, and the store's present day.

    Raises:
        RuleViolation: neither the store nor the group has such a person.
    """
    async with uow.limited_to(store_id, GROUP) as seen:
        today = (await days_of(seen.connection, [store_id], uow.now))[store_id]
        owner = await record_store.owner_of(seen.connection, STAFF, person_id)
        if owner is None:
            raise unknown("person_id", person_id)
        return await record_store.find(seen.connection, owner, STAFF, person_id), today


async def _change_record(
    uow: UnitOfWork,
    record: Record,
    today: date,
    change: Callable[[Person], Person],
    reason: str,
    deps: Deps,
) -> None:
    """Change the profile of today and of each version to come, as any other decision would."""
    place, version = Place(STAFF, record.store_id, record.code), str(record.version)
    for day, person in _from(record, today).items():
        body = DefineRequest(version=version, valid_from=day, reason=reason, content=change(person))
        version = (await records.define(uow, place, body, deps)).version


def _from(record: Record, today: date) -> dict[date, Person]:
    """Return the profile of today, and those of versions to come by their days."""
    contents = {today: content_on(record.versions, today)} | {
        each.valid_from: each.content for each in record.versions if each.valid_from > today
    }
    return {day: content for day, content in contents.items() if isinstance(content, Person)}


def _view(asked: LeaveRequest) -> LeaveView:
    return LeaveView(
        leave_request_id=asked.leave_request_id,
        person_id=asked.person_id,
        kind=asked.kind,
        first_day=asked.first_day,
        last_day=asked.last_day,
        status=asked.status,
        requested_at=asked.requested_at,
        decided_at=asked.decided_at,
        decided_by=asked.decided_by,
        version=str(asked.version),
    )
