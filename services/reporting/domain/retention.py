"""Defection and retention of a month (流失率, 留存率)."""

from collections.abc import Mapping

LAPSE_MONTHS = 6
"""Months after the one of a visit in which a customer has to come again."""

ACTIVE_MONTHS = 12
"""Months within which a visit makes a customer active."""

_MONTHS = 12


def month_before(month: str, months: int) -> str:
    """Return the month, as YYYY-MM, that is so many months before another, or after it below 0."""
    year, number = map(int, month.split("-"))
    total = year * _MONTHS + number - 1 - months
    return f"{total // _MONTHS:04}-{total % _MONTHS + 1:02}"


def lapse_rate(visited: int, returned: int) -> float | None:
    """Return the share of a month's visitors who did not come again; None without visitors."""
    return None if visited == 0 else 1 - returned / visited


def lapse_rates(by_tier: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """Return the lapse rate of each tier that had visitors, given visited and returned."""
    return {
        tier: rate for tier, counts in by_tier.items() if (rate := lapse_rate(*counts)) is not None
    }


def retention_rate(active_at_start: int, active_at_end: int, new_customers: int) -> float | None:
    """Return the share of a month's active customers who are still active at its end."""
    if active_at_start == 0:
        return None
    return (active_at_end - new_customers) / active_at_start
