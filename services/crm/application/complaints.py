"""Complaints (投诉): opened, answered, escalated, compensated, resolved, revisited (R23)."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import cancel_follow_ups, schedule_follow_up
from services.crm.application.rules import complaint_rules, working_time_of
from services.crm.domain import complaint as complaints
from services.crm.domain import errors
from services.crm.domain.complaint import Complaint, EntryKind, Status, Subject
from services.crm.domain.follow_up import FollowUp
from services.crm.domain.service_visit import require_own_order
from services.crm.domain.working_time import WorkingTime
from services.crm.persistence import complaint as records
from services.crm.persistence.complaint import ComplaintFilter, EncryptedEntry
from shared import timers
from shared.contracts import Event
from shared.contracts.base import Cents, Identifier
from shared.contracts.crm import (
    ComplaintCause,
    ComplaintSeverity,
    ComplaintSource,
    EscalationRole,
)
from shared.contracts.management import ComplaintRules, FeedbackRules
from shared.contracts.versioned import require_version
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.formats import is_mobile, valid_phone
from shared.group import Store
from shared.ids import new_id
from shared.request_model import Reason, RequestModel, Version, VersionedRequest
from shared.security import Principal
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

ESCALATE_COMPLAINT = "escalate_complaint"

PAGE_SIZE = 100

ContactChannel = Literal["phone", "counter", "wecom", "sms", "email"]
"""电话、到店、企业微信、短信、邮件."""

Words = Annotated[str, Field(min_length=2, max_length=4000)]


class SubjectRequest(RequestModel):
    """What a complaint is about, as far as it is known."""

    vehicle_ref: Identifier | None = None
    order_id: Identifier | None = None
    technician_id: Identifier | None = None
    inspector_id: Identifier | None = None
    part_number: Annotated[
        str | None, Field(pattern=r"^[A-Z0-9][A-Z0-9.\-]{1,39}$", description="备件号")
    ] = None


class OpenComplaintRequest(SubjectRequest):
    customer_ref: Identifier
    source: ComplaintSource
    severity: ComplaintSeverity
    words: Annotated[Words, Field(description="投诉内容")]


class RecordComplaintContactRequest(VersionedRequest):
    """A contact with the customer; the first that reaches them is the first answer."""

    channel: ContactChannel
    reached: Annotated[bool, Field(description="已联系上")]
    words: Annotated[Words, Field(description="沟通记录")]


class EscalateComplaintRequest(VersionedRequest):
    to: EscalationRole
    reason: Reason


class ProposeCompensationRequest(VersionedRequest):
    """A compensation in cents, which replaces an earlier one; 0 takes it back."""

    amount_cents: Cents
    reason: Reason


class ResolveComplaintRequest(SubjectRequest, VersionedRequest):
    """The solution and its cause, with all that the complaint turned out to be about."""

    cause: ComplaintCause
    words: Annotated[Words, Field(description="解决方案")]


class RecordRevisitRequest(VersionedRequest):
    satisfied: Annotated[bool, Field(description="客户满意")]
    channel: ContactChannel
    words: Annotated[Words, Field(description="回访记录")]


class ReopenComplaintRequest(VersionedRequest):
    reason: Reason


class ComplaintView(BaseModel):
    """A complaint without what people wrote.

    ``due_at`` is when the next step is due: the first answer, then the solution. It has gone up to
    ``escalated_to``. With ``compensation_pending`` the compensation awaits approval.
    """

    model_config = ConfigDict(from_attributes=True)

    complaint_id: str
    version: Version
    store_id: str
    status: Status
    customer_ref: str
    source: ComplaintSource
    severity: ComplaintSeverity
    vehicle_ref: str | None
    order_id: str | None
    technician_id: str | None
    inspector_id: str | None
    part_number: str | None
    owner_id: str
    opened_by: str
    opened_at: datetime
    answer_due_at: datetime
    solution_due_at: datetime
    due_at: datetime
    escalated_to: EscalationRole | None
    escalated_at: datetime | None
    answered_at: datetime | None
    cause: ComplaintCause | None
    compensation_cents: Cents
    compensation_pending: bool
    compensation_approved_by: str | None
    resolved_at: datetime | None
    revisited_at: datetime | None
    reopened_at: datetime | None
    closed_at: datetime | None


class ComplaintPage(BaseModel):
    """Complaints, and ``next_after`` for the page behind them, where there is one."""

    complaints: list[ComplaintView]
    next_after: str | None


class ComplaintEntry(BaseModel):
    """One entry of a complaint's timeline; without ``recorded_by``, a deadline has passed.

    ``words`` are absent where there are none, or where they were destroyed.
    """

    kind: EntryKind
    recorded_by: str | None
    recorded_at: datetime
    complaint_task_id: str | None
    channel: ContactChannel | None
    reached: bool | None
    satisfied: bool | None
    role: str | None
    amount_cents: Cents | None
    words: str | None


class ComplaintTaskView(BaseModel):
    """A department's task for a complaint (协办任务); what is asked stands in the timeline."""

    model_config = ConfigDict(from_attributes=True)

    complaint_task_id: str
    complaint_id: str
    role: str
    assigned_by: str
    assigned_at: datetime
    due_at: datetime
    escalated_to: EscalationRole | None
    completed_at: datetime | None
    completed_by: str | None


