"""Composition root of the workshop."""

from fastapi import FastAPI

from services.workshop.application.planner import Planner, Workers
from services.workshop.application.staffing import Staffing
from services.workshop.clients.catalog import load_catalog
from services.workshop.clients.config import load_config
from services.workshop.entrypoints.events import SUBSCRIPTIONS, Handlers
from services.workshop.entrypoints.http import router
from shared.personal_data import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings
from shared.workers import worker


def create_app() -> FastAPI:
    """The workshop (车间): capacity, dispatch, clocking and inspection."""
    settings = Settings()
    config = load_config(settings.group_folder)
    service = Service("workshop", settings)
    planner = Planner(config, service, _workers(service))
    staffing = Staffing(planner, service)
    handlers = Handlers(planner, staffing)

    async def prepare() -> None:
        await planner.start()
        await staffing.begin()

    service.subscribe(SUBSCRIPTIONS, handlers.handle, handlers.timer_handlers)
    app = service_app(
        service,
        title="Workshop",
        stores=config.stores,
        routers=[router],
        prepare=prepare,
    )
    app.state.planner = planner
    app.state.staffing = staffing
    app.state.catalog = load_catalog(settings.group_folder)
    app.state.personal = PersonalData.from_settings(settings, "workshop")
    return app


def _workers(service: Service) -> Workers:
    """On a clock that stands one process computes everything, so that a day repeats itself."""
    if service.clock.is_paused:
        alone = worker()
        return Workers(alone, alone, alone)
    return Workers(worker(), worker(niceness=2), worker(niceness=5))
