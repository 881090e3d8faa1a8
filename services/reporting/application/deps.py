"""Dependencies of the application functions of reporting besides the unit of work."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.reporting.clients.staff import Staff
from shared.group import Store
from shared.master_data import MasterData
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Stores, staff, keys and master data of one process of reporting."""

    uow_factory: UnitOfWorkFactory
    stores: Mapping[str, Store]
    staff: Staff
    personal: PersonalData
    master_data: MasterData
