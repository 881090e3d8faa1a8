"""Composition root of reporting."""

from fastapi import FastAPI

from services.reporting.application.rectifications import Rectifying, load_owners
from services.reporting.entrypoints import events
from services.reporting.entrypoints.events import Handlers
from services.reporting.entrypoints.http import router
from shared.group import load_stores
from shared.personal_data import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Reporting (报表): the log of events, live figures and daily reports."""
    settings = Settings()
    stores = load_stores(settings.group_folder)
    service = Service("reporting", settings)

    async def catch_up(timeout_s: float) -> bool:
        return await service.consumer.catch_up(timeout_s)

    rectifying = Rectifying(load_owners(settings.group_folder), catch_up)
    own = Handlers(stores, catch_up, rectifying)
    service.subscribe(
        events.SUBSCRIPTIONS,
        own.handle,
        {**own.timer_handlers, **rectifying.timer_handlers},
        lanes=events.LANES,
    )
    app = service_app(service, title="Reporting", stores=stores, routers=[router])
    app.state.places = stores
    app.state.personal = PersonalData.from_settings(settings, "reporting")
    return app
