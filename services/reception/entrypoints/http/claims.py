"""Warranty claims (索赔) from draft to settlement."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application import claim_reminders, receivables
from services.reception.domain import claim as claims
from services.reception.domain import errors
from services.reception.domain.claim import Claim, ClaimStatus, Evidence
from services.reception.domain.order import Order
from services.reception.domain.settlement import Paid
from services.reception.entrypoints.http.access import (
    Advisor,
    Manager,
    Office,
    catalog_of,
    store_router,
)
from services.reception.entrypoints.http.orders import LARGEST_ODOMETER_KM
from shared.commands import CommandContext
from shared.contracts import Event
from shared.contracts.base import Identifier
from shared.contracts.reception import ClaimAnswer, ClaimAwaits, EstimateLine, PaymentMethod
from shared.contracts.versioned import require_version
from shared.contracts.violations import unknown_code
from shared.db import Connection, transaction
from shared.duties import serves
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import Seen, Version
from shared.unit_of_work import UnitOfWork

router = store_router()


class RecordEvidence(Seen):
    """All that is known."""

    odometer_km: Annotated[int | None, Field(ge=0, le=LARGEST_ODOMETER_KM)] = None
    in_service_on: CalendarDay | None = None
    fault_code: Annotated[str | None, Field(pattern=r"^[PBCU][0-9A-F]{4,6}$")] = None
    part_no: Identifier | None = None
    photo_ids: Annotated[list[Identifier], Field(max_length=40)] = []


class RecordAnswer(Seen):
    """What the manufacturer pays, 0 where it rejects the claim, and why."""

    approved_cents: Annotated[int, Field(ge=0, le=10**10)]
    code: ClaimAnswer


class SettleClaim(Seen):
    method: PaymentMethod


class EvidenceView(BaseModel):
    odometer_km: int | None
    in_service_on: date | None
    fault_code: str | None
    part_no: str | None
    photo_ids: Sequence[str]


class ClaimView(BaseModel):
    """One claim; ``missing`` names the evidence that it still needs, ``answer`` is what the
    manufacturer said last."""

    claim_id: str
    order_id: str
    status: ClaimStatus
    lines: Sequence[EstimateLine]
    amount_cents: int
    approved_cents: int
    answer: ClaimAnswer | None
    answered_at: datetime | None
    evidence: EvidenceView
    missing: Sequence[str]
    awaits: ClaimAwaits | None
    due_at: datetime
    round: int
    version: Version


class ClaimEntry(ClaimView):
    """A claim in the ledger, and whose order it is about."""

    queue_number: int
    arrived_at: datetime
    customer_ref: str | None
    plate_ref: str


@router.get("/claims", tags=["claims"], openapi_extra=serves("R6", "R32"))
async def list_claims(
    request: Request,
    store_id: str,
    _: Office,
    status: Annotated[list[ClaimStatus], Query(max_length=10)],
) -> list[ClaimEntry]:
    """Claims at one of the statuses (索赔台账), the most urgent first."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        return await _entries(
            connection, await persistence.list_claims(connection, store_id, status)
        )


