"""Composition root of the workshop."""

from fastapi import FastAPI

from services.workshop.application.planner import Planner, Workers
from services.workshop.application.staffing import Staffing
from services.workshop.clients.catalogue import load_catalogue
from services.workshop.clients.workforce import load_workforce
from services.workshop.entrypoints.events import INTERESTS, Handlers
from services.workshop.entrypoints.http import router
from shared.personal import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings
from shared.workers import worker


def create_app() -> FastAPI:
    """The workshop (车间): capacity, dispatch, clocking and inspection."""
    settings = Settings()
    workforce = load_workforce(settings.group_folder)
    service = Service("workshop", settings)
    planner = Planner(workforce, service, _workers(service))
    staffing = Staffing(planner, service)
    handlers = Handlers(planner, staffing)

    async def prepare() -> None:
        await planner.start()
        await staffing.begin()

    service.listen(INTERESTS, handlers.handle, handlers.deadlines)
    app = service_app(
        service,
        title="Workshop",
        stores=workforce.stores,
        routers=[router],
        prepare=prepare,
    )
    app.state.planner = planner
    app.state.staffing = staffing
    app.state.catalogue = load_catalogue(settings.group_folder)
    app.state.personal = PersonalData.from_settings(settings, "workshop")
    return app


def _workers(service: Service) -> Workers:
    """On a clock that stands one process computes everything, so that a day repeats itself."""
    if service.clock.stands:
        alone = worker()
        return Workers(alone, alone, alone)
    return Workers(worker(), worker(niceness=2), worker(niceness=5))
