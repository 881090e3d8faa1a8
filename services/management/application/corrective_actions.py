"""Corrective actions (整改): findings with an owner, a deadline, an answer and an end
(R10, R14, R21, R23, R24, R43).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from services.management.application.deps import Deps
from services.management.application.records import days_of
from services.management.application.waiting_work import FINDING
from services.management.domain import corrective_action as corrective_actions
from services.management.domain.corrective_action import (
    CorrectiveAction,
    Finding,
    FindingEvent,
    Result,
    State,
)
from services.management.domain.kinds import RULES
from services.management.domain.person import Person
from services.management.domain.record import Record, content_on
from services.management.persistence import corrective_actions as store
from services.management.persistence import records
from services.management.persistence.corrective_actions import Texts
from shared import timers
from shared.contracts.crm import SurveyMonthEvaluated
from shared.contracts.management import (
    GROUP,
    CorrectiveActionOpened,
    CorrectiveActionRule,
    CorrectiveActionSource,
    FeedbackRules,
)
from shared.contracts.violations import RuleViolation, unknown
from shared.ids import new_id
from shared.master_data import NotDefinedError
from shared.request_model import Version, VersionedRequest
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

OVERDUE = "corrective_action_overdue"

Text = Annotated[str, Field(min_length=2, max_length=2000)]


class AnswerCorrectiveActionRequest(VersionedRequest):
    cause: Annotated[Text, Field(description="原因")]
    measure: Annotated[Text, Field(description="措施")]


class CloseCorrectiveActionRequest(VersionedRequest):
    result: Result
    note: Annotated[Text, Field(description="整改情况")]


class AssessCorrectiveActionRequest(VersionedRequest):
    """Whether it worked; the comment is needed where it did not."""

    is_effective: bool
    comment: Annotated[Text, Field(description="验证说明")] | None = None


class CorrectiveActionView(BaseModel):
    """A corrective action.

    ``findings`` are bad ratings, failed items or symptoms. With ``owner_only`` the caller's roles
    let them answer and close it only if they are its owner, with ``finder_only`` assess it only if
    they found it.
    """

    corrective_action_id: str
    version: Version
    source: CorrectiveActionSource
    source_id: str
    source_event_id: str
    order_id: str | None
    findings: Sequence[str]
    found_by: str | None
    follows_id: str | None
    owner_id: str
    due_at: datetime
    opened_at: datetime
    overdue_at: datetime | None
    answered_at: datetime | None
    answered_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    result: Result | None
    assessed_at: datetime | None
    assessed_by: str | None
    is_effective: bool | None
    owner_only: bool
    finder_only: bool


class CorrectiveActionDetail(CorrectiveActionView):
    """A corrective action with its texts; each is absent until it is written."""

    cause: str | None
    measure: str | None
    note: str | None
    comment: str | None


@dataclass(frozen=True)
class Caller:
    """Person who asks or commands, with what their roles let them do to others' actions."""

    subject: str
    sees_all: bool
    closes_all: bool
    assesses_all: bool


async def note_finding(uow: UnitOfWork, event: FindingEvent, _: Deps) -> None:
    """Record the finding of an event."""
    lowest = await _lowest_acceptable_rating(uow, event.store_id)
    if finding := corrective_actions.finding_from(event, uow.cause.causation_id, lowest):
        await _open_soon(uow, event.store_id, finding)


async def note_weak_factors(uow: UnitOfWork, event: SurveyMonthEvaluated, _: Deps) -> None:
    """Record the weak factors of a month of surveys (R24)."""
    for finding in corrective_actions.findings_of_month(event, uow.cause.causation_id):
        await _open_soon(uow, event.store_id, finding)


async def _open_soon(uow: UnitOfWork, store_id: str, finding: Finding) -> None:
    await timers.schedule(
        uow,
        FINDING,
        f"{finding.source}/{finding.source_id}",
        store_id=store_id,
        due_at=uow.now,
        data=asdict(finding),
    )