class ComplaintDetail(ComplaintView):
    """A complaint with its timeline and tasks."""

    entries: list[ComplaintEntry]
    tasks: list[ComplaintTaskView]


async def open_complaint(
    uow: UnitOfWork, command: OpenComplaintRequest, deps: Deps
) -> ComplaintView:
    """Open a complaint (投诉受理), whose owner is the customer-care manager, else who opens it.

    Raises:
        RuleViolation: the customer, or what it is about, is unknown in the store.
    """
    connection, store_id = uow.connection, uow.store_id
    customer_ref = await persistence.require_customer(connection, store_id, command.customer_ref)
    subject = await _subject(connection, store_id, customer_ref, command, deps)
    store, rules, working_time = await _rules(uow, deps)
    managers = await deps.group.in_post(
        connection, store_id, "customer_care_manager", store.local_day(uow.now)
    )
    complaint, events = complaints.open_complaint(
        complaint_id=str(new_id()),
        store_id=store_id,
        customer_ref=customer_ref,
        source=command.source,
        severity=command.severity,
        subject=subject,
        owner_id=min(managers, default=uow.person),
        opened_by=uow.person,
        rules=rules,
        working_time=working_time,
        now=uow.now,
    )
    return await _save(uow, complaint, events, deps, "opened", words=command.words)


async def record_complaint_contact(
    uow: UnitOfWork, complaint_id: str, command: RecordComplaintContactRequest, deps: Deps
) -> ComplaintView:
    """Record a contact with the customer; the first that reaches them is the first answer.

    Raises:
        RuleViolation: as :func:`complaint.record_contact`, or it has changed since it was seen.
    """
    complaint, events = complaints.record_contact(
        await _lock(uow, complaint_id, command),
        uow.person,
        reached=command.reached,
        now=uow.now,
    )
    return await _save(
        uow,
        complaint,
        events,
        deps,
        "contact",
        channel=command.channel,
        reached=command.reached,
        words=command.words,
    )


async def escalate_complaint(
    uow: UnitOfWork, complaint_id: str, command: EscalateComplaintRequest, deps: Deps
) -> ComplaintView:
    """Hand a complaint up to a higher role (主动升级).

    Raises:
        RuleViolation: as :func:`complaint.escalate`, or it has changed since it was seen.
    """
    _, rules, working_time = await _rules(uow, deps)
    complaint, events = complaints.escalate(
        await _lock(uow, complaint_id, command),
        command.to,
        uow.person,
        next_at=working_time.after_hours(uow.now, rules.escalation_hours),
        now=uow.now,
    )
    return await _save(
        uow, complaint, events, deps, "escalated", role=command.to, words=command.reason
    )


async def propose_compensation(
    uow: UnitOfWork,
    complaint_id: str,
    command: ProposeCompensationRequest,
    roles: Collection[str],
    deps: Deps,
) -> ComplaintView:
    """Propose a compensation (提出补偿); within the limit of the person's role it is approved.

    Raises:
        RuleViolation: as :func:`complaint.propose_compensation`, or it has changed since it was
            seen.
    """
    _, rules, _ = await _rules(uow, deps)
    complaint = complaints.propose_compensation(
        await _lock(uow, complaint_id, command),
        command.amount_cents,
        uow.person,
        complaints.limit_of(rules, roles),
    )
    return await _save(
        uow,
        complaint,
        [],
        deps,
        "compensation_proposed",
        amount_cents=command.amount_cents,
        words=command.reason,
    )


