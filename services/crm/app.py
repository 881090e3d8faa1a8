"""Composition root of customer relations."""

from fastapi import FastAPI

from services.crm.application.deps import Deps
from services.crm.clients.channels import senders
from services.crm.entrypoints.events import REACTIONS, STATES
from services.crm.entrypoints.http import router
from services.crm.entrypoints.timers import TIMERS
from shared.group import Group
from shared.personal_data import PersonalData
from shared.service import service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Build customer relations (客服): customer records, follow-ups and messages to customers."""
    settings = Settings()
    personal = PersonalData.from_settings(settings, "crm")
    channels = senders(settings)
    return service_app(
        "crm",
        settings,
        title="Customer relations",
        routers=[router],
        reactions=REACTIONS,
        timer_handlers=TIMERS,
        compose=lambda foundation: Deps(
            foundation.uow_factory,
            personal,
            channels,
            Group(foundation.master_data, foundation.clock),
        ),
        states=STATES,
    )
