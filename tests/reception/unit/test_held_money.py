"""Held money that is carried over to another order of the same customer (R8)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import held_money, invoicing
from services.reception.domain.invoicing import Paid
from services.reception.domain.order import Order
from shared.contracts.reception import PaymentMethod
from tests.support.orders import (
    NOW,
    invoiced,
    ready,
    violates,
    with_account,
    with_visit,
    with_work,
)

METHODS = st.sampled_from(["cash", "card", "wechat"])


def with_deposits(*deposits: tuple[PaymentMethod, int]) -> Order:
    order = with_work(ready(), lines=())
    account = order.account
    for method, cents in deposits:
        account, _ = invoicing.receive_deposit(account, order.status, Paid("p", method, cents, NOW))
    return replace(order, account=account)


def second(order: Order) -> Order:
    """Return the order as another one."""
    return with_visit(with_work(with_account(order, order_id="o2"), order_id="o2"), order_id="o2")


@given(st.lists(st.tuples(METHODS, st.integers(1, 9_000)), min_size=1, max_size=4), st.data())
def test_carried_over_deposit_keeps_payment_methods(
    deposits: list[tuple[PaymentMethod, int]], data: st.DataObject
) -> None:
    order = with_deposits(*deposits)
    cents = data.draw(st.integers(1, order.account.deposit_cents))
    giving, taking, out, into = held_money.carry_over(order, second(ready()), cents, "a1", NOW)
    source, left, taken = order.account, giving.account, taking.account
    assert left.deposit_cents + taken.deposit_cents == source.deposit_cents
    assert (out.held_cents, into.held_cents) == (left.deposit_cents, taken.deposit_cents)
    for method, before in source.money_by_method.items():
        after = left.money_by_method[method], taken.money_by_method.get(method, 0)
        assert sum(after) == before
        assert min(after) >= 0
    assert sum(taken.money_by_method.values()) == taken.deposit_cents == cents


@pytest.mark.parametrize(
    ("target", "cents", "rule"),
    [
        (with_visit(second(ready()), customer_ref="c2"), 1, "not_to_this_order"),
        (ready(), 1, "not_to_this_order"),
        (second(ready()), 501, "above_money_held"),
        (second(invoiced()), 1, "already_invoiced"),
        (with_work(second(ready()), status="closed"), 1, "invalid_status"),
    ],
)
def test_invalid_carry_over_is_rejected(target: Order, cents: int, rule: str) -> None:
    with violates(rule):
        held_money.carry_over(with_deposits(("cash", 500)), target, cents, "a1", NOW)
