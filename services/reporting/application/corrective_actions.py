"""Corrective actions (整改): findings with an owner, a deadline and an end (R10, R43)."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reporting.application.deps import Deps
from services.reporting.application.rules import corrective_action_rule
from services.reporting.domain import corrective_action as corrective_actions
from services.reporting.domain.corrective_action import CorrectiveAction, Finding, Result, State
from services.reporting.persistence import corrective_actions as store
from shared import timers
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.reporting import (
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionSource,
)
from shared.ids import new_id
from shared.master_data import NotDefinedError
from shared.request_model import RequestModel
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

FOUND, OVERDUE = "finding", "corrective_action_overdue"


class CloseCorrectiveActionRequest(RequestModel):
    result: Result
    note: Annotated[str, Field(min_length=2, max_length=2000, description="整改情况")]


class CorrectiveActionView(BaseModel):
    """A corrective action.

    ``findings`` are the bad ratings of a feedback or the failed items of a check. With
    ``owner_only`` the caller's roles let them close it only if they are its owner.
    """

    corrective_action_id: str
    source: CorrectiveActionSource
    source_id: str
    order_id: str | None
    findings: Sequence[str]
    owner_id: str
    due_at: datetime
    opened_at: datetime
    overdue_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    result: Result | None
    owner_only: bool


class CorrectiveActionWithNote(CorrectiveActionView):
    """A corrective action with its closing note; the note is absent while it is open."""

    note: str | None


async def note_finding(
    uow: UnitOfWork, event: FeedbackSubmitted | FacilityCheckCompleted, _: Deps
) -> None:
    """Record the finding of a feedback or a facility check."""
    if finding := corrective_actions.finding_from(event):
        await timers.schedule(
            uow,
            FOUND,
            f"{finding.source}/{finding.source_id}",
            store_id=event.store_id,
            due_at=uow.now,
            data=asdict(finding),
        )


async def open_corrective_action(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Open the corrective action (整改) of a finding, once.

    Raises:
        NotDefinedError: there is no rule for it, or the store has nobody with the owner's role.
    """
    finding = Finding(
        timer.data["source"],
        timer.data["source_id"],
        timer.data["order_id"],
        tuple(timer.data["findings"]),
    )
    connection, store_id = uow.connection, timer.store_id
    if await store.is_opened(connection, store_id, finding.source, finding.source_id):
        return
    rule = await corrective_action_rule(connection, store_id, finding, uow.now, deps)
    owners = deps.staff.get((store_id, rule.role))
    if not owners:
        raise NotDefinedError(f"persons with the role {rule.role}")
    opened, events = corrective_actions.open_action(
        finding,
        corrective_action_id=str(new_id()),
        store_id=store_id,
        owners=owners,
        open_count_by_owner=await store.open_count_by_owner(connection, store_id),
        days=rule.days,
        now=uow.now,
    )
    await store.save(connection, opened)
    uow.publish(events)


async def record_opened(uow: UnitOfWork, event: CorrectiveActionOpened, _: Deps) -> None:
    """Store a corrective action published as opened, and schedule its deadline."""
    await store.keep(uow.connection, event)
    await timers.schedule(
        uow, OVERDUE, event.corrective_action_id, store_id=event.store_id, due_at=event.due_at
    )


async def mark_overdue(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Publish that the owner has not closed it in time (整改逾期)."""
    locked = await store.lock(uow.connection, timer.store_id, timer.entity_id)
    late, events = corrective_actions.overdue(locked, uow.now)
    await store.save(uow.connection, late)
    uow.publish(events)


async def record_overdue(uow: UnitOfWork, event: CorrectiveActionOverdue, _: Deps) -> None:
    """Store that a corrective action was published as overdue."""
    await store.record_overdue(uow.connection, event, uow.caused_at)


async def close_corrective_action(
    uow: UnitOfWork,
    corrective_action_id: str,
    command: CloseCorrectiveActionRequest,
    deps: Deps,
    *,
    is_manager: bool,
) -> CorrectiveActionView:
    """Close it with the note of the owner, or a manager, on what was done (整改完成).

    Raises:
        RuleViolation: there is no such one in the store, it is closed, or it belongs to another
            owner.
    """
    connection, store_id = uow.connection, uow.store_id
    closed, events = corrective_actions.close(
        await store.lock(connection, store_id, corrective_action_id),
        command.result,
        uow.person,
        may=is_manager,
        now=uow.now,
    )
    await store.save(connection, closed)
    note = await deps.personal.encrypt(connection, store_id, corrective_action_id, command.note)
    await store.save_note(connection, store_id, corrective_action_id, note)
    uow.publish(events)
    return _view(closed, is_manager=is_manager)


async def record_closed(uow: UnitOfWork, event: CorrectiveActionClosed, _: Deps) -> None:
    """Store that a corrective action was published as closed, and cancel its deadline."""
    await store.record_closed(uow.connection, event)
    await timers.cancel(uow, OVERDUE, event.corrective_action_id)


async def list_corrective_actions(
    store_id: str, states: Sequence[State], deps: Deps, *, is_manager: bool
) -> list[CorrectiveActionView]:
    """List corrective actions in one of the states, by when they are due (整改清单)."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await store.listed(connection, store_id, states)
    return [_view(corrective_action, is_manager=is_manager) for corrective_action in found]


async def get_corrective_action(
    store_id: str, corrective_action_id: str, deps: Deps, *, is_manager: bool
) -> CorrectiveActionWithNote:
    """Return one corrective action with the owner's note.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await store.lock(connection, store_id, corrective_action_id)
        encrypted = await store.encrypted_note(connection, store_id, corrective_action_id)
        note = await deps.personal.decrypt(connection, store_id, corrective_action_id, encrypted)
    view = _view(found, is_manager=is_manager)
    return CorrectiveActionWithNote(**view.model_dump(), note=note)


def _view(corrective_action: CorrectiveAction, *, is_manager: bool) -> CorrectiveActionView:
    return CorrectiveActionView(**vars(corrective_action), owner_only=not is_manager)
