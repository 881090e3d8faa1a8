"""Quotes (报价承诺): what the front desk may promise for new work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.workshop import planning
from services.workshop.application.deps import Deps
from services.workshop.application.snapshots import Snapshot, take_snapshot
from services.workshop.application.workplace import Workplace, capable_elsewhere
from services.workshop.domain import errors
from services.workshop.domain.horizon import check_ahead
from services.workshop.domain.promise_risk import confidence_of
from services.workshop.planning.model import LimitingFactorCode
from services.workshop.planning.real_time import as_assignment, localize_detail, moment
from services.workshop.planning.tasks import RequestedOperation, requested_tasks
from shared.contracts.base import Identifier, Timestamp
from shared.contracts.violations import RuleViolation
from shared.ids import new_id
from shared.request_model import RequestModel


class QuoteRequest(RequestModel):
    """Requested work; for additional work of an open order, ``order_id`` names the order.

    Without ``confidence`` it is that of the rules of promises.
    """

    op_codes: Annotated[list[Identifier], Field(min_length=1, max_length=20)]
    confidence: Annotated[float | None, Field(ge=0.5, le=0.99)] = None
    earliest_start_at: Timestamp | None = None
    latest_start_at: Timestamp | None = None
    order_id: Identifier | None = None


class PlannedJob(BaseModel):
    """Technicians, bay and time of a quoted operation."""

    op_code: str
    technician_ids: Sequence[str]
    bay_id: str
    planned_start_at: datetime
    planned_finish_at: datetime


class LimitingFactorView(BaseModel):
    """Reason why a promise is not earlier (承诺依据), as a code and values."""

    code: LimitingFactorCode
    detail: Mapping[str, str | int]


class QuoteView(BaseModel):
    """A promise, its confidence and its limiting factor."""

    promised_at: datetime
    confidence: float
    limiting_factor: LimitingFactorView
    jobs: Sequence[PlannedJob]


@dataclass(frozen=True)
class Offer:
    """The earliest promise for the requested operations at one version of the plan."""

    plan_version: int
    requested_operations: Sequence[RequestedOperation]
    promise: planning.PromiseQuote

    @property
    def starts_at(self) -> datetime:
        """The time at which the work could begin."""
        return moment(min(assignment.start for assignment in self.promise.assignments))

    @property
    def promised_at(self) -> datetime:
        return moment(self.promise.finish)

    def begins_after(self, latest_start_at: datetime | None) -> bool:
        """Return whether the work could only begin later than requested."""
        return latest_start_at is not None and self.starts_at > latest_start_at


async def quote(store_id: str, request: QuoteRequest, deps: Deps) -> QuoteView:
    """Return the earliest promise for the operations; nothing is reserved.

    Raises:
        RuleViolation: the work could only begin later than requested, or cannot be done here.
    """
    check_wanted(request, deps)
    offer = await compute_offer(
        await take_snapshot(store_id, deps, requested=request.op_codes), request, deps
    )
    if offer.begins_after(request.latest_start_at):
        raise errors.no_capacity(offer.starts_at)
    return view_offer(offer)


def check_wanted(request: QuoteRequest, deps: Deps) -> None:
    """Refuse requested times beyond the planning horizon."""
    now = deps.uow_factory.clock.now()
    for field in ("earliest_start_at", "latest_start_at"):
        check_ahead(field, getattr(request, field), now)


async def compute_offer(snapshot: Snapshot, request: QuoteRequest, deps: Deps) -> Offer:
    """Return the earliest promise for one order's new work, with the store's delivery lead time.

    It never lies before the planned finish of that work plus the delivery lead time.

    Raises:
        RuleViolation: an operation is unknown, or a technician or bay needed is missing here.
    """
    requested_operations = [
        RequestedOperation(str(new_id()), op_code) for op_code in request.op_codes
    ]
    tasks = requested_tasks(
        snapshot.context,
        snapshot.workshop,
        snapshot.jobs.values(),
        requested_operations,
        request.order_id,
        max(request.earliest_start_at or snapshot.taken_at, snapshot.taken_at),
    )
    try:
        promise = await deps.planner.quote(
            snapshot.workshop,
            tasks,
            request.confidence or confidence_of(snapshot.promises),
            snapshot.calibration,
        )
    except planning.CannotPromiseError as error:
        raise await _violation(
            error.infeasibility, requested_operations, snapshot.workplace, deps
        ) from None
    finish = promise.finish + snapshot.context.delivery_lead_minutes
    return Offer(snapshot.version, requested_operations, replace(promise, finish=finish))


def view_offer(offer: Offer) -> QuoteView:
    """Return the view of an offer."""
    promise = offer.promise
    placed = {each.job_id: as_assignment(each) for each in promise.assignments}
    factors = [
        factor for factor in promise.limiting_factors if factor.code != "work"
    ] or promise.limiting_factors
    return QuoteView(
        promised_at=offer.promised_at,
        confidence=promise.confidence,
        limiting_factor=LimitingFactorView(
            code=factors[-1].code, detail=localize_detail(factors[-1].detail, UTC)
        ),
        jobs=[
            PlannedJob(
                op_code=requested.op_code,
                technician_ids=placed[requested.job_id].technician_ids,
                bay_id=placed[requested.job_id].bay_id,
                planned_start_at=placed[requested.job_id].starts_at,
                planned_finish_at=placed[requested.job_id].ends_at,
            )
            for requested in offer.requested_operations
        ],
    )


async def _violation(
    infeasibility: planning.Infeasibility,
    requested_operations: Sequence[RequestedOperation],
    workplace: Workplace,
    deps: Deps,
) -> RuleViolation:
    op_code = next(
        (
            requested.op_code
            for requested in requested_operations
            if requested.job_id == infeasibility.job_id
        ),
        "",
    )
    async with deps.uow_factory.read(workplace.store.id) as connection:
        elsewhere = await capable_elsewhere(connection, op_code, workplace, deps.group)
    return errors.cannot_promise(op_code, infeasibility.code, infeasibility.detail, elsewhere)
