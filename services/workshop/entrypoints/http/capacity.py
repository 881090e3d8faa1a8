"""Quotes and holds: what the front desk may promise."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.workshop import persistence, planning
from services.workshop.application import plan_changes
from services.workshop.application.planner import (
    RequestedOperation,
    Snapshot,
    as_assignment,
    moment,
)
from services.workshop.domain import errors
from services.workshop.domain.horizon import check_ahead
from services.workshop.entrypoints.http.common import FrontOfficeCommand, config_of, planner_of
from services.workshop.persistence import HeldJob, Hold
from shared.commands import CommandContext
from shared.contracts.base import Identifier, Moment
from shared.contracts.violations import unknown
from shared.db import transaction
from shared.duties import serves
from shared.ids import new_id
from shared.problems import unavailable
from shared.request_model import RequestModel
from shared.routing import Router
from shared.security import Principal, require_roles
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")

_HOLD_TTL = timedelta(minutes=15)
_APPOINTMENT_GRACE = timedelta(hours=1)
_ATTEMPTS = 8


class QuoteBody(RequestModel):
    """What is to be done; for additional work of an open order, ``order_id`` says of which."""

    operations: Annotated[list[Identifier], Field(min_length=1, max_length=20)]
    confidence: Annotated[float, Field(ge=0.5, le=0.99)] = 0.95
    earliest_start_at: Moment | None = None
    latest_start_at: Moment | None = None
    order_id: Identifier | None = None


class HoldBody(QuoteBody):
    """With ``latest_promise_at``, nothing is reserved where the promise would be later."""

    replaces: Identifier | None = None
    latest_promise_at: Moment | None = None


class PlannedJob(BaseModel):
    """Where and when a quoted operation would be done."""

    operation_id: str
    technician_ids: Sequence[str]
    bay_id: str
    planned_start_at: datetime
    planned_finish_at: datetime


class QuoteView(BaseModel):
    """A promise, its confidence, and its limiting factor in a code and values."""

    promised_at: datetime
    confidence: float
    limiting_factor: dict[str, Any]
    jobs: Sequence[PlannedJob]


class HoldView(QuoteView):
    hold_id: str
    expires_at: datetime


class HoldState(BaseModel):
    hold_id: str
    status: str


class StalePlanError(Exception):
    """The order's own work may have moved between the computation and the reservation."""


@router.post("/quotes", tags=["capacity"], openapi_extra=serves("R11"))
async def quote(
    request: Request,
    store_id: str,
    body: QuoteBody,
    _: Annotated[Principal, Depends(require_roles("advisor", "agent", "manager", "service"))],
) -> QuoteView:
    """The earliest promise for the operations (报价承诺); nothing is reserved."""
    _check_ahead(request, body)
    snapshot = await planner_of(request).snapshot(store_id)
    requested_operations, promise = await _promise(request, snapshot, body)
    if start_at := _too_late(body, promise):
        raise errors.no_place(start_at)
    return QuoteView(**_quoted(requested_operations, promise))


@router.post(
    "/capacity-holds",
    status_code=201,
    response_model=HoldView,
    tags=["capacity"],
    openapi_extra=serves("R1", "R11"),
)
async def hold_capacity(
    request: Request, body: HoldBody, command: FrontOfficeCommand
) -> JSONResponse:
    """Reserve the earliest promise (产能预留) until an order confirms it or it expires."""
    if previous := await command.previous_response():
        return previous
    _check_ahead(request, body)
    planner = planner_of(request)
    async with planner.reservation_lock(command.store_id):
        for _ in range(_ATTEMPTS):
            snapshot = await planner.snapshot(command.store_id, without_hold=body.replaces)
            requested_operations, promise = await _promise(request, snapshot, body)
            if start_at := _too_late(body, promise):
                raise errors.no_place(start_at, *await _who_was_first(request, command, body))
            promised_at = moment(promise.finish)
            if body.latest_promise_at and promised_at > body.latest_promise_at:
                raise errors.promise_later(promised_at)
            try:
                return await command.run(
                    _reservation(command, body, snapshot, requested_operations, promise), status=201
                )
            except (StalePlanError, persistence.CapacityTakenError):
                continue
    raise unavailable("Capacity, which many are reserving at once,")


