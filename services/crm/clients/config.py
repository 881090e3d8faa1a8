"""The group folder as customer relations reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from services.crm.clients.loyalty import load_loyalty_rules
from services.crm.clients.templates import MessageRules, load_message_rules
from services.crm.domain.loyalty import LoyaltyRule, rule_on
from shared.group import Store, load_stores, read_yaml
from shared.working_calendar import WorkingCalendar, load_calendar

_CALLING_HOUR = time(10)


@dataclass(frozen=True)
class CrmConfig:
    """Stores, their agents (客服专员), the working calendar, rules of messages and of loyalty."""

    stores: Mapping[str, Store]
    agents: Mapping[str, tuple[str, ...]]
    calendar: WorkingCalendar
    messages: Mapping[str, MessageRules]
    loyalty: Sequence[LoyaltyRule]

    def call_due(self, store_id: str, after: datetime) -> datetime:
        """Return ten o'clock, local, on the working day after a delivery or an attempt."""
        store = self.stores[store_id]
        day = self.calendar.next_working_day(store.local_day(after))
        return store.at(day, _CALLING_HOUR).astimezone(UTC)

    def loyalty_rule(self, store_id: str, now: datetime) -> LoyaltyRule:
        """Return the version of the rule that holds on the store's day."""
        return rule_on(self.loyalty, self.stores[store_id].local_day(now))


def load_config(folder: Path) -> CrmConfig:
    """Read the group folder once, when the service starts.

    Raises:
        ValueError: a store has no agent, or a message has no text.
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
    return CrmConfig(
        stores,
        agents,
        load_calendar(folder),
        load_message_rules(folder, stores),
        load_loyalty_rules(folder),
    )
