"""Discounts (优惠): requested, approved by a second person, withdrawn."""

from collections.abc import Collection

from services.reception.application.changes import lock_seen, save_change
from services.reception.application.deps import Deps
from services.reception.application.payments import Amount
from services.reception.application.settlement import settlement_rules
from services.reception.application.views import OrderView, order_view
from services.reception.domain import invoicing
from shared.contracts.reception import DiscountReason
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class DiscountRequest(VersionedRequest):
    amount_cents: Amount
    reason: DiscountReason


async def request_discount(
    uow: UnitOfWork, order_id: str, command: DiscountRequest, roles: Collection[str], deps: Deps
) -> OrderView:
    """Request a discount on what the customer pays (优惠).

    Above the limit of the caller's ``roles`` it waits for another person's approval.
    """
    order = await lock_seen(uow, order_id, command.version)
    rules = await settlement_rules(uow.connection, uow.store_id, uow.now, deps)
    limit_bp = invoicing.discount_limit_bp(roles, rules.discount_limit_bp)
    changed, events = invoicing.request_discount(
        order, command.amount_cents, command.reason, uow.person, limit_bp
    )
    return order_view(await save_change(uow, changed, events))


async def approve_discount(
    uow: UnitOfWork, order_id: str, command: VersionedRequest, roles: Collection[str], deps: Deps
) -> OrderView:
    """Approve a discount (优惠审批) that another user has requested.

    The limit of the caller's ``roles`` applies.
    """
    order = await lock_seen(uow, order_id, command.version)
    rules = await settlement_rules(uow.connection, uow.store_id, uow.now, deps)
    limit_bp = invoicing.discount_limit_bp(roles, rules.discount_limit_bp)
    changed, events = invoicing.approve_discount(order, uow.person, limit_bp)
    return order_view(await save_change(uow, changed, events))


async def withdraw_discount(uow: UnitOfWork, order_id: str, command: VersionedRequest) -> OrderView:
    """Withdraw a discount that waits for its approval (撤回优惠), or decline it."""
    order = await lock_seen(uow, order_id, command.version)
    return order_view(await save_change(uow, invoicing.withdraw_discount(order)))
