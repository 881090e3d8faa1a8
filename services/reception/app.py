"""Composition root of reception."""

from fastapi import FastAPI

from services.reception.application.appointment_deadlines import AppointmentDeadlines
from services.reception.application.check_deadlines import CheckDeadlines
from services.reception.application.link_messages import LinkMessages
from services.reception.application.photo_deadlines import PhotoDeadlines
from services.reception.application.tax_invoices import TaxInvoiceFiles, TaxInvoicing
from services.reception.clients.catalogue import load_catalogue
from services.reception.clients.crm import CustomerArchive
from services.reception.clients.images import Cleaning
from services.reception.clients.workshop import WorkshopClient
from services.reception.entrypoints import events
from services.reception.entrypoints.http import router
from shared.credentials import ServiceCredentials
from shared.files import FileStore
from shared.personal import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Reception (前台接待): appointments, arrivals, repair orders, delivery and settlement."""
    settings = Settings()
    catalogue = load_catalogue(settings.group_folder)
    service = Service("reception", settings)
    personal = PersonalData.from_settings(settings, "reception")
    credentials = ServiceCredentials(settings, "reception")
    archive = CustomerArchive(settings.crm_url, credentials)
    workshop = WorkshopClient(settings.workshop_url)
    files = FileStore(settings.files)
    link = events.CustomerLink(service, personal, archive)
    tax_invoicing = TaxInvoicing(
        service, TaxInvoiceFiles(settings.tax_invoice_folder, settings.tax_client_answers)
    )
    checks = CheckDeadlines(catalogue.stores, catalogue.check_lists, catalogue.calendar.closed)
    own = events.Handlers(catalogue)
    service.listen(
        events.INTERESTS,
        own.handle,
        {
            **events.deadlines(own, link, tax_invoicing),
            **PhotoDeadlines(service, files).deadlines,
            **checks.deadlines,
            **LinkMessages(service, personal, archive, settings.public_url).deadlines,
            **AppointmentDeadlines(
                service, workshop, archive, credentials, catalogue.stores
            ).deadlines,
        },
    )

    async def prepare() -> None:
        await checks.begin(service.units)

    app = service_app(
        service, title="Reception", stores=catalogue.stores, routers=[router], prepare=prepare
    )
    app.state.catalogue = catalogue
    app.state.personal = personal
    app.state.public_url = settings.public_url
    app.state.credentials = credentials
    app.state.files = files
    app.state.cleaning = Cleaning()
    app.state.archive = archive
    app.state.workshop = workshop
    return app
