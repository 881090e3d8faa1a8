"""The daily report (日报) of a store's business day, from closing to closing."""

from dataclasses import dataclass
from datetime import date, datetime

from shared.contracts.reporting import DailyReportPublished, Figures


@dataclass(frozen=True)
class BusinessDay:
    """A business day (营业日) of a store: what happens at or after ``begin`` and before ``end``."""

    store_id: str
    day: date
    begin: datetime
    end: datetime


def report(
    business_day: BusinessDay,
    figures: Figures,
    earlier: DailyReportPublished | None,
    now: datetime,
) -> list[DailyReportPublished]:
    """Publish the day's report, or a revision of the ``earlier`` one if a total has changed."""
    if earlier and _totals(earlier) == _totals(figures):
        return []
    return [
        DailyReportPublished(
            store_id=business_day.store_id,
            day=business_day.day.isoformat(),
            covers_from=business_day.begin,
            covers_until=business_day.end,
            revision=earlier.revision + 1 if earlier else 1,
            published_at=now,
            **dict(figures),
        )
    ]


def _totals(figures: Figures) -> dict[str, int]:
    """Counts and amounts: what the reports of a month add up to, unlike ratios."""
    values = {name: getattr(figures, name) for name in Figures.model_fields}
    return {name: value for name, value in values.items() if isinstance(value, int)}