async def approve_compensation(
    uow: UnitOfWork,
    complaint_id: str,
    command: VersionedRequest,
    roles: Collection[str],
    deps: Deps,
) -> ComplaintView:
    """Approve the proposed compensation (批准补偿), within the limit of the person's role.

    Raises:
        RuleViolation: as :func:`complaint.approve_compensation`, or it has changed since it was
            seen.
    """
    _, rules, _ = await _rules(uow, deps)
    complaint = complaints.approve_compensation(
        await _lock(uow, complaint_id, command), uow.person, complaints.limit_of(rules, roles)
    )
    amount_cents = complaint.compensation_cents
    return await _save(uow, complaint, [], deps, "compensation_approved", amount_cents=amount_cents)


async def resolve_complaint(
    uow: UnitOfWork, complaint_id: str, command: ResolveComplaintRequest, deps: Deps
) -> ComplaintView:
    """Record the solution and its cause (投诉解决), and plan the revisit.

    A cause that repeats itself is told.

    Raises:
        RuleViolation: as :func:`complaint.resolve`, it has changed since it was seen, or what it is
            about is unknown in the store.
    """
    connection, store_id = uow.connection, uow.store_id
    _, rules, working_time = await _rules(uow, deps)
    locked = await _lock_with_calls(uow, complaint_id, command)
    complaint, events = complaints.resolve(
        locked,
        command.cause,
        await _subject(connection, store_id, locked.customer_ref, command, deps),
        uow.person,
        open_tasks=await records.count_open_tasks(connection, store_id, complaint_id),
        now=uow.now,
    )
    view = await _save(uow, complaint, events, deps, "resolved", words=command.words)
    await _tell_repeated_cause(uow, complaint, rules)
    await schedule_follow_up(
        uow,
        deps,
        reason="complaint_revisit",
        customer_ref=complaint.customer_ref,
        due_at=working_time.morning_after(uow.now, rules.revisit_days),
        vehicle_ref=complaint.vehicle_ref,
        order_id=complaint.order_id,
        about=complaint.revisit_about,
    )
    return view


async def record_revisit(
    uow: UnitOfWork, complaint_id: str, command: RecordRevisitRequest, deps: Deps
) -> ComplaintView:
    """Record the revisit (投诉回访): a satisfied customer closes the complaint, else it is open
    again.

    Raises:
        RuleViolation: as :func:`complaint.record_revisit`, or it has changed since it was seen.
    """
    locked = await _lock_with_calls(uow, complaint_id, command)
    view = await _revisit(
        uow,
        locked,
        deps,
        satisfied=command.satisfied,
        channel=command.channel,
        words=command.words,
    )
    await cancel_follow_ups(uow, about=locked.revisit_about)
    return view


async def revisit_by_call(uow: UnitOfWork, follow_up: FollowUp, deps: Deps) -> None:
    """Take what the customer said in the follow-up after the solution (投诉回访).

    A customer who was not reached, or said nothing of it, is still to be revisited.
    """
    complaint_id = complaints.revisited_complaint(follow_up.about)
    locked = await records.lock_complaint(uow.connection, uow.store_id, complaint_id)
    if follow_up.satisfaction is None or locked.status != "resolved":
        return
    rules = await deps.group.rules_today(uow.connection, FeedbackRules, uow.store_id)
    await _revisit(
        uow,
        locked,
        deps,
        satisfied=follow_up.satisfaction >= rules.lowest_acceptable_rating,
        channel=follow_up.channel or "phone",
        words=None,
    )


async def _revisit(
    uow: UnitOfWork,
    locked: Complaint,
    deps: Deps,
    *,
    satisfied: bool,
    channel: ContactChannel,
    words: str | None,
) -> ComplaintView:
    """Record what the customer of a locked complaint says of the solution.

    Raises:
        RuleViolation: as :func:`complaint.record_revisit`.
    """
    complaint, events = complaints.record_revisit(
        locked,
        uow.person,
        satisfied=satisfied,
        solution_due_at=await _solution_due_at(uow, locked, deps),
        now=uow.now,
    )
    return await _save(
        uow,
        complaint,
        events,
        deps,
        "revisited",
        channel=channel,
        satisfied=satisfied,
        words=words,
    )


