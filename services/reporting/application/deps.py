"""Dependencies of the application functions of reporting besides the unit of work."""

from dataclasses import dataclass

from shared.group import Group
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """The group as one process of reporting uses it."""

    uow_factory: UnitOfWorkFactory
    group: Group
