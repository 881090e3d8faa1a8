"""Insurance renewal of a month (续保率): what the store sold, against a year before."""

from collections.abc import Mapping
from dataclasses import dataclass

REFERENCES: Mapping[str, tuple[float, float]] = {
    "renewal_rate": (0.6, 0.75),
    "renewal_new_rate": (0.4, 0.55),
    "renewal_again_rate": (0.7, 0.85),
    "renewal_reach_rate": (0.3, 0.45),
}
"""What a store reaches as a rule, and what a good one does (参考值)."""


@dataclass(frozen=True)
class PoliciesSold:
    """Policies that a store sold and that begin in a month, by what they follow on.

    ``renewals`` follow on an earlier policy; of these, ``renewals_again`` on one that was a renewal
    itself, and ``renewals_of_new`` on one that was not.
    """

    new: int
    renewals: int
    renewals_of_new: int
    renewals_again: int


def renewal_rate(sold: PoliciesSold, year_before: PoliciesSold) -> float | None:
    """Return renewals ÷ (new policies + renewals of the year before) (综合续保率)."""
    return _rate(sold.renewals, year_before.new + year_before.renewals)


def renewal_new_rate(sold: PoliciesSold, year_before: PoliciesSold) -> float | None:
    """Return renewals of new policies ÷ new policies of the year before (新转续)."""
    return _rate(sold.renewals_of_new, year_before.new)


def renewal_again_rate(sold: PoliciesSold, year_before: PoliciesSold) -> float | None:
    """Return renewals of renewals ÷ renewals of the year before (续转续)."""
    return _rate(sold.renewals_again, year_before.renewals)


def renewal_reach_rate(sold: PoliciesSold, visitors: int) -> float | None:
    """Return renewals ÷ distinct visitors of the month a year before (渗透率)."""
    return _rate(sold.renewals, visitors)


def _rate(renewed: int, base: int) -> float | None:
    return None if base == 0 else renewed / base
