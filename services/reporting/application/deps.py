"""Dependencies of the application functions of reporting besides the unit of work."""

from dataclasses import dataclass

from services.reporting.clients.staff import Staff
from shared.group import Group
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Staff, keys and the group as one process of reporting uses them."""

    uow_factory: UnitOfWorkFactory
    staff: Staff
    personal: PersonalData
    group: Group
