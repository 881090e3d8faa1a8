"""Dependencies of the application functions of management besides the unit of work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.contracts.management import GROUP
from shared.group import GROUP_ZONE, Store
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Stores and keys of one process of management."""

    uow_factory: UnitOfWorkFactory
    stores: Mapping[str, Store]
    personal: PersonalData

    def day(self, store_id: str, moment: datetime) -> date:
        """Return the local day of a store, or of the group, at ``moment``."""
        if store_id == GROUP:
            return moment.astimezone(GROUP_ZONE).date()
        return self.stores[store_id].local_day(moment)