async def reopen_complaint(
    uow: UnitOfWork, complaint_id: str, command: ReopenComplaintRequest, deps: Deps
) -> ComplaintView:
    """Open a complaint again that is resolved or closed (投诉重开).

    Raises:
        RuleViolation: as :func:`complaint.reopen`, or it has changed since it was seen.
    """
    locked = await _lock_with_calls(uow, complaint_id, command)
    complaint, events = complaints.reopen(
        locked,
        uow.person,
        solution_due_at=await _solution_due_at(uow, locked, deps),
        now=uow.now,
    )
    view = await _save(uow, complaint, events, deps, "reopened", words=command.reason)
    await cancel_follow_ups(uow, about=locked.revisit_about)
    return view


async def lock_complaint(uow: UnitOfWork, store_id: str, complaint_id: str) -> None:
    """Lock the complaint before its timer, as commands do."""
    await records.lock_complaint(uow.connection, store_id, complaint_id)


async def escalate_overdue_complaint(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Hand an overdue complaint one level up (超时升级)."""
    _, rules, working_time = await _rules(uow, deps)
    locked = await records.lock_complaint(uow.connection, timer.store_id, timer.entity_id)
    complaint, events = complaints.escalate_overdue(
        locked,
        next_at=working_time.after_hours(uow.now, rules.escalation_hours),
        now=uow.now,
    )
    if events:
        await _save(uow, complaint, events, deps, "escalated", role=complaint.escalated_to)


async def list_complaints(
    store_id: str, wanted: ComplaintFilter, after: str | None, deps: Deps
) -> ComplaintPage:
    """List complaints (投诉台账), the most urgent first, a page at a time."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await records.list_complaints(connection, store_id, wanted, after, PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    return ComplaintPage(
        complaints=[ComplaintView.model_validate(each) for each in shown],
        next_after=shown[-1].complaint_id if len(found) > PAGE_SIZE else None,
    )


async def get_complaint(store_id: str, complaint_id: str, deps: Deps) -> ComplaintDetail:
    """Return a complaint with its timeline and tasks.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    async with deps.uow_factory.read(store_id) as connection:
        complaint = await records.find_complaint(connection, store_id, complaint_id)
        entries = await records.entries_of(connection, store_id, complaint_id)
        written = [(complaint.customer_ref, each.words) for each in entries if each.words]
        texts = iter(await deps.personal.decrypt_all(connection, store_id, written))
        tasks = await records.tasks_of(connection, store_id, complaint_id)
    return ComplaintDetail(
        **ComplaintView.model_validate(complaint).model_dump(),
        entries=[
            ComplaintEntry.model_validate(
                asdict(each) | {"words": next(texts) if each.words else None}
            )
            for each in entries
        ],
        tasks=[ComplaintTaskView.model_validate(each) for each in tasks],
    )


async def list_escalated_complaints(principal: Principal, deps: Deps) -> list[ComplaintView]:
    """List the complaints of all stores that have gone up and are not resolved, the most urgent
    first.
    """
    async with deps.uow_factory.read(*principal.reads) as connection:
        found = await records.escalated_complaints(connection)
    return [ComplaintView.model_validate(each) for each in found]


async def add_entry(
    uow: UnitOfWork, complaint_id: str, customer_ref: str, deps: Deps, kind: EntryKind, **more: Any
) -> None:
    """Add an entry to a complaint's timeline; its ``words`` are encrypted."""
    words = more.pop("words", None)
    empty = dict.fromkeys(
        ("complaint_task_id", "channel", "reached", "satisfied", "role", "amount_cents")
    )
    entry = EncryptedEntry(
        store_id=uow.store_id,
        complaint_id=complaint_id,
        entry_id=str(new_id()),
        kind=kind,
        recorded_by=uow.actor,
        recorded_at=uow.now,
        words=await deps.personal.encrypt(uow.connection, uow.store_id, customer_ref, words),
        **(empty | more),
    )
    await records.add_entry(uow.connection, entry)


