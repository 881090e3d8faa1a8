"""Who may call what, and what every request can reach."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.crm.application.message_renderer import MessageRenderer
from services.crm.clients.config import CrmConfig
from shared.commands import CommandContext, accept_command
from shared.db import Pool
from shared.personal_data import PersonalData
from shared.routing import Router
from shared.security import Principal, require_roles

FrontOfficeCommand = Annotated[
    CommandContext, Depends(accept_command("advisor", "manager", "agent", "service"))
]
Caller = Annotated[CommandContext, Depends(accept_command("agent", "manager"))]
Reader = Annotated[Principal, Depends(require_roles("advisor", "manager", "agent"))]
MessageReader = Annotated[
    Principal, Depends(require_roles("advisor", "manager", "agent", "service"))
]
CallReader = Annotated[Principal, Depends(require_roles("agent", "manager"))]


def store_router() -> Router:
    """A router for operations on one store."""
    return Router(prefix="/stores/{store_id}")


def personal_of(request: Request) -> PersonalData:
    personal: PersonalData = request.app.state.personal
    return personal


def renderer_of(request: Request) -> MessageRenderer:
    renderer: MessageRenderer = request.app.state.renderer
    return renderer


def config_of(request: Request) -> CrmConfig:
    config: CrmConfig = request.app.state.config
    return config


def pool_of(request: Request) -> Pool:
    pool: Pool = request.app.state.uow_factory.pool
    return pool


def now_of(request: Request) -> datetime:
    """The business time."""
    now: datetime = request.app.state.service.clock.now()
    return now
