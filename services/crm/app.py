"""Composition root of customer relations."""

from fastapi import FastAPI

from services.crm.application.deps import Deps
from services.crm.clients.channels import senders
from services.crm.clients.kept_elsewhere import KeptElsewhere
from services.crm.clients.tables import TableFiles
from services.crm.entrypoints.events import REACTIONS, STATE_REACTIONS, STATES
from services.crm.entrypoints.http import router
from services.crm.entrypoints.timers import TIMERS
from shared.group import Group
from shared.personal_data import PersonalData
from shared.service import service_app
from shared.settings import read_settings


def create_app() -> FastAPI:
    """Build customer relations (客服): customer records, follow-ups and messages to customers."""
    settings = read_settings()
    personal = PersonalData.from_settings(settings, "crm")
    channels = senders(settings)
    elsewhere = KeptElsewhere(
        {
            "reception": settings.reception_url,
            "workshop": settings.workshop_url,
            "reporting": settings.reporting_url,
            "management": settings.management_url,
        }
    )
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
            settings.public_url,
            TableFiles(),
            elsewhere,
        ),
        states=STATES,
        state_reactions=STATE_REACTIONS,
    )