async def _save(
    uow: UnitOfWork,
    complaint: Complaint,
    events: Sequence[Event],
    deps: Deps,
    kind: EntryKind,
    **more: Any,
) -> ComplaintView:
    """Store a complaint and the entry of its timeline, and set its next escalation."""
    saved = await records.save_complaint(uow, complaint)
    await add_entry(uow, saved.complaint_id, saved.customer_ref, deps, kind, **more)
    uow.publish(events)
    if saved.escalates_at is None:
        await timers.cancel(uow, ESCALATE_COMPLAINT, saved.complaint_id)
    else:
        await timers.schedule(
            uow,
            ESCALATE_COMPLAINT,
            saved.complaint_id,
            store_id=saved.store_id,
            due_at=saved.escalates_at,
        )
    return ComplaintView.model_validate(saved)


async def _lock(uow: UnitOfWork, complaint_id: str, command: VersionedRequest) -> Complaint:
    """Return the complaint, locked, in the version that the person has seen."""
    locked = await records.lock_complaint(uow.connection, uow.store_id, complaint_id)
    require_version(locked, command.version)
    return locked


async def _lock_with_calls(
    uow: UnitOfWork, complaint_id: str, command: VersionedRequest
) -> Complaint:
    """Return the same; the calls to its customer are locked first, as by who records a call."""
    connection, store_id = uow.connection, uow.store_id
    found = await records.find_complaint(connection, store_id, complaint_id)
    await persistence.lock_follow_ups_of(connection, store_id, [found.customer_ref])
    return await _lock(uow, complaint_id, command)


async def _rules(uow: UnitOfWork, deps: Deps) -> tuple[Store, ComplaintRules, WorkingTime]:
    store = await deps.group.store(uow.connection, uow.store_id)
    rules = await complaint_rules(uow.connection, store, uow.now, deps)
    return store, rules, await working_time_of(uow.connection, store, deps)


async def _solution_due_at(uow: UnitOfWork, complaint: Complaint, deps: Deps) -> datetime:
    """Return by when a complaint that is open again is to be solved."""
    _, rules, working_time = await _rules(uow, deps)
    days = complaints.deadlines_of(rules, complaint.severity).solution_days
    return working_time.after_days(uow.now, days)


async def _subject(
    connection: Connection, store_id: str, customer_ref: str, named: SubjectRequest, deps: Deps
) -> Subject:
    """Return what a complaint is about.

    Raises:
        RuleViolation: the store knows no such vehicle, order or person, the order is another
            customer's, or the part number is a telephone number.
    """
    if named.vehicle_ref:
        known = await persistence.known_vehicle(connection, store_id, named.vehicle_ref)
        if known is None:
            raise unknown("vehicle_ref", named.vehicle_ref)
    today = (await deps.group.store(connection, store_id)).local_day(deps.uow_factory.clock.now())
    visit = await persistence.find_service_visit(connection, store_id, named.order_id)
    read = await persistence.require_customer(connection, store_id, customer_ref)
    require_own_order(visit, named.order_id, read, by_service=False)
    for field in ("technician_id", "inspector_id"):
        person_id = getattr(named, field)
        if person_id and await deps.group.posts(connection, person_id, today) is None:
            raise unknown(field, person_id)
    if named.part_number and _is_mobile_number(named.part_number):
        raise errors.telephone_as_part_number()
    return Subject(**{name: getattr(named, name) for name in Subject.__dataclass_fields__})


def _is_mobile_number(text: str) -> bool:
    try:
        return is_mobile(valid_phone(text))
    except ValueError:
        return False


async def _tell_repeated_cause(
    uow: UnitOfWork, complaint: Complaint, rules: ComplaintRules
) -> None:
    """Tell, once, that several complaints of the store have the cause of a resolved one."""
    if complaint.cause is None or complaint.cause in complaints.NOT_REPEATED:
        return
    since = uow.now - timedelta(days=rules.repeat_days)
    same = await records.lock_same_cause(uow.connection, complaint.store_id, complaint.cause, since)
    if events := complaints.repeated_cause(complaint, same, rules, uow.now):
        await records.report_cause(uow.connection, complaint.store_id, same, uow.now)
        uow.publish(events)
