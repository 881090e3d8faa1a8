"""Inquiries (咨询): recorded, passed on, answered, and counted by subject (R22)."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.crm import persistence
from services.crm.application.complaint_tasks import Department
from services.crm.application.complaints import PAGE_SIZE, Words
from services.crm.application.deps import Deps
from services.crm.application.rules import complaint_rules, working_time_of
from services.crm.domain import inquiry as inquiries
from services.crm.domain.inquiry import Inquiry, InquiryChannel, InquiryStatus
from services.crm.domain.service_visit import require_own_order
from services.crm.persistence import inquiry as records
from shared.contracts.base import Identifier, Timestamp
from shared.contracts.crm import InquirySubject
from shared.contracts.violations import RuleViolation, unknown
from shared.db import Connection
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.security import FRONT_OFFICE
from shared.unit_of_work import UnitOfWork


class RecordInquiryRequest(RequestModel):
    """What a person asks; one who is no customer yet has no ``customer_ref``.

    With ``answer`` it is answered at once; else it may be passed on to a department.
    """

    customer_ref: Identifier | None = None
    vehicle_ref: Identifier | None = None
    order_id: Identifier | None = None
    subject: InquirySubject
    channel: InquiryChannel
    words: Annotated[Words, Field(description="咨询内容")]
    answer: Annotated[Words, Field(description="答复")] | None = None
    role: Department | None = None


class PassInquiryOnRequest(RequestModel):
    """The department that answers; without ``due_at`` by the rules."""

    role: Department
    due_at: Timestamp | None = None


class AnswerInquiryRequest(RequestModel):
    words: Annotated[Words, Field(description="答复")]


class InquiryView(BaseModel):
    """An inquiry without what people wrote."""

    model_config = ConfigDict(from_attributes=True)

    inquiry_id: str
    customer_ref: str | None
    vehicle_ref: str | None
    order_id: str | None
    subject: InquirySubject
    channel: InquiryChannel
    recorded_by: str
    recorded_at: datetime
    due_at: datetime
    role: str | None
    answered_at: datetime | None
    answered_by: str | None


class InquiryDetail(InquiryView):
    """An inquiry with its question and its answer; a destroyed text is absent."""

    question: str | None
    answer: str | None


class InquiryPage(BaseModel):
    """Inquiries, and ``next_after`` for the page behind them, where there is one."""

    inquiries: list[InquiryDetail]
    next_after: str | None


class SubjectSummary(BaseModel):
    """Inquiries about one subject; ``answer_s`` is the mean time to the answer in seconds.

    ``late`` ones were answered after their deadline, or wait past it.
    """

    model_config = ConfigDict(from_attributes=True)

    subject: InquirySubject
    inquiries: int
    answered: int
    late: int
    answer_s: float | None


async def record_inquiry(uow: UnitOfWork, command: RecordInquiryRequest, deps: Deps) -> InquiryView:
    """Record an inquiry (咨询登记), with its answer or the department that owes it.

    Raises:
        RuleViolation: the customer, vehicle or order is unknown, or the order is another's.
    """
    connection, store_id = uow.connection, uow.store_id
    customer_ref = await _known_customer(uow, command)
    inquiry = Inquiry(
        inquiry_id=str(new_id()),
        store_id=store_id,
        customer_ref=customer_ref,
        vehicle_ref=command.vehicle_ref,
        order_id=command.order_id,
        subject=command.subject,
        channel=command.channel,
        recorded_by=uow.person,
        recorded_at=uow.now,
        due_at=await _due_at(uow, deps),
    )
    question = await deps.personal.encrypt(
        connection, store_id, inquiry.data_subject, command.words
    )
    await records.add_inquiry(connection, inquiry, question)
    uow.publish(inquiries.record(inquiry))
    if command.answer:
        return await _answer(uow, inquiry, command.answer, frozenset(FRONT_OFFICE), deps)
    if command.role:
        return await _pass_on(uow, inquiry, command.role, inquiry.due_at)
    return InquiryView.model_validate(inquiry)


async def pass_inquiry_on(
    uow: UnitOfWork, inquiry_id: str, command: PassInquiryOnRequest, deps: Deps
) -> InquiryView:
    """Have a department answer an inquiry (咨询转办).

    Raises:
        RuleViolation: as :func:`inquiry.pass_on`, or there is no such one in the store.
    """
    inquiry = await records.lock_inquiry(uow.connection, uow.store_id, inquiry_id)
    due_at = command.due_at or await _due_at(uow, deps)
    return await _pass_on(uow, inquiry, command.role, due_at)


async def answer_inquiry(
    uow: UnitOfWork,
    inquiry_id: str,
    command: AnswerInquiryRequest,
    roles: Collection[str],
    deps: Deps,
) -> InquiryView:
    """Answer an inquiry (咨询答复), in the name of the front office or of its department.

    Raises:
        RuleViolation: as :func:`inquiry.answer`, or there is no such one in the store.
    """
    inquiry = await records.lock_inquiry(uow.connection, uow.store_id, inquiry_id)
    return await _answer(uow, inquiry, command.words, roles, deps)


async def list_inquiries(
    store_id: str,
    statuses: Sequence[InquiryStatus],
    subjects: Sequence[InquirySubject],
    customer_ref: str | None,
    after: str | None,
    deps: Deps,
) -> InquiryPage:
    """List inquiries (咨询台账), the latest first, a page at a time."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await records.list_inquiries(
            connection, store_id, statuses, subjects, customer_ref, after, PAGE_SIZE + 1
        )
        shown = found[:PAGE_SIZE]
        written = [
            (each.inquiry.data_subject, words)
            for each in shown
            for words in (each.question, each.answer)
            if words
        ]
        texts = iter(await deps.personal.decrypt_all(connection, store_id, written))
    return InquiryPage(
        inquiries=[
            InquiryDetail(
                **InquiryView.model_validate(each.inquiry).model_dump(),
                question=next(texts),
                answer=next(texts) if each.answer else None,
            )
            for each in shown
        ],
        next_after=shown[-1].inquiry.inquiry_id if len(found) > PAGE_SIZE else None,
    )


