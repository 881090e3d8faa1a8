"""Republication of all states of management, through the commands of an operator."""

from collections.abc import AsyncIterator

from deploy.management import TokenSource, open_management
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import RecordKey, RepublishRequest
from shared.ids import new_id


async def republish_all(management_url: str, tokens: TokenSource) -> AsyncIterator[int]:
    """Announce the newest state of every record again, and yield the number of each portion.

    The group's come first, then those of each store.

    Raises:
        ServiceUnavailableError: management does not respond; the command can be repeated.
    """
    async with open_management(management_url, tokens, "republish", "operator") as management:
        async for announced in _of_owner(management, None):
            yield announced
        async for store_id in _stores(management):
            async for announced in _of_owner(management, store_id):
                yield announced


async def _of_owner(management: ManagementApi, store_id: str | None) -> AsyncIterator[int]:
    last: RecordKey | None = None
    while True:
        body = RepublishRequest(for_store=store_id, after=last)
        response = await management.republish(body, idempotency_key=str(new_id()))
        if response.last is None:
            return
        yield response.announced
        last = response.last


async def _stores(management: ManagementApi) -> AsyncIterator[str]:
    after = ""
    while page := await management.list_stores(after=after):
        for each in page:
            yield each.record_id
        after = page[-1].record_id
