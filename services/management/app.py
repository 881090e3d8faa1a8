"""Composition root of management."""

from fastapi import FastAPI

from services.management.application.deps import Deps
from services.management.clients.workbooks import Workbooks
from services.management.entrypoints.events import REACTIONS
from services.management.entrypoints.http import router
from services.management.entrypoints.timers import TIMERS
from services.management.persistence.records import knows_store, posts_of
from shared.personal_data import PersonalData
from shared.service import service_app
from shared.settings import read_settings


def create_app() -> FastAPI:
    """Build management (经营管理): what managers decide, with all its dated versions."""
    settings = read_settings()
    personal = PersonalData.from_settings(settings, "management")
    return service_app(
        "management",
        settings,
        title="Management",
        knows_store=knows_store,
        posts_of=posts_of,
        routers=[router],
        reactions=REACTIONS,
        timer_handlers=TIMERS,
        compose=lambda foundation: Deps(foundation.uow_factory, personal, Workbooks()),
    )