async def open_corrective_action(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Open the corrective action (整改) of a finding, once.

    While no person of the store has the owner's role it waits for a change of the staff, or for the
    next day, on which one may begin.

    Raises:
        NotDefinedError: there is no rule for it.
    """
    finding = _finding(timer)
    if await store.is_opened(uow.connection, timer.store_id, finding.source, finding.source_id):
        return
    rule, day = await corrective_action_rule(uow, timer.store_id, finding)
    owners = await _owners(uow, timer.store_id, rule.role, day)
    if not owners:
        await _wait_for_owner(uow, timer, day)
        return
    counts = await store.open_count_by_owner(uow.connection, timer.store_id)
    opened, events = corrective_actions.open_action(
        finding,
        corrective_action_id=str(new_id()),
        store_id=timer.store_id,
        owner_id=corrective_actions.least_loaded(owners, counts),
        days=rule.days,
        now=uow.now,
    )
    await _open(uow, opened, events)


async def mark_overdue(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Publish that the owner has not closed it in time (整改逾期)."""
    locked = await store.lock(uow.connection, timer.store_id, timer.entity_id)
    late, events = corrective_actions.overdue(locked, uow.now)
    await store.save(uow, late)
    uow.publish(events)


async def answer_corrective_action(
    uow: UnitOfWork,
    corrective_action_id: str,
    command: AnswerCorrectiveActionRequest,
    caller: Caller,
    deps: Deps,
) -> CorrectiveActionView:
    """State the cause and the measure (整改回复), until it is closed; the last answer counts.

    Raises:
        RuleViolation: as :func:`corrective_action.answer`, or there is no such one in the store.
    """
    answered, events = corrective_actions.answer(
        await store.lock(uow.connection, uow.store_id, corrective_action_id),
        uow.person,
        command.version,
        may=caller.closes_all,
        now=uow.now,
    )
    saved = await store.save(uow, answered)
    await _save_texts(uow, saved, deps, cause=command.cause, measure=command.measure)
    uow.publish(events)
    return _view(saved, caller)


async def close_corrective_action(
    uow: UnitOfWork,
    corrective_action_id: str,
    command: CloseCorrectiveActionRequest,
    caller: Caller,
    deps: Deps,
) -> CorrectiveActionView:
    """Close it with the note of the owner, or a manager, on what was done (整改完成).

    Raises:
        RuleViolation: as :func:`corrective_action.close`, or there is no such one in the store.
    """
    closed, events = corrective_actions.close(
        await store.lock(uow.connection, uow.store_id, corrective_action_id),
        command.result,
        uow.person,
        command.version,
        may=caller.closes_all,
        now=uow.now,
    )
    saved = await store.save(uow, closed)
    await _save_texts(uow, saved, deps, note=command.note)
    await timers.cancel(uow, OVERDUE, corrective_action_id)
    uow.publish(events)
    return _view(saved, caller)


async def assess_corrective_action(
    uow: UnitOfWork,
    corrective_action_id: str,
    command: AssessCorrectiveActionRequest,
    caller: Caller,
    deps: Deps,
) -> CorrectiveActionView:
    """Say whether it worked (整改验证); one that did not is followed by another.

    Raises:
        RuleViolation: as :func:`corrective_action.assess`, there is no such one in the store, or it
            had no effect and nothing says why.
    """
    if not command.is_effective and not command.comment:
        raise RuleViolation(
            "comment_needed", "Say what is still wrong.", field="comment", kind="invalid"
        )
    assessed, events = corrective_actions.assess(
        await store.lock(uow.connection, uow.store_id, corrective_action_id),
        command.is_effective,
        uow.person,
        command.version,
        may=caller.assesses_all,
        now=uow.now,
    )
    saved = await store.save(uow, assessed)
    await _save_texts(uow, saved, deps, comment=command.comment)
    uow.publish(events)
    if not command.is_effective:
        rule, _ = await corrective_action_rule(uow, saved.store_id, saved.finding)
        following, opened = corrective_actions.follow_up(
            saved, corrective_action_id=str(new_id()), days=rule.days, now=uow.now
        )
        await _open(uow, following, opened)
    return _view(saved, caller)


async def list_corrective_actions(
    store_id: str, states: Sequence[State], caller: Caller, deps: Deps
) -> list[CorrectiveActionView]:
    """List the corrective actions that the caller sees in one of the states, by when they are due
    (整改清单).
    """
    owner_id = None if caller.sees_all else caller.subject
    async with deps.uow_factory.read(store_id) as connection:
        found = await store.listed(connection, store_id, states, owner_id)
    return [_view(corrective_action, caller) for corrective_action in found]


async def get_corrective_action(
    store_id: str, corrective_action_id: str, caller: Caller, deps: Deps
) -> CorrectiveActionDetail:
    """Return one corrective action with its texts.

    Raises:
        RuleViolation: there is no such one in the store, or none that the caller sees.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await store.find(connection, store_id, corrective_action_id)
        if not caller.sees_all and found.owner_id != caller.subject:
            raise unknown("corrective_action_id", corrective_action_id)
        encrypted = await store.texts(connection, store_id, corrective_action_id)
        texts = {
            name: await deps.personal.decrypt(connection, store_id, corrective_action_id, text)
            for name, text in vars(encrypted).items()
        }
    return CorrectiveActionDetail(**_view(found, caller).model_dump(), **texts)


async def corrective_action_rule(
    uow: UnitOfWork, store_id: str, finding: Finding
) -> tuple[CorrectiveActionRule, date]:
    """Return the rule for a finding that holds on a store's present day, and that day.

    Raises:
        NotDefinedError: there is none.
    """
    async with uow.limited_to(GROUP) as group:
        day = (await days_of(group.connection, [store_id], uow.now))[store_id]
        of_group = await _rules(group, GROUP, day)
    rule = corrective_actions.rule_for(await _rules(uow, store_id, day), of_group, finding)
    if rule is None:
        raise NotDefinedError(f"rules of corrective actions after {finding.source}")
    return rule, day


async def _lowest_acceptable_rating(uow: UnitOfWork, store_id: str) -> int:
    """Return the lowest rating that leads to no corrective action, on the store's present day."""
    async with uow.limited_to(GROUP, store_id) as both:
        day = (await days_of(both.connection, [store_id], uow.now))[store_id]
        own, of_group = await records.find_all(
            both.connection, [(store_id, RULES, "feedback"), (GROUP, RULES, "feedback")]
        )
    content = content_on(own.versions, day) or content_on(of_group.versions, day)
    rules = content if isinstance(content, FeedbackRules) else FeedbackRules()
    return rules.lowest_acceptable_rating


async def _rules(uow: UnitOfWork, scope: str, day: date) -> Sequence[CorrectiveActionRule]:
    record = await records.find(uow.connection, scope, RULES, "corrective_actions")
    return corrective_actions.rules_on(record.versions, day)


async def _wait_for_owner(uow: UnitOfWork, timer: Timer, today: date) -> None:
    async with uow.limited_to(GROUP) as group:
        zones = await records.zones(group.connection, [timer.store_id])
    tomorrow = datetime.combine(today + timedelta(days=1), time.min)
    await timers.schedule(
        uow,
        FINDING,
        timer.entity_id,
        store_id=timer.store_id,
        due_at=tomorrow.replace(tzinfo=ZoneInfo(zones[timer.store_id])),
        data=timer.data,
    )


async def _owners(uow: UnitOfWork, store_id: str, role: str, day: date) -> Sequence[str]:
    """Return the persons who hold the post of ``role`` in a store on ``day``."""
    known: list[Record] = []
    for scope in (store_id, GROUP):
        async with uow.limited_to(scope) as limited:
            known += await records.of_directory(limited.connection, store_id)
    return [
        record.record_id
        for record in known
        if isinstance(person := content_on(record.versions, day), Person)
        and any((post.in_store, post.role) == (store_id, role) for post in person.posts)
    ]


def _finding(timer: Timer) -> Finding:
    data = timer.data
    return Finding(
        data["source"],
        data["source_id"],
        data["source_event_id"],
        data["order_id"],
        tuple(data["findings"]),
        data["found_by"],
    )


async def _open(
    uow: UnitOfWork, opened: CorrectiveAction, events: Sequence[CorrectiveActionOpened]
) -> None:
    """Store a new corrective action, publish it, and schedule its deadline."""
    await store.save(uow, opened)
    uow.publish(events)
    await timers.schedule(
        uow,
        OVERDUE,
        opened.corrective_action_id,
        store_id=opened.store_id,
        due_at=opened.due_at,
    )


async def _save_texts(
    uow: UnitOfWork, corrective_action: CorrectiveAction, deps: Deps, **texts: str | None
) -> None:
    store_id, subject = corrective_action.store_id, corrective_action.corrective_action_id
    encrypted = {
        name: await deps.personal.encrypt(uow.connection, store_id, subject, text)
        for name, text in texts.items()
    }
    await store.save_texts(uow.connection, store_id, subject, Texts(**encrypted))


def _view(corrective_action: CorrectiveAction, caller: Caller) -> CorrectiveActionView:
    return CorrectiveActionView(
        **vars(corrective_action),
        owner_only=not caller.closes_all,
        finder_only=not caller.assesses_all,
    )
