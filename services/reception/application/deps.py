"""Dependencies of reception's application functions besides the unit of work."""

from dataclasses import dataclass
from datetime import date

from services.reception.clients.crm import CrmClient
from services.reception.clients.images import Cleaning
from services.reception.clients.tax_invoices import TaxInvoices
from services.reception.clients.workshop import WorkshopClient
from services.reception.persistence.catalog import Catalog
from shared.credentials import ServiceCredentials
from shared.files import FileStorage
from shared.group import Group, Store
from shared.master_data import MasterData
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class Deps:
    """Readers of master data, clients of other services, files and keys of a reception process."""

    uow_factory: UnitOfWorkFactory
    master_data: MasterData
    group: Group
    catalog: Catalog
    personal: PersonalData
    files: FileStorage
    cleaning: Cleaning
    crm: CrmClient
    tax_invoices: TaxInvoices
    workshop: WorkshopClient
    credentials: ServiceCredentials
    public_url: str

    def today(self, store: Store) -> date:
        """Return the present day of a store."""
        return store.local_day(self.uow_factory.clock.now())
