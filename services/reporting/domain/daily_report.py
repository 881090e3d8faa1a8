"""The daily report (日报) of a store's business day, from closing to closing."""

from dataclasses import dataclass
from datetime import date, datetime

from shared.contracts.reporting import DailyKpis, DailyReportPublished


@dataclass(frozen=True)
class BusinessDay:
    """A business day (营业日) of a store: what happens at or after ``begin`` and before ``end``."""

    store_id: str
    day: date
    begin: datetime
    end: datetime


def report(
    business_day: BusinessDay,
    kpis: DailyKpis,
    earlier: DailyReportPublished | None,
    now: datetime,
) -> list[DailyReportPublished]:
    """Publish the day's report, or a revision of the ``earlier`` one if a total has changed."""
    if earlier and _totals(earlier) == _totals(kpis):
        return []
    return [
        DailyReportPublished(
            store_id=business_day.store_id,
            day=business_day.day.isoformat(),
            covers_from=business_day.begin,
            covers_until=business_day.end,
            revision=earlier.revision + 1 if earlier else 1,
            published_at=now,
            **dict(kpis),
        )
    ]


def _totals(kpis: DailyKpis) -> dict[str, int]:
    """Return counts and amounts, which add up to those of a month, unlike ratios."""
    values = {name: getattr(kpis, name) for name in DailyKpis.model_fields}
    return {name: value for name, value in values.items() if isinstance(value, int)}
