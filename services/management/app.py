"""Composition root of management."""

from fastapi import FastAPI

from services.management.application.deps import Deps
from services.management.entrypoints.events import REACTIONS
from services.management.entrypoints.http import router
from services.management.entrypoints.timers import TIMERS
from shared.group import load_stores
from shared.personal_data import PersonalData
from shared.service import service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Build management (经营管理): what managers decide, with all its dated versions."""
    settings = Settings()
    stores = load_stores(settings.group_folder)
    personal = PersonalData.from_settings(settings, "management")
    return service_app(
        "management",
        settings,
        title="Management",
        stores=stores,
        routers=[router],
        reactions=REACTIONS,
        timer_handlers=TIMERS,
        compose=lambda foundation: Deps(foundation.uow_factory, stores, personal),
    )
