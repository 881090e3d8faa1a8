"""The group folder as customer relations reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from shared.group import Store, load_stores, read_yaml
from shared.working_calendar import WorkingCalendar, load_calendar

_CALLING_HOUR = time(10)


@dataclass(frozen=True)
class CrmConfig:
    """Stores, their agents (客服专员) and the working calendar."""

    stores: Mapping[str, Store]
    agents: Mapping[str, tuple[str, ...]]
    calendar: WorkingCalendar

    def call_due(self, store_id: str, after: datetime) -> datetime:
        """Return ten o'clock, local, on the working day after a delivery or an attempt."""
        store = self.stores[store_id]
        day = self.calendar.next_working_day(store.local_day(after))
        return store.at(day, _CALLING_HOUR).astimezone(UTC)


def load_config(folder: Path) -> CrmConfig:
    """Read the group folder once, when the service starts.

    Raises:
        ValueError: a store has no agent.
    """
    stores = load_stores(folder)
    staff = read_yaml(folder, "staff.yaml")["staff"]
    agents = {
        store_id: tuple(
            sorted(
                person["id"]
                for person in staff
                if "customer_care_agent" in person["roles"] and store_id in person["stores"]
            )
        )
        for store_id in stores
    }
    if missing := [store_id for store_id, ids in agents.items() if not ids]:
        raise ValueError(f"staff.yaml names no agent for {', '.join(missing)}")
    return CrmConfig(stores, agents, load_calendar(folder))
