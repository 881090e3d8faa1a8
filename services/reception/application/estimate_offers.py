"""What the customer sees of an estimate before deciding, at the counter or over a link (报价)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.catalog import Names, named_lines
from services.reception.application.deps import Deps
from services.reception.application.promises import offered_promise
from services.reception.domain.decision import channels_of
from services.reception.domain.estimate import payable_cents
from services.reception.domain.estimate_items import is_divisible, items_of
from services.reception.domain.estimate_version import EstimateVersion, require_awaiting
from services.reception.domain.repair_order import RepairOrder
from services.reception.persistence.catalog import typical_parts
from shared.contracts.reception import PayType, ReportedChannel
from shared.security import Principal


class OfferedLine(Names):
    """One line with its price in cents, tax included; lines of one ``item`` go together."""

    item: str
    kind: Literal["labor", "part"]
    quantity: int
    pay_type: PayType
    amount_cents: int


class PresentedEstimate(BaseModel):
    """Lines and prices of a presented estimate, without personal data.

    Of an offer that is ``divisible`` the customer may want some items only. ``promised_at`` is the
    order's promise if they agree; absent before the order is opened.
    """

    store: Names
    version: int
    additional: bool
    divisible: bool
    lines: Sequence[OfferedLine]
    total_cents: int
    payable_cents: int
    promised_at: datetime | None
    promise_provisional: bool
    expires_at: datetime | None


class Offer(PresentedEstimate):
    """Presented estimate as a colleague sees it, who records the decision over ``channels``."""

    channels: Sequence[ReportedChannel]


async def get_offer(
    store_id: str,
    order_id: str,
    version: int,
    declined: Collection[str],
    deps: Deps,
    principal: Principal,
) -> Offer:
    """Return a version that awaits the customer's decision, by the items on which they decide.

    Includes the promise that the order will have without those ``declined``.
    """
    repair_order, proposal = await read_proposal(store_id, order_id, version, deps)
    presented = await make_offer(repair_order, proposal, declined, deps)
    return Offer(**dict(presented), channels=channels_of(principal.roles))


async def read_proposal(
    store_id: str, order_id: str, version: int, deps: Deps
) -> tuple[RepairOrder, EstimateVersion]:
    """Return the order and the version of its estimate that awaits the customer's decision.

    Raises:
        RuleViolation: the version is not the one to be decided on.
    """
    async with deps.uow_factory.read(store_id) as connection:
        repair_order = await persistence.read_repair_order(connection, store_id, order_id)
        versions = await persistence.estimate_versions(connection, store_id, order_id)
    return repair_order, require_awaiting(repair_order, versions, version)


async def make_offer(
    repair_order: RepairOrder,
    proposal: EstimateVersion,
    declined: Collection[str],
    deps: Deps,
    expires_at: datetime | None = None,
) -> PresentedEstimate:
    """Return the estimate for the customer, valid until ``expires_at`` where it is over a link.

    Its promise is that without the items ``declined``.
    """
    promise = await offered_promise(repair_order, proposal, declined, deps)
    async with deps.uow_factory.read(repair_order.store_id) as connection:
        store = await deps.group.store(connection, repair_order.store_id)
        named = await named_lines(connection, proposal, deps)
    items = items_of(proposal.lines, typical_parts(named))
    return PresentedEstimate(
        store=Names(zh=store.zh, en=store.en),
        version=proposal.version,
        additional=proposal.additional_work_id is not None,
        divisible=is_divisible(repair_order, proposal),
        lines=[
            OfferedLine(
                item=item,
                zh=named[line.kind, line.code].zh,
                en=named[line.kind, line.code].en,
                kind=line.kind,
                quantity=line.quantity,
                pay_type=line.pay_type,
                amount_cents=line.amount_cents,
            )
            for line, item in zip(proposal.lines, items, strict=True)
        ],
        total_cents=proposal.total_cents,
        payable_cents=payable_cents(proposal.lines),
        promised_at=promise.promised_at if promise else None,
        promise_provisional=promise is not None and promise.provisional,
        expires_at=expires_at,
    )
