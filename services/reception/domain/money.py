"""Integer cents (分): rounding, contained tax, and sums allocated without losing a cent."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal


def rounded_cents(amount: Decimal) -> int:
    """Round to cents; half a cent and more goes up."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def included_tax(total_cents: int, rate_bp: int) -> int:
    """Return the tax in a price with tax, ``rate_bp`` in basis points (1300 = 13 %)."""
    return rounded_cents(Decimal(total_cents) * rate_bp / (10_000 + rate_bp))


def allocate(total_cents: int, weights: Sequence[int]) -> list[int]:
    """Allocate ``total_cents`` by ``weights`` into shares which sum exactly to it (分摊).

    Each share is rounded down; the cents that remain go, one each, to the largest remainders, the
    earlier first. Without any weight the shares are alike.
    """
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    shares = [total_cents * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda place: -(total_cents * weights[place] % whole)
    )
    for place in by_remainder[: total_cents - sum(shares)]:
        shares[place] += 1
    return shares
