"""Composition root of reception."""

from fastapi import FastAPI

from services.reception.application.deps import Deps
from services.reception.clients.crm import CrmClient
from services.reception.clients.images import Cleaning
from services.reception.clients.tax_invoices import TaxInvoiceFiles
from services.reception.clients.workshop import WorkshopClient
from services.reception.entrypoints.events import REACTIONS, STATE_REACTIONS, STATES
from services.reception.entrypoints.http import router
from services.reception.entrypoints.timers import TIMERS
from services.reception.persistence.catalog import Catalog
from shared.credentials import ServiceCredentials
from shared.files import FileStorage
from shared.group import Group
from shared.personal_data import PersonalData
from shared.service import Foundation, service_app
from shared.settings import read_settings


def create_app() -> FastAPI:
    """Reception (前台接待): appointments, arrivals, repair orders, delivery and invoicing."""
    settings = read_settings()

    def compose(foundation: Foundation) -> Deps:
        credentials = ServiceCredentials(settings, "reception")
        return Deps(
            uow_factory=foundation.uow_factory,
            master_data=foundation.master_data,
            group=Group(foundation.master_data, foundation.clock),
            catalog=Catalog(foundation.master_data),
            personal=PersonalData.from_settings(settings, "reception"),
            files=FileStorage(settings.files, settings.files_secret_key),
            cleaning=Cleaning(),
            crm=CrmClient(settings.crm_url, credentials),
            workshop=WorkshopClient(settings.workshop_url),
            tax_invoices=TaxInvoiceFiles(
                settings.tax_invoice_folder, settings.tax_client_responses
            ),
            credentials=credentials,
            public_url=settings.public_url,
        )

    return service_app(
        "reception",
        settings,
        title="Reception",
        routers=[router],
        reactions=REACTIONS,
        timer_handlers=TIMERS,
        compose=compose,
        states=STATES,
        state_reactions=STATE_REACTIONS,
    )
