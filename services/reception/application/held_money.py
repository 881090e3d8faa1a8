"""Money held (暂存款): its list, and the carry-over to another order."""

from collections.abc import Mapping

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.application.payments import Amount
from services.reception.application.views import OrderView, order_view
from services.reception.domain import held_money
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.order import Order, require_seen
from shared.contracts.base import Identifier
from shared.contracts.reception import PaymentMethod
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class HeldMoney(BaseModel):
    """Customer's money that no invoice has used, in cents, and the customer's money by method."""

    order_id: str
    customer_ref: str | None
    advisor_id: str | None
    status: RepairOrderStatus
    invoice_id: str | None
    deposit_cents: int
    money_by_method: Mapping[PaymentMethod, int]


class CarryOverRequest(VersionedRequest):
    """Request to carry money held over to ``to_order_id``, an order of the same customer."""

    to_order_id: Identifier
    amount_cents: Amount


async def list_held_money(store_id: str, deps: Deps) -> list[HeldMoney]:
    """List the orders with money held (暂存款台账), the oldest first."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.orders_with_deposit(connection, store_id)
    return [_held(order) for order in found]


async def carry_over(uow: UnitOfWork, order_id: str, command: CarryOverRequest) -> OrderView:
    """Carry money held over to another order of the same customer (暂存款转单)."""
    fields = {command.to_order_id: "to_order_id", order_id: "order_id"}
    locked = {
        each: await persistence.lock_order(uow.connection, uow.store_id, each, fields[each])
        for each in sorted(fields)
    }
    require_seen(locked[order_id], command.version)
    source, target, *events = held_money.carry_over(
        locked[order_id],
        locked[command.to_order_id],
        command.amount_cents,
        uow.person,
        uow.now,
    )
    saved = await persistence.save_order(uow, source)
    await persistence.save_order(uow, target)
    uow.publish(events)
    return order_view(saved)


def _held(order: Order) -> HeldMoney:
    account = order.account
    return HeldMoney(
        order_id=order.order_id,
        customer_ref=order.visit.customer_ref,
        advisor_id=order.visit.advisor_id,
        status=order.status,
        invoice_id=account.invoice_id,
        deposit_cents=account.deposit_cents,
        money_by_method=account.money_by_method,
    )
