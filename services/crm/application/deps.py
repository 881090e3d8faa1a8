"""Dependencies of the application functions of customer relations besides the unit of work."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.crm.clients.channels import Sender
from services.crm.clients.config import CrmConfig
from services.crm.domain.message import Channel
from shared.master_data import MasterData
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Configuration, keys, channels and master data of one process of customer relations."""

    uow_factory: UnitOfWorkFactory
    config: CrmConfig
    personal: PersonalData
    channels: Mapping[Channel, Sender]
    master_data: MasterData