@router.post(
    "/capacity-holds/{hold_id}/release",
    response_model=HoldState,
    tags=["capacity"],
    openapi_extra=serves("R11"),
)
async def release_hold(hold_id: str, command: FrontOfficeCommand) -> JSONResponse:
    """Give back what nobody needs any more."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        await persistence.lock_plan(uow.connection, command.store_id)
        hold = await persistence.lock_hold(uow.connection, command.store_id, hold_id)
        if hold is None:
            raise unknown("hold_id", hold_id)
        await plan_changes.release(uow, hold, command.causation)
        status = "released" if hold.status == "held" else hold.status
        return HoldState(hold_id=hold_id, status=status)

    return await command.run(use_case)


def _reservation(
    command: CommandContext,
    body: HoldBody,
    snapshot: Snapshot,
    requested_operations: Sequence[RequestedOperation],
    promise: planning.PromiseQuote,
) -> Callable[[UnitOfWork], Awaitable[BaseModel]]:
    async def use_case(uow: UnitOfWork) -> BaseModel:
        version = await persistence.lock_plan(uow.connection, command.store_id)
        if body.order_id and version != snapshot.version + 1:
            raise StalePlanError
        if body.replaces:
            replaced = await persistence.lock_hold(uow.connection, command.store_id, body.replaces)
            if replaced:
                await plan_changes.release(uow, replaced, command.causation)
        quoted = _quoted(requested_operations, promise)
        placed = {assignment.job_id: assignment for assignment in promise.assignments}
        expires_at = uow.now + _HOLD_TTL
        if body.earliest_start_at:
            expires_at = max(expires_at, body.earliest_start_at + _APPOINTMENT_GRACE)
        hold = Hold(
            hold_id=str(new_id()),
            store_id=command.store_id,
            status="held",
            expires_at=expires_at,
            promised_at=quoted["promised_at"],
            confidence=promise.confidence,
            expected_at=moment(promise.expected),
            spread_minutes=promise.spread_minutes,
            jobs=tuple(
                HeldJob(
                    requested.job_id,
                    requested.operation_id,
                    as_assignment(placed[requested.job_id]),
                )
                for requested in requested_operations
            ),
            made_by=uow.actor,
            made_at=uow.now,
            order_id=body.order_id,
            calibrated_at=moment(promise.calibrated),
        )
        await plan_changes.reserve(uow, hold, command.causation)
        return HoldView(**quoted, hold_id=hold.hold_id, expires_at=hold.expires_at)

    return use_case


async def _promise(
    request: Request, snapshot: Snapshot, body: QuoteBody
) -> tuple[list[RequestedOperation], planning.PromiseQuote]:
    requested_operations = [
        RequestedOperation(str(new_id()), operation_id) for operation_id in body.operations
    ]
    promise = await planner_of(request).quote_promise(
        snapshot,
        requested_operations,
        confidence=body.confidence,
        earliest_start_at=body.earliest_start_at,
        order_id=body.order_id,
    )
    return requested_operations, promise


def _check_ahead(request: Request, body: QuoteBody) -> None:
    now = request.app.state.service.clock.now()
    for field in ("earliest_start_at", "latest_start_at"):
        check_ahead(field, getattr(body, field), now)


def _too_late(body: QuoteBody, promise: planning.PromiseQuote) -> datetime | None:
    """When the work could begin, if that is later than wanted."""
    start_at = moment(min(assignment.start for assignment in promise.assignments))
    return start_at if body.latest_start_at and start_at > body.latest_start_at else None


async def _who_was_first(
    request: Request, command: CommandContext, body: QuoteBody
) -> tuple[str, datetime] | tuple[None, None]:
    """The colleague who last reserved work of the same trades for the time that was wanted, and
    when; nobody where it went to work without a reservation."""
    config, begin = config_of(request), body.earliest_start_at
    trades = {config.operation(operation_id).trade for operation_id in body.operations}
    rivals = [each for each, known in config.operations.items() if known.trade in trades]
    now = request.app.state.service.clock.now()
    async with transaction(request.app.state.uow_factory.pool, [command.store_id]) as connection:
        found = await persistence.last_hold(
            connection, command.store_id, begin or now, body.latest_start_at or now, rivals
        )
    return found or (None, None)


def _quoted(
    requested_operations: Sequence[RequestedOperation], promise: planning.PromiseQuote
) -> dict[str, Any]:
    placed = {assignment.job_id: as_assignment(assignment) for assignment in promise.assignments}
    factors = [
        factor for factor in promise.limiting_factors if factor.code != "work"
    ] or promise.limiting_factors
    return {
        "promised_at": moment(promise.finish),
        "confidence": promise.confidence,
        "limiting_factor": {"code": factors[-1].code, **_localize_detail(factors[-1].detail)},
        "jobs": [
            PlannedJob(
                operation_id=requested.operation_id,
                technician_ids=placed[requested.job_id].technician_ids,
                bay_id=placed[requested.job_id].bay_id,
                planned_start_at=placed[requested.job_id].start_at,
                planned_finish_at=placed[requested.job_id].finish_at,
            )
            for requested in requested_operations
        ],
    }


def _localize_detail(detail: Mapping[str, str | int]) -> dict[str, Any]:
    """Localize the values of a reason: the planner's minutes as real time."""
    return {name: moment(int(value)) if name == "at" else value for name, value in detail.items()}
