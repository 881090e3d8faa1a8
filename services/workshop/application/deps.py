"""Dependencies of the workshop's application functions besides the unit of work."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from services.workshop.clients.catalog import Catalog
from services.workshop.clients.config import WorkshopConfig
from services.workshop.clients.planner import Planner
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Configuration, catalog, keys and planner of one process of the workshop.

    Slots of a store are reserved one after the other, under its lock of ``reservation_locks``.
    """

    uow_factory: UnitOfWorkFactory
    config: WorkshopConfig
    catalog: Catalog
    personal: PersonalData
    planner: Planner
    reservation_locks: Mapping[str, asyncio.Lock]
