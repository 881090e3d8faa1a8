"""Republication (重新公布): newest states announced again for services that lack them (R40)."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.management.application.records import announced
from services.management.domain.references import CollectionName
from services.management.persistence import records
from shared.contracts.base import GROUP, Identifier
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

LARGEST_PORTION = 500
"""Largest number of states in one command."""


class RecordKey(RequestModel):
    """Record in the order in which states are announced again."""

    collection: CollectionName
    record_id: Annotated[str, Field(max_length=250)]


class RepublishRequest(RequestModel):
    """Records to announce: those of a store, or of the group, ``after`` one of them."""

    for_store: Identifier | None = None
    after: RecordKey | None = None


class RepublishResponse(BaseModel):
    """Number of states announced, and the last record; without one, nothing is left to announce."""

    announced: int
    last: RecordKey | None


async def republish(uow: UnitOfWork, command: RepublishRequest) -> RepublishResponse:
    """Announce the next states again, each as the next in its stream (重新公布)."""
    store_id, after = command.for_store or GROUP, command.after
    async with uow.limited_to(store_id) as own:
        locked = await records.lock_defined(
            own.connection,
            store_id,
            (after.collection, after.record_id) if after else None,
            LARGEST_PORTION,
        )
        for each in locked.values():
            uow.publish([announced(each)])
        await records.count_republished(own.connection, locked)
    last = max(locked, default=None)
    return RepublishResponse(
        announced=len(locked),
        last=RecordKey(collection=last[0], record_id=last[1]) if last else None,
    )