@router.get("/claims/{claim_id}", tags=["claims"], openapi_extra=serves("R6"))
async def get_claim(request: Request, store_id: str, claim_id: str, _: Office) -> ClaimEntry:
    """One claim."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        claim = await persistence.read_claim(connection, store_id, claim_id)
        (entry,) = await _entries(connection, [claim])
    return entry


@router.post(
    "/claims/{claim_id}/evidence",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6"),
)
async def record_evidence(
    request: Request, claim_id: str, body: RecordEvidence, command: Advisor
) -> JSONResponse:
    """Complete the evidence (索赔资料)."""
    known = catalog_of(request)
    if body.part_no is not None and body.part_no not in known.part_price_cents:
        raise unknown_code("part_no", body.part_no)
    place = known.stores[command.store_id]
    if body.in_service_on and body.in_service_on > place.local_day(
        request.app.state.service.clock.now()
    ):
        raise errors.in_the_future("in_service_on")
    evidence = Evidence(
        odometer_km=body.odometer_km,
        in_service_on=body.in_service_on,
        fault_code=body.fault_code,
        part_no=body.part_no,
        photo_ids=tuple(body.photo_ids),
    )

    async def use_case(uow: UnitOfWork) -> BaseModel:
        claim = await persistence.lock_claim(uow.connection, command.store_id, claim_id)
        require_version(claim, body.version)
        known = await persistence.known_photos(uow.connection, command.store_id, evidence.photo_ids)
        for photo_id in evidence.photo_ids:
            if photo_id not in known:
                raise unknown_code("photo_ids", photo_id)
        completed = claims.record_evidence(claim, evidence)
        return _view(await persistence.save_claim(uow, completed))

    return await command.run(use_case)


@router.post(
    "/claims/{claim_id}/submission",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6"),
)
async def submit_claim(
    request: Request, claim_id: str, body: Seen, command: Advisor
) -> JSONResponse:
    """The claim goes to the manufacturer (提交); refused while evidence is missing."""
    rules = catalog_of(request).claim_rules

    async def use_case(uow: UnitOfWork) -> BaseModel:
        claim = await persistence.lock_claim(uow.connection, command.store_id, claim_id)
        require_version(claim, body.version)
        submitted, events = claims.submit(claim, command.principal.subject, rules, uow.now)
        uow.publish(events, command.causation)
        await claim_reminders.watch(uow, submitted, rules)
        return _view(await persistence.save_claim(uow, submitted))

    return await command.run(use_case)


@router.post(
    "/claims/{claim_id}/answer",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6"),
)
async def record_answer(
    request: Request, claim_id: str, body: RecordAnswer, command: Advisor
) -> JSONResponse:
    """The manufacturer has answered (回复)."""
    rules = catalog_of(request).claim_rules

    async def use_case(uow: UnitOfWork) -> BaseModel:
        claim = await persistence.lock_claim(uow.connection, command.store_id, claim_id)
        require_version(claim, body.version)
        answered, events = claims.answer(claim, body.approved_cents, body.code, rules, uow.now)
        uow.publish(events, command.causation)
        await claim_reminders.watch(uow, answered, rules)
        return _view(await persistence.save_claim(uow, answered))

    return await command.run(use_case)


@router.post(
    "/claims/{claim_id}/settlement",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6", "R8"),
)
async def settle_claim(
    request: Request, claim_id: str, body: SettleClaim, command: Advisor
) -> JSONResponse:
    """The manufacturer has paid what it approved (索赔结算); the store bears the rest."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        claim = await persistence.lock_claim(uow.connection, command.store_id, claim_id)
        require_version(claim, body.version)
        order = await persistence.lock_order(uow.connection, command.store_id, claim.order_id)
        paid = Paid(str(new_id()), body.method, claim.approved_cents, uow.now)
        settled, changed, events = claims.settle(claim, order, paid, command.principal.subject)
        return await _close(request, uow, command, settled, changed, events)

    return await command.run(use_case)


@router.post(
    "/claims/{claim_id}/write-off",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6", "R8"),
)
async def write_claim_off(
    request: Request, claim_id: str, body: Seen, command: Manager
) -> JSONResponse:
    """Nothing will be paid (索赔核销): the store bears it."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        claim = await persistence.lock_claim(uow.connection, command.store_id, claim_id)
        require_version(claim, body.version)
        order = await persistence.lock_order(uow.connection, command.store_id, claim.order_id)
        given_up, changed, events = claims.give_up(claim, order, command.principal.subject, uow.now)
        return await _close(request, uow, command, given_up, changed, events)

    return await command.run(use_case)


async def _close(
    request: Request,
    uow: UnitOfWork,
    command: CommandContext,
    claim: Claim,
    order: Order,
    events: Sequence[Event],
) -> ClaimView:
    """Save a claim that has ended with its order; nobody is reminded any more."""
    known = catalog_of(request)
    uow.publish(events, command.causation)
    saved = await persistence.save_order(uow, order)
    await receivables.watch(uow, saved, known.overdue_days)
    await claim_reminders.watch(uow, claim, known.claim_rules)
    return _view(await persistence.save_claim(uow, claim))


async def _entries(connection: Connection, found: Sequence[Claim]) -> list[ClaimEntry]:
    """The claims of one store with their orders."""
    if not found:
        return []
    orders = await persistence.repair_order_summaries(
        connection, found[0].store_id, [each.order_id for each in found]
    )
    return [
        ClaimEntry(**_view(each).model_dump(), **asdict(orders[each.order_id])) for each in found
    ]


def _view(claim: Claim) -> ClaimView:
    return ClaimView(
        claim_id=claim.claim_id,
        order_id=claim.order_id,
        status=claim.status,
        lines=claim.lines,
        amount_cents=claim.amount_cents,
        approved_cents=claim.approved_cents,
        answer=claim.answer,
        answered_at=claim.answered_at,
        evidence=EvidenceView(**asdict(claim.evidence)),
        missing=claim.evidence.missing,
        awaits=claim.awaits,
        due_at=claim.due_at,
        round=claim.round,
        version=claim.version,
    )
