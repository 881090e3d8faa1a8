"""Who calls the customers of a store."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from services.crm.application.deps import Deps
from services.crm.domain.follow_up import callers
from shared.contracts.management import CustomerCareRules
from shared.db import Connection
from shared.group import Store
from shared.master_data import NotDefinedError


class NoAgentError(NotDefinedError):
    """Store without an agent who calls customers."""


async def callers_on(connection: Connection, store_id: str, day: date, deps: Deps) -> Sequence[str]:
    """Return who calls the customers of a store on ``day``.

    Raises:
        NoAgentError: no agent does; the call waits until a person gets the post.
    """
    rules = await deps.group.rules_on(connection, CustomerCareRules, store_id, day)
    staff = await deps.group.staff(connection, store_id, day)
    found = callers(staff, store_id, rules.calling_roles, day)
    if not found:
        raise NoAgentError(f"agents of the store {store_id}")
    return found


def next_day(store: Store, now: datetime) -> datetime:
    """Return when the store's next day begins, on which a person may get the post."""
    return store.day_bounds(store.local_day(now) + timedelta(days=1))[0]
