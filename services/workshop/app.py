"""Composition root of the workshop."""

from functools import partial

from fastapi import FastAPI

from services.workshop.application.callers import posts_of
from services.workshop.application.deps import Deps
from services.workshop.clients.planner import Planner
from services.workshop.entrypoints.events import REACTIONS, STATE_REACTIONS, STATES
from services.workshop.entrypoints.http import router
from services.workshop.entrypoints.timers import TIMERS
from shared.group import Group
from shared.master_data import MasterData
from shared.personal_data import PersonalData
from shared.service import Foundation, service_app
from shared.settings import read_settings


def create_app() -> FastAPI:
    """Build the workshop (车间): capacity, dispatch, clocking and inspection."""
    return service_app(
        "workshop",
        read_settings(),
        title="Workshop",
        routers=[router],
        reactions=REACTIONS,
        states=STATES,
        state_reactions=STATE_REACTIONS,
        posts_of=partial(posts_of, MasterData()),
        timer_handlers=TIMERS,
        compose=_compose,
        prepare=_prepare,
    )


def _compose(foundation: Foundation) -> Deps:
    """Return the dependencies of the workshop's application functions."""
    return Deps(
        uow_factory=foundation.uow_factory,
        group=Group(foundation.master_data, foundation.clock),
        personal=PersonalData.from_settings(foundation.settings, "workshop"),
        planner=Planner.on_clock(foundation.clock),
    )


async def _prepare(deps: Deps) -> None:
    await deps.planner.warm_up()
