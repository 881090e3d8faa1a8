"""Composition root of customer relations."""

from fastapi import FastAPI

from services.crm import handlers
from services.crm.directory import load_directory
from services.crm.http import router
from shared.personal import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Customer relations (客服): the archive of persons, and follow-ups."""
    settings = Settings()
    directory = load_directory(settings.group_folder)
    service = Service("crm", settings)
    service.listen(handlers.INTERESTS, handlers.Handlers(directory).handle, handlers.DEADLINES)
    app = service_app(
        service, title="Customer relations", stores=directory.stores, routers=[router]
    )
    app.state.personal = PersonalData.from_file(settings.personal_keys_file)
    return app
