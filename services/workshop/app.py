"""Composition root of the workshop."""

import asyncio

from fastapi import FastAPI

from services.workshop.application.deps import Deps
from services.workshop.application.staffing import schedule_first_looks
from services.workshop.clients.catalog import load_catalog
from services.workshop.clients.config import load_config
from services.workshop.clients.planner import Planner
from services.workshop.entrypoints.events import REACTIONS, STATES
from services.workshop.entrypoints.http import router
from services.workshop.entrypoints.timers import TIMERS
from shared.personal_data import PersonalData
from shared.service import Foundation, service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Build the workshop (车间): capacity, dispatch, clocking and inspection."""
    settings = Settings()
    config, catalog = load_config(settings.group_folder), load_catalog(settings.group_folder)
    personal = PersonalData.from_settings(settings, "workshop")

    def compose(foundation: Foundation) -> Deps:
        return Deps(
            uow_factory=foundation.uow_factory,
            config=config,
            catalog=catalog,
            personal=personal,
            planner=Planner.on_clock(foundation.clock),
            reservation_locks={store_id: asyncio.Lock() for store_id in config.stores},
        )

    return service_app(
        "workshop",
        settings,
        title="Workshop",
        routers=[router],
        reactions=REACTIONS,
        states=STATES,
        timer_handlers=TIMERS,
        compose=compose,
        prepare=_prepare,
    )


async def _prepare(deps: Deps) -> None:
    """Warm up the planner and schedule the staffing check of each store."""
    await deps.planner.warm_up()
    await schedule_first_looks(deps)
