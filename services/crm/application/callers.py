"""Who calls the customers of a store."""

from collections.abc import Sequence
from datetime import date

from services.crm.application.deps import Deps
from services.crm.domain.follow_up import callers
from shared.db import Connection
from shared.master_data import NotDefinedError


async def callers_on(connection: Connection, store_id: str, day: date, deps: Deps) -> Sequence[str]:
    """Return who calls the customers of a store on ``day``.

    Raises:
        NotDefinedError: nobody does; the call waits until somebody gets the post.
    """
    found = callers(await deps.group.staff(connection, store_id, day), store_id, day)
    if not found:
        raise NotDefinedError(f"agents of the store {store_id}")
    return found
