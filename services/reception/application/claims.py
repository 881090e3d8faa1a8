"""Warranty claims (索赔) from draft to settlement."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application import claim_reminders, dunning
from services.reception.application.changes import save_change
from services.reception.application.deps import Deps
from services.reception.application.settlement import settlement_rules
from services.reception.domain import claim as claims
from services.reception.domain import errors
from services.reception.domain.claim import Claim, ClaimDetails, ClaimStatus
from services.reception.domain.invoicing import Paid
from services.reception.domain.order import LARGEST_ODOMETER_KM
from services.reception.domain.visit import Visit
from shared.contracts import Event
from shared.contracts.base import Identifier
from shared.contracts.reception import (
    ClaimDecision,
    ClaimStep,
    EstimateLine,
    InvoiceIssued,
    PaymentMethod,
)
from shared.contracts.versioned import require_version
from shared.contracts.violations import unknown_code
from shared.db import Connection
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import Version, VersionedRequest
from shared.unit_of_work import UnitOfWork


class RecordClaimDetailsRequest(VersionedRequest):
    """Request to record claim details, as far as they are known."""

    odometer_km: Annotated[int | None, Field(ge=0, le=LARGEST_ODOMETER_KM)] = None
    in_service_date: CalendarDay | None = None
    dtc: Annotated[str | None, Field(pattern=r"^[PBCU][0-9A-F]{4,6}$")] = None
    causal_part_number: Identifier | None = None
    photo_ids: Annotated[list[Identifier], Field(max_length=40)] = []


class ClaimDecisionRequest(VersionedRequest):
    """Manufacturer's decision: the amount it pays, 0 where it rejects the claim, and the reason."""

    approved_cents: Annotated[int, Field(ge=0, le=10**10)]
    code: ClaimDecision


class SettleClaimRequest(VersionedRequest):
    method: PaymentMethod


class ClaimDetailsView(BaseModel):
    odometer_km: int | None
    in_service_date: date | None
    dtc: str | None
    causal_part_number: str | None
    photo_ids: Sequence[str]


class ClaimView(BaseModel):
    """Warranty claim as clients see it.

    ``missing`` names the claim details that it still needs, ``decision`` is the manufacturer's
    latest one.
    """

    claim_id: str
    order_id: str
    status: ClaimStatus
    lines: Sequence[EstimateLine]
    amount_cents: int
    approved_cents: int
    decision: ClaimDecision | None
    decided_at: datetime | None
    claim_details: ClaimDetailsView
    missing: Sequence[str]
    pending_step: ClaimStep | None
    due_at: datetime
    submission_number: int
    version: Version


class ClaimEntry(ClaimView):
    """Claim in the ledger with the order that it is about."""

    queue_number: int
    arrived_at: datetime
    customer_ref: str | None
    plate_ref: str


async def list_claims(
    store_id: str, statuses: Sequence[ClaimStatus], deps: Deps
) -> list[ClaimEntry]:
    """List the claims in one of the statuses (索赔台账), the most urgent first."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_claims(connection, store_id, statuses)
        return await _entries(connection, found)


async def get_claim(store_id: str, claim_id: str, deps: Deps) -> ClaimEntry:
    """Read one claim."""
    async with deps.uow_factory.read(store_id) as connection:
        claim = await persistence.read_claim(connection, store_id, claim_id)
        (entry,) = await _entries(connection, [claim])
    return entry


async def draft_claim(uow: UnitOfWork, visit: Visit, invoice: InvoiceIssued, deps: Deps) -> None:
    """Draft a claim for the manufacturer's share of an invoice, if there is one (R6)."""
    lines = [line for line in invoice.lines if line.pay_type == "warranty"]
    if not lines:
        return
    rules = await settlement_rules(uow.connection, visit.store_id, uow.now, deps)
    claim, events = claims.draft(visit, lines, str(new_id()), rules.claims, uow.now)
    await _save(uow, claim, events, deps)


async def withdraw_claims(uow: UnitOfWork, found: Sequence[Claim], deps: Deps) -> None:
    """Withdraw locked claims whose work is no longer on any invoice (R6)."""
    for each in found:
        await _save(uow, *claims.withdraw(each, uow.person, uow.now), deps)


