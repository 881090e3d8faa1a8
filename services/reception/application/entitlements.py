"""Entitlements of loyal customers at reception (特别待遇)."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.customers import references_of
from services.reception.application.deps import Deps
from services.reception.application.vehicles import VehicleView
from services.reception.domain import entitlement as entitlements
from services.reception.domain import voucher as vouchers
from services.reception.domain.entitlement import GrantedEntitlement, Recognition
from services.reception.domain.order import Order
from shared.contracts.management import Entitlement, EntitlementKind
from shared.contracts.reception import GrantedKind
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class GrantEntitlementRequest(RequestModel):
    entitlement: GrantedKind


class EntitlementView(BaseModel):
    """What the customer is entitled to, and whether they were given it at this visit.

    ``due_again_at``: the customer was given it before, and gets it again from then on.
    """

    entitlement: EntitlementKind
    value_cents: int | None
    granted_at: datetime | None
    granted_by: str | None
    voucher_id: str | None
    due_again_at: datetime | None


class EntitlementsView(BaseModel):
    """Tier of the customer of a visit with its entitlements; none without a tier."""

    tier: str | None
    entitlements: list[EntitlementView]


async def recognize(uow: UnitOfWork, order_id: str, known: VehicleView) -> None:
    """Keep what customer relations have said about an arriving customer."""
    recognition = Recognition(
        uow.store_id, order_id, known.customer_ref, known.tier, tuple(known.entitlements)
    )
    await persistence.save_recognition(uow.connection, recognition)


async def get_entitlements(store_id: str, order_id: str, deps: Deps) -> EntitlementsView:
    """Return what the customer of a visit is entitled to (特别待遇).

    Raises:
        RuleViolation: there is no such order in the store.
    """
    now = deps.uow_factory.clock.now()
    customer_refs = await references_at_visit(store_id, order_id, deps)
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.find_recognitions(connection, store_id, [order_id])
        given = await persistence.granted_at_visit(connection, store_id, order_id)
        last = await persistence.last_granted(connection, store_id, customer_refs)
    here = {str(each.entitlement): each for each in given}
    return EntitlementsView(
        tier=found[0].tier if found else None,
        entitlements=[
            _view(each, here.get(each.entitlement), last.get(each.entitlement), now)
            for recognition in found
            for each in recognition.entitlements
        ],
    )


async def references_at_visit(store_id: str, order_id: str, deps: Deps) -> Collection[str]:
    """Return all references of the customer of a visit.

    Raises:
        RuleViolation: there is no such order in the store.
    """
    async with deps.uow_factory.read(store_id) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        found = await persistence.find_recognitions(connection, store_id, [order_id])
    return await references_of(store_id, _customer(order, found[0] if found else None), deps)


async def grant_entitlement(
    uow: UnitOfWork,
    order_id: str,
    command: GrantEntitlementRequest,
    customer_refs: Collection[str],
) -> EntitlementView:
    """Give the customer what their tier entitles them to; a voucher is issued (发放礼遇).

    ``customer_refs`` are all references of the customer.

    Raises:
        RuleViolation: there is no such order, the tier does not entitle to it, the customer is not
            in customer records, or was given it at this visit or too lately.
    """
    connection, kind = uow.connection, command.entitlement
    order = await persistence.lock_order(connection, uow.store_id, order_id)
    found = await persistence.find_recognitions(connection, uow.store_id, [order_id])
    recognition = found[0] if found else None
    customer_ref = _customer(order, recognition)
    last = await persistence.last_granted(connection, uow.store_id, customer_refs)
    granted, event = entitlements.grant(
        recognition,
        kind,
        customer_ref,
        last.get(kind),
        voucher_id=str(new_id()) if kind == "voucher" else None,
        by=uow.person,
        now=uow.now,
    )
    entitlement = recognition.find(kind) if recognition else None
    if granted.voucher_id and entitlement:
        issued = entitlements.voucher_of(granted, entitlement)
        uow.publish(vouchers.issue(issued))
        await persistence.add_voucher(connection, issued)
    await persistence.add_granted(connection, granted)
    uow.publish([event])
    return EntitlementView(
        entitlement=kind,
        value_cents=entitlement.value_cents if entitlement else None,
        granted_at=granted.granted_at,
        granted_by=granted.granted_by,
        voucher_id=granted.voucher_id,
        due_again_at=None,
    )


def _view(
    each: Entitlement,
    granted: GrantedEntitlement | None,
    last: GrantedEntitlement | None,
    now: datetime,
) -> EntitlementView:
    return EntitlementView(
        entitlement=each.entitlement,
        value_cents=each.value_cents,
        granted_at=granted.granted_at if granted else None,
        granted_by=granted.granted_by if granted else None,
        voucher_id=granted.voucher_id if granted else None,
        due_again_at=entitlements.due_again(each, last, now),
    )


def _customer(order: Order, recognition: Recognition | None) -> str | None:
    """Return the customer of the order, or the one who was recognized at the arrival."""
    return order.visit.customer_ref or (recognition.customer_ref if recognition else None)
