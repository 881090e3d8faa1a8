"""Business days (营业日) of a store, from closing to closing."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.contracts.management import StoreDefined
from shared.group import Store


@dataclass(frozen=True)
class BusinessDays:
    """Business days (营业日), each of which ends at the closing hour decided for it."""

    state: StoreDefined

    def day_of(self, moment: datetime) -> date:
        """Return the business day of ``moment``.

        A moment at or after closing belongs to the next business day.
        """
        store = Store.of(self.state, moment)
        day = store.local_day(moment)
        return day if moment < store.at(day, store.closing) else day + timedelta(days=1)

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return the closing times of the day before and of ``day``."""
        return self._closing(day - timedelta(days=1)), self._closing(day)

    def _closing(self, day: date) -> datetime:
        store = Store.on(self.state, day)
        return store.at(day, store.closing)
