"""Composition root of reception."""

from fastapi import FastAPI

from services.reception.application.appointment_timers import AppointmentTimers
from services.reception.application.check_timers import CheckTimers
from services.reception.application.link_messages import LinkMessages
from services.reception.application.photo_timers import PhotoTimers
from services.reception.application.tax_invoices import TaxInvoiceFiles, TaxInvoicing
from services.reception.clients.catalog import load_catalog
from services.reception.clients.crm import CustomerArchive
from services.reception.clients.images import Cleaning
from services.reception.clients.workshop import WorkshopClient
from services.reception.entrypoints import events
from services.reception.entrypoints.http import router
from shared.credentials import ServiceCredentials
from shared.files import FileStorage
from shared.personal_data import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Reception (前台接待): appointments, arrivals, repair orders, delivery and settlement."""
    settings = Settings()
    catalog = load_catalog(settings.group_folder)
    service = Service("reception", settings)
    personal = PersonalData.from_settings(settings, "reception")
    credentials = ServiceCredentials(settings, "reception")
    archive = CustomerArchive(settings.crm_url, credentials)
    workshop = WorkshopClient(settings.workshop_url)
    files = FileStorage(settings.files)
    link = events.CustomerLink(service, personal, archive)
    tax_invoicing = TaxInvoicing(
        service, TaxInvoiceFiles(settings.tax_invoice_folder, settings.tax_client_responses)
    )
    checks = CheckTimers(catalog.stores, catalog.check_lists, catalog.calendar.closed)
    own = events.Handlers(catalog)
    service.subscribe(
        events.SUBSCRIPTIONS,
        own.handle,
        {
            **events.timer_handlers(own, link, tax_invoicing),
            **PhotoTimers(service, files).timer_handlers,
            **checks.timer_handlers,
            **LinkMessages(service, personal, archive, settings.public_url).timer_handlers,
            **AppointmentTimers(
                service, workshop, archive, credentials, catalog.stores
            ).timer_handlers,
        },
    )

    async def prepare() -> None:
        await checks.begin(service.uow_factory)

    app = service_app(
        service, title="Reception", stores=catalog.stores, routers=[router], prepare=prepare
    )
    app.state.catalog = catalog
    app.state.personal = personal
    app.state.public_url = settings.public_url
    app.state.credentials = credentials
    app.state.files = files
    app.state.cleaning = Cleaning()
    app.state.archive = archive
    app.state.workshop = workshop
    return app
