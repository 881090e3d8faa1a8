"""Rhythm of a customer's visits (到店规律), and the moment at which they count as lost (流失).

The interval is the median of the days between visits. Its spread is their median absolute
deviation, times 1.4826, so that it equals the standard deviation of normal data (P. J. Rousseeuw
and C. Croux, "Alternatives to the Median Absolute Deviation", Journal of the American Statistical
Association 88, 1993). An absence is unusual from three spreads above the median on: the
identifier of F. R. Hampel (L. Davies and U. Gather, "The Identification of Multiple Outliers",
same journal, 1993). Both hold up to half of the intervals being atypical.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from shared.contracts.crm import LapseBasis
from shared.contracts.management import DefectionRules

NORMAL_SCALE = 1.4826
UNUSUAL_SPREADS = 3.0
LEAST_SPREAD = 0.25
"""Smallest spread as a share of the interval, as few visits can be equally far apart by chance."""

SAME_OCCASION_DAYS = 7
"""Visits that follow one another within so many days belong to one occasion (同一次维修)."""

_MONTHS = 12
_FULL_BP = 10_000


@dataclass(frozen=True)
class Rhythm:
    """Usual days between a customer's visits, and how much these vary."""

    interval_days: float
    spread_days: float

    @property
    def longest_absence_days(self) -> float:
        """Days without a visit after which the customer counts as lost."""
        return self.interval_days + UNUSUAL_SPREADS * self.spread_days


@dataclass(frozen=True)
class Absence:
    """From when a customer who does not come again is at risk, and from when lost."""

    at_risk_at: datetime
    lapses_at: datetime
    basis: LapseBasis


def occasions(days: Sequence[date]) -> list[date]:
    """Return the days of ``days``, in their order, that begin an occasion of their own."""
    found: list[date] = []
    last: date | None = None
    for day in sorted(days):
        if last is None or (day - last).days > SAME_OCCASION_DAYS:
            found.append(day)
        last = day
    return found


def rhythm(days: Sequence[date], fewest_visits: int) -> Rhythm | None:
    """Estimate the rhythm of visits on these days; with fewer occasions there is none."""
    begun = occasions(days)
    if len(begun) < max(fewest_visits, 2):
        return None
    intervals = [float((later - earlier).days) for earlier, later in pairwise(begun)]
    usual = median(intervals)
    deviation = median(abs(each - usual) for each in intervals)
    return Rhythm(usual, max(NORMAL_SCALE * deviation, LEAST_SPREAD * usual))


def lapse_by_formula(last_visit: date, lapse_months: int) -> date:
    """Return the first day after the ``lapse_months`` calendar months that follow the last visit's.

    A customer of month N−6 who has not come in the months N−5 to N is lost when N has ended.
    """
    months = last_visit.year * _MONTHS + last_visit.month + lapse_months
    return date(months // _MONTHS, months % _MONTHS + 1, 1)


def absence(
    last_visit_at: datetime, own: Rhythm | None, rules: DefectionRules, zone: ZoneInfo
) -> Absence | None:
    """Return when the customer is at risk and lost by the rules.

    None for a customer without a rhythm where that alone counts.
    """
    ends: dict[LapseBasis, datetime] = {}
    if rules.lost_by != "rhythm":
        day = lapse_by_formula(last_visit_at.astimezone(zone).date(), rules.lapse_months)
        ends["formula"] = datetime.combine(day, time.min, zone)
    if own and rules.lost_by != "formula":
        ends["rhythm"] = last_visit_at + timedelta(days=own.longest_absence_days)
    if not ends:
        return None
    basis, lapses_at = min(ends.items(), key=lambda end: (end[1], end[0]))
    at_risk_at = last_visit_at + (lapses_at - last_visit_at) * rules.risk_bp / _FULL_BP
    return Absence(at_risk_at, lapses_at, basis)


def risk_score(last_visit_at: datetime, lapses_at: datetime, now: datetime) -> int:
    """Return the share of the time until the lapse that has passed, in percent, 100 at most."""
    return min(100, 100 * (now - last_visit_at) // (lapses_at - last_visit_at))
