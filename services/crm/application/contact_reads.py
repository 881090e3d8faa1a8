"""Reads of names and contact points (查阅记录): who has seen whom, and when."""

from collections.abc import Collection

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.persistence import ContactRead
from shared.db import Connection
from shared.security import Principal


async def note_reads(
    connection: Connection,
    store_id: str,
    customer_refs: Collection[str],
    principal: Principal,
    operation: str,
    deps: Deps,
) -> None:
    """Record that a person has read these contacts, once an hour for each operation."""
    if not customer_refs:
        return
    hour = deps.uow_factory.clock.now().replace(minute=0, second=0, microsecond=0)
    read = ContactRead(read_at=hour, read_by=principal.subject, operation=operation)
    await persistence.add_contact_reads(connection, store_id, customer_refs, read)
