"""Nightly runs of a store, which begin with its state."""

from services.crm.application import nightly
from shared.contracts.management import StoreDefined
from shared.envelope import Causation
from tests.support.harness import InProcess


async def begin_nights(crm: InProcess, store_id: str = "S01") -> None:
    """Schedule the nightly runs of customer relations, as the state of the store does."""
    service = crm.app.state.service
    async with service.uow_factory.open([store_id], None, Causation("test", "test")) as uow:
        states = await service.deps.group.master_data.get(uow.connection, StoreDefined, [store_id])
        await nightly.schedule_nights(uow, states[store_id], service.deps)