async def summarize_inquiries(
    store_id: str, first_day: CalendarDay, last_day: CalendarDay, deps: Deps
) -> list[SubjectSummary]:
    """Count the inquiries of some days by subject (咨询汇总), the commonest first.

    Raises:
        RuleViolation: the last day is before the first.
    """
    if last_day < first_day:
        raise RuleViolation("days_backwards", "The last day is before the first.", field="last_day")
    async with deps.uow_factory.read(store_id) as connection:
        begin, until = await _bounds(store_id, first_day, last_day, connection, deps)
        counts = await records.count_by_subject(
            connection, store_id, begin, until, deps.uow_factory.clock.now()
        )
    return [SubjectSummary.model_validate(each) for each in counts]


async def _bounds(
    store_id: str, first_day: date, last_day: date, connection: Connection, deps: Deps
) -> tuple[datetime, datetime]:
    store = await deps.group.store(connection, store_id)
    return store.day_bounds(first_day)[0], store.day_bounds(last_day)[1]


async def _known_customer(uow: UnitOfWork, command: RecordInquiryRequest) -> str | None:
    """Return as whom the named customer is read; vehicle and order are the store's too.

    Raises:
        RuleViolation: one of them is unknown, or the order is another customer's.
    """
    connection, store_id = uow.connection, uow.store_id
    known_ref = None
    if command.customer_ref:
        known_ref = await persistence.require_customer(connection, store_id, command.customer_ref)
    if command.vehicle_ref:
        known = await persistence.known_vehicle(connection, store_id, command.vehicle_ref)
        if known is None:
            raise unknown("vehicle_ref", command.vehicle_ref)
    visit = await persistence.find_service_visit(connection, store_id, command.order_id)
    customer_ref = known_ref or (visit.customer_ref if visit else None) or ""
    require_own_order(visit, command.order_id, customer_ref, by_service=False)
    return known_ref


async def _due_at(uow: UnitOfWork, deps: Deps) -> datetime:
    """Return by when an inquiry is answered by the rules."""
    store = await deps.group.store(uow.connection, uow.store_id)
    rules = await complaint_rules(uow.connection, store, uow.now, deps)
    working_time = await working_time_of(uow.connection, store, deps)
    return working_time.after_hours(uow.now, rules.inquiry_hours)


async def _pass_on(
    uow: UnitOfWork, inquiry: Inquiry, role: Department, due_at: datetime
) -> InquiryView:
    passed, events = inquiries.pass_on(inquiry, role, uow.person, due_at=due_at, now=uow.now)
    await records.save_inquiry(uow.connection, passed)
    uow.publish(events)
    return InquiryView.model_validate(passed)


async def _answer(
    uow: UnitOfWork, inquiry: Inquiry, words: str, roles: Collection[str], deps: Deps
) -> InquiryView:
    answered, events = inquiries.answer(
        inquiry,
        uow.person,
        roles,
        answers_all=not frozenset(FRONT_OFFICE).isdisjoint(roles),
        now=uow.now,
    )
    answer = await deps.personal.encrypt(uow.connection, uow.store_id, inquiry.data_subject, words)
    await records.save_inquiry(uow.connection, answered, answer)
    uow.publish(events)
    return InquiryView.model_validate(answered)
