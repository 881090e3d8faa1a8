"""Dependencies of the application functions of management besides the unit of work."""

from dataclasses import dataclass

from services.management.clients.workbooks import Workbooks
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Keys and workers of one process of management."""

    uow_factory: UnitOfWorkFactory
    personal: PersonalData
    workbooks: Workbooks
