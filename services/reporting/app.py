"""Composition root of reporting."""

from fastapi import FastAPI

from services.reporting.application.deps import Deps
from services.reporting.entrypoints.events import LANES, REACTIONS, STATES
from services.reporting.entrypoints.http import router
from services.reporting.entrypoints.timers import TIMERS
from shared.group import Group
from shared.service import service_app
from shared.settings import read_settings


def create_app() -> FastAPI:
    """Build reporting (报表): the log of events, live KPIs and daily reports."""
    settings = read_settings()
    return service_app(
        "reporting",
        settings,
        title="Reporting",
        routers=[router],
        reactions=REACTIONS,
        timer_handlers=TIMERS,
        compose=lambda foundation: Deps(
            foundation.uow_factory, Group(foundation.master_data, foundation.clock)
        ),
        states=STATES,
        lanes=LANES,
    )