async def record_claim_details(
    uow: UnitOfWork, claim_id: str, command: RecordClaimDetailsRequest, deps: Deps
) -> ClaimView:
    """Complete the claim details (索赔资料)."""
    today = deps.today(await deps.group.store(uow.connection, uow.store_id))
    part_number = command.causal_part_number
    if part_number and not await deps.catalog.knows_part(uow.connection, part_number, today):
        raise unknown_code("causal_part_number", part_number)
    if command.in_service_date and command.in_service_date > today:
        raise errors.in_the_future("in_service_date")
    claim = await _lock_seen(uow, claim_id, command)
    known = await persistence.known_photos(uow.connection, uow.store_id, command.photo_ids)
    for photo_id in command.photo_ids:
        if photo_id not in known:
            raise unknown_code("photo_ids", photo_id)
    claim_details = ClaimDetails(
        odometer_km=command.odometer_km,
        in_service_date=command.in_service_date,
        dtc=command.dtc,
        causal_part_number=command.causal_part_number,
        photo_ids=tuple(command.photo_ids),
    )
    completed = claims.record_claim_details(claim, claim_details)
    return _view(await persistence.save_claim(uow, completed))


async def submit_claim(
    uow: UnitOfWork, claim_id: str, command: VersionedRequest, deps: Deps
) -> ClaimView:
    """Send the claim to the manufacturer (提交); refused while details are missing."""
    claim = await _lock_seen(uow, claim_id, command)
    rules = await settlement_rules(uow.connection, claim.store_id, uow.now, deps)
    submitted, events = claims.submit(claim, uow.person, rules.claims, uow.now)
    return await _save(uow, submitted, events, deps)


async def record_claim_decision(
    uow: UnitOfWork, claim_id: str, command: ClaimDecisionRequest, deps: Deps
) -> ClaimView:
    """Record the manufacturer's decision (回复)."""
    claim = await _lock_seen(uow, claim_id, command)
    rules = await settlement_rules(uow.connection, claim.store_id, uow.now, deps)
    decided, events = claims.record_decision(
        claim, command.approved_cents, command.code, rules.claims, uow.now
    )
    return await _save(uow, decided, events, deps)


async def settle_claim(
    uow: UnitOfWork, claim_id: str, command: SettleClaimRequest, deps: Deps
) -> ClaimView:
    """Record that the manufacturer has paid what it approved (索赔结算).

    The store bears the rest.
    """
    claim = await _lock_seen(uow, claim_id, command)
    order = await persistence.lock_order(uow.connection, uow.store_id, claim.order_id)
    paid = Paid(str(new_id()), command.method, claim.approved_cents, uow.now)
    settled, changed, events = claims.settle(claim, order, paid, uow.person)
    saved = await save_change(uow, changed)
    await dunning.schedule_next_reminder(uow, saved.account, deps)
    return await _save(uow, settled, events, deps)


async def write_claim_off(
    uow: UnitOfWork, claim_id: str, command: VersionedRequest, deps: Deps
) -> ClaimView:
    """Write the claim off (索赔核销): the store bears it."""
    claim = await _lock_seen(uow, claim_id, command)
    key = (uow.store_id, claim.order_id)
    await persistence.lock_repair_order(uow.connection, *key)
    account = await persistence.read_account(uow.connection, *key)
    given_up, changed, events = claims.write_off_claim(claim, account, uow.person, uow.now)
    await dunning.schedule_next_reminder(uow, await persistence.save_account(uow, changed), deps)
    return await _save(uow, given_up, events, deps)


async def _lock_seen(uow: UnitOfWork, claim_id: str, command: VersionedRequest) -> Claim:
    claim = await persistence.lock_claim(uow.connection, uow.store_id, claim_id)
    require_version(claim, command.version)
    return claim


async def _save(uow: UnitOfWork, claim: Claim, events: Sequence[Event], deps: Deps) -> ClaimView:
    """Save a changed claim, publish its events, and set its next reminder."""
    saved = await persistence.save_claim(uow, claim)
    await claim_reminders.watch(uow, saved, deps)
    uow.publish(events)
    return _view(saved)


async def _entries(connection: Connection, found: Sequence[Claim]) -> list[ClaimEntry]:
    """Return the claims of one store with their orders."""
    if not found:
        return []
    visits = await persistence.visit_summaries(
        connection, found[0].store_id, [each.order_id for each in found]
    )
    return [
        ClaimEntry(**_view(each).model_dump(), **asdict(visits[each.order_id])) for each in found
    ]


def _view(claim: Claim) -> ClaimView:
    return ClaimView(
        claim_id=claim.claim_id,
        order_id=claim.order_id,
        status=claim.status,
        lines=claim.lines,
        amount_cents=claim.amount_cents,
        approved_cents=claim.approved_cents,
        decision=claim.decision,
        decided_at=claim.decided_at,
        claim_details=ClaimDetailsView(**asdict(claim.claim_details)),
        missing=claim.claim_details.missing,
        pending_step=claim.pending_step,
        due_at=claim.due_at,
        submission_number=claim.submission_number,
        version=claim.version,
    )
