"""Leads for the sales department (帮助市场销售): handover, answer, and what came of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.consents import save_consent
from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.domain import lead as leads
from services.crm.domain.lead import Lead, LeadStatus
from services.crm.domain.service_visit import require_own_order
from services.crm.persistence.persons import Person, find_persons
from shared import timers
from shared.contracts.base import Code, Identifier
from shared.contracts.crm import LeadAnswer, LeadKind, LeadReason
from shared.contracts.management import LeadRules, OfferedModel
from shared.contracts.violations import unknown_code
from shared.group import Store
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.security import Principal
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork
from shared.working_calendar import WorkingCalendar

LEAD_ANSWER_OVERDUE = "lead_answer_overdue"

LEADS_PER_PAGE = 100
_MONTHS = 12


class HandOverLeadRequest(RequestModel):
    """A customer's interest in a model, for themselves or a person whom they know.

    ``consent_given``: the customer has just consented that the sales department contacts them.
    ``note`` is what they said.
    """

    lead_kind: LeadKind
    model_code: Code
    order_id: Identifier | None = None
    consent_given: bool = False
    note: Annotated[str | None, Field(min_length=1, max_length=1000, description="说明")] = None


class AnswerLeadRequest(RequestModel):
    """Answer of the sales department; a lead that is refused or lost has a reason."""

    answer: LeadAnswer
    reason: LeadReason | None = None


class LeadView(BaseModel):
    """Lead with its answer; ``is_overdue``: the deadline has passed without one."""

    lead_id: str
    customer_ref: str
    lead_kind: LeadKind
    model_code: str
    order_id: str | None
    handed_over_by: str
    handed_over_at: datetime
    answer_due_at: datetime
    status: LeadStatus
    reason: LeadReason | None
    answered_by: str | None
    answered_at: datetime | None
    reminders: int
    is_overdue: bool


class LeadWithContact(LeadView):
    """Lead with the person whom the sales department contacts, and what they said."""

    name: str | None
    phone: str | None
    note: str | None


class LeadCountView(BaseModel):
    """Leads of one kind that were handed over in a month, by what came of them.

    ``accepted`` ones may be sold or lost since; ``overdue`` ones were not answered in time.
    """

    month: str
    lead_kind: LeadKind
    handed_over: int
    accepted: int
    refused: int
    sold: int
    lost: int
    overdue: int


async def list_models(store_id: str, deps: Deps) -> list[OfferedModel]:
    """List the models that the sales department offers (意向车型)."""
    async with deps.uow_factory.read(store_id) as connection:
        rules = await deps.group.rules_today(connection, LeadRules, store_id)
    return list(rules.models)


async def hand_over_lead(
    uow: UnitOfWork, customer_ref: str, command: HandOverLeadRequest, deps: Deps
) -> LeadView:
    """Hand a lead over to the sales department, which has to answer it in time (移交线索).

    Raises:
        RuleViolation: the customer, the model or the order is unknown, the order is another
            customer's, or the customer has not consented.
    """
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_customer(connection, store_id, customer_ref)
    visit = await persistence.find_service_visit(connection, store_id, command.order_id)
    require_own_order(visit, command.order_id, customer_ref, by_service=False)
    rules = await deps.group.rules_today(connection, LeadRules, store_id)
    if command.model_code not in {model.model_code for model in rules.models}:
        raise unknown_code("model_code", command.model_code)
    if command.consent_given:
        await save_consent(uow, customer_ref, "sales_contact", is_given=True)
    consent = await persistence.find_consent(connection, store_id, customer_ref, "sales_contact")
    store = await deps.group.store(connection, store_id)
    calendar = await deps.group.calendar(connection)
    lead = Lead(
        store_id=store_id,
        lead_id=str(new_id()),
        customer_ref=customer_ref,
        lead_kind=command.lead_kind,
        model_code=command.model_code,
        order_id=command.order_id,
        handed_over_by=uow.person,
        handed_over_at=uow.now,
        answer_due_at=_working_days_later(store, calendar, uow.now, rules.answer_working_days),
    )
    uow.publish(leads.hand_over(lead, consent))
    await persistence.save_leads(connection, [lead])
    if command.note:
        note = await deps.personal.encrypt(connection, store_id, customer_ref, command.note)
        await persistence.save_lead_note(connection, store_id, lead.lead_id, note)
    await timers.schedule(
        uow, LEAD_ANSWER_OVERDUE, lead.lead_id, store_id=store_id, due_at=lead.answer_due_at
    )
    return _view(lead, uow.now)


async def withdraw_leads(uow: UnitOfWork, customer_ref: str) -> None:
    """End the leads of a customer who has withdrawn the consent (撤回同意)."""
    connection = uow.connection
    running = await persistence.lock_running_leads(connection, uow.store_id, customer_ref)
    ended = [leads.withdraw(each, uow.now) for each in running]
    await persistence.save_leads(connection, [each for each, _ in ended])
    for each, event in ended:
        await timers.cancel(uow, LEAD_ANSWER_OVERDUE, each.lead_id)
        uow.publish([event])


async def answer_lead(uow: UnitOfWork, lead_id: str, command: AnswerLeadRequest) -> LeadView:
    """Record the answer of the sales department, or what came of the lead (线索答复).

    Raises:
        RuleViolation: the store has no such lead, it has ended, or its reason is missing.
    """
    answered, events = leads.answer(
        await persistence.lock_lead(uow.connection, uow.store_id, lead_id),
        command.answer,
        command.reason,
        uow.person,
        uow.now,
    )
    await persistence.save_leads(uow.connection, [answered])
    await timers.cancel(uow, LEAD_ANSWER_OVERDUE, lead_id)
    uow.publish(events)
    return _view(answered, uow.now)


async def remind_of_lead(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Remind the sales department of its answer, on each working day until the last reminder."""
    connection = uow.connection
    reminded, events = leads.remind(
        await persistence.lock_lead(connection, timer.store_id, timer.entity_id)
    )
    await persistence.save_leads(connection, [reminded])
    uow.publish(events)
    rules = await deps.group.rules_today(connection, LeadRules, timer.store_id)
    if events and reminded.reminders < rules.most_reminders:
        store = await deps.group.store(connection, timer.store_id)
        calendar = await deps.group.calendar(connection)
        await timers.schedule(
            uow,
            LEAD_ANSWER_OVERDUE,
            timer.entity_id,
            store_id=store.id,
            due_at=_working_days_later(store, calendar, timer.due_at, 1),
        )


