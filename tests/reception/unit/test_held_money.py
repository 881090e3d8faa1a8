"""Held money that is carried over to another order of the same customer (R8)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import held_money, invoicing
from services.reception.domain.invoicing import Paid
from services.reception.domain.order import Order
from shared.contracts.reception import PaymentMethod
from tests.support.orders import NOW, invoiced, ready, violates

METHODS = st.sampled_from(["cash", "card", "wechat"])


def with_deposits(*deposits: tuple[PaymentMethod, int]) -> Order:
    order = replace(ready(), lines=())
    for method, cents in deposits:
        order, _ = invoicing.receive_deposit(order, Paid("p", method, cents, NOW))
    return order


@given(st.lists(st.tuples(METHODS, st.integers(1, 9_000)), min_size=1, max_size=4), st.data())
def test_carried_over_deposit_keeps_payment_methods(
    deposits: list[tuple[PaymentMethod, int]], data: st.DataObject
) -> None:
    source = with_deposits(*deposits)
    target = replace(ready(), order_id="o2")
    cents = data.draw(st.integers(1, source.deposit_cents))
    left, taken, out, into = held_money.carry_over(source, target, cents, "a1", NOW)
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
        (replace(ready(), order_id="o2", customer_ref="c2"), 1, "not_to_this_order"),
        (ready(), 1, "not_to_this_order"),
        (replace(ready(), order_id="o2"), 501, "above_money_held"),
        (replace(invoiced(), order_id="o2"), 1, "already_invoiced"),
        (replace(ready(), order_id="o2", status="closed"), 1, "invalid_status"),
    ],
)
def test_invalid_carry_over_is_rejected(target: Order, cents: int, rule: str) -> None:
    with violates(rule):
        held_money.carry_over(with_deposits(("cash", 500)), target, cents, "a1", NOW)
