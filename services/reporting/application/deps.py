"""Dependencies of the application functions of reporting besides the unit of work."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.reporting.clients.owners import Owners
from shared.group import Store
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Stores, owners of corrective actions and keys of one process of reporting."""

    uow_factory: UnitOfWorkFactory
    stores: Mapping[str, Store]
    owners: Owners
    personal: PersonalData
