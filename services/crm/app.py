"""Composition root of customer relations."""

from fastapi import FastAPI

from services.crm.application.sending import Sending
from services.crm.application.words import Words
from services.crm.clients.catalogue import load_directory
from services.crm.clients.channels import senders
from services.crm.entrypoints import events
from services.crm.entrypoints.http import router
from shared.personal import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Customer relations (客服): the archive of persons, follow-ups and messages to customers."""
    settings = Settings()
    directory = load_directory(settings.group_folder)
    service = Service("crm", settings)
    personal = PersonalData.from_settings(settings, "crm")
    words = Words(personal, directory)
    deadlines = events.deadlines(Sending(service, words, senders(settings)))
    service.listen(events.INTERESTS, events.Handlers(directory).handle, deadlines)
    app = service_app(
        service, title="Customer relations", stores=directory.stores, routers=[router]
    )
    app.state.directory = directory
    app.state.personal = personal
    app.state.words = words
    return app
