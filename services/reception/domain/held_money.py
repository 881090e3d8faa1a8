"""Money held (暂存款): deposits that no invoice has used are carried over to another order."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from services.reception.domain import errors
from services.reception.domain.account import OrderAccount
from services.reception.domain.invoicing import require_not_invoiced
from services.reception.domain.lifecycle import require_status
from services.reception.domain.order import Order
from shared.contracts.reception import DepositCarriedOver, DepositTakenOver, PaymentMethod


def carry_over(
    source: Order, target: Order, amount_cents: int, person: str, now: datetime
) -> tuple[Order, Order, DepositCarriedOver, DepositTakenOver]:
    """Carry money held of one order over to another order of the same customer (暂存款转单).

    Raises:
        RuleViolation: it is another customer's, invoiced or over, or less money is held.
    """
    customer_ref = source.visit.customer_ref
    is_same_customer = customer_ref and target.visit.customer_ref == customer_ref
    if target.order_id == source.order_id or not is_same_customer:
        raise errors.not_to_this_order()
    require_status(target.status, "take_deposit")
    require_not_invoiced(target.status, target.account)
    giving, taking = source.account, target.account
    if amount_cents > giving.deposit_cents:
        raise errors.above_money_held(giving.deposit_cents)
    left, carried = dict(giving.money_by_method), dict(taking.money_by_method)
    for method, cents in _by_method(giving, amount_cents):
        left[method] -= cents
        carried[method] = carried.get(method, 0) + cents
    giving = replace(
        giving, deposit_cents=giving.deposit_cents - amount_cents, money_by_method=left
    )
    taking = replace(
        taking, deposit_cents=taking.deposit_cents + amount_cents, money_by_method=carried
    )
    carried_over = DepositCarriedOver(
        store_id=giving.store_id,
        order_id=giving.order_id,
        to_order_id=taking.order_id,
        amount_cents=amount_cents,
        held_cents=giving.deposit_cents,
        carried_over_by=person,
        carried_over_at=now,
    )
    taken_over = DepositTakenOver(
        store_id=taking.store_id,
        order_id=taking.order_id,
        from_order_id=giving.order_id,
        amount_cents=amount_cents,
        held_cents=taking.deposit_cents,
        taken_over_at=now,
    )
    source, target = replace(source, account=giving), replace(target, account=taking)
    return source, target, carried_over, taken_over


def _by_method(account: OrderAccount, amount_cents: int) -> Iterator[tuple[PaymentMethod, int]]:
    """Return the amount by the payment methods that it is made up of."""
    for method in sorted(account.money_by_method):
        cents = min(amount_cents, account.money_by_method[method])
        amount_cents -= cents
        yield method, cents
