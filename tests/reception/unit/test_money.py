"""Allocation of money without a lost or added cent (R4, R8)."""

from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain.money import allocate

WEIGHTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=20)


@given(st.integers(0, 10**9), WEIGHTS)
def test_allocated_amounts_sum_to_total(total: int, weights: list[int]) -> None:
    shares = allocate(total, weights)
    assert sum(shares) == total
    whole = sum(weights)
    if whole:
        for share, weight in zip(shares, weights, strict=True):
            assert abs(share * whole - total * weight) < whole


@given(st.data(), WEIGHTS.filter(any))
def test_allocated_amount_never_exceeds_its_weight(data: st.DataObject, weights: list[int]) -> None:
    total = data.draw(st.integers(0, sum(weights)))
    shares = allocate(total, weights)
    assert all(share <= weight for share, weight in zip(shares, weights, strict=True))
