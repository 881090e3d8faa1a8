"""Dependencies of the application functions of customer relations besides the unit of work."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.crm.clients.channels import Sender
from services.crm.clients.kept_elsewhere import KeptElsewhere
from services.crm.clients.tables import TableFiles
from services.crm.domain.message import Channel
from shared.group import Group
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Keys, channels, the group, files and other services as one process uses them.

    Customers open the pages of their links under ``public_url``.
    """

    uow_factory: UnitOfWorkFactory
    personal: PersonalData
    channels: Mapping[Channel, Sender]
    group: Group
    public_url: str
    tables: TableFiles
    elsewhere: KeptElsewhere