async def list_leads(
    store_id: str,
    statuses: Sequence[LeadStatus],
    customer_ref: str | None,
    after: str,
    principal: Principal,
    deps: Deps,
) -> list[LeadWithContact]:
    """List leads by when their answers are due, with whom to contact (线索清单)."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_leads(
            connection, store_id, statuses, customer_ref, after, LEADS_PER_PAGE
        )
        encrypted = await persistence.encrypted_lead_notes(
            connection, store_id, [each.lead_id for each in found]
        )
        noted = [each for each in found if each.lead_id in encrypted]
        texts = await deps.personal.decrypt_all(
            connection, store_id, [(each.customer_ref, encrypted[each.lead_id]) for each in noted]
        )
        refs = sorted({each.customer_ref for each in found})
        persons = await find_persons(connection, deps.personal, store_id, refs)
        await note_reads(connection, store_id, refs, principal, "list_leads", deps)
    notes = {each.lead_id: text for each, text in zip(noted, texts, strict=True)}
    return [_with_contact(each, persons.get(each.customer_ref), notes, now) for each in found]


async def count_leads(store_id: str, deps: Deps) -> list[LeadCountView]:
    """Count the leads of the last twelve months by month, kind and outcome (线索统计)."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        since = store.first_of_months(deps.uow_factory.clock.now(), _MONTHS)
        found = await persistence.count_leads(connection, store_id, since, store.zone)
    return [LeadCountView.model_validate(each, from_attributes=True) for each in found]


def _working_days_later(
    store: Store, calendar: WorkingCalendar, after: datetime, days: int
) -> datetime:
    """Return the closing time of the store so many working days later."""
    day = store.local_day(after)
    for _ in range(days):
        day = calendar.next_working_day(day)
    return store.at(day, store.closing).astimezone(UTC)


def _view(lead: Lead, now: datetime) -> LeadView:
    return LeadView(
        **{name: getattr(lead, name) for name in _VIEW_FIELDS},
        is_overdue=lead.status == "open" and lead.answer_due_at <= now,
    )


def _with_contact(
    lead: Lead, person: Person | None, notes: Mapping[str, str | None], now: datetime
) -> LeadWithContact:
    """Return a lead with its person; who has withdrawn the consent is not named any more."""
    known = person if lead.status != "withdrawn" else None
    return LeadWithContact(
        **_view(lead, now).model_dump(),
        name=known.name if known else None,
        phone=known.phone if known else None,
        note=notes.get(lead.lead_id),
    )


_VIEW_FIELDS = LeadView.model_fields.keys() - {"is_overdue"}
