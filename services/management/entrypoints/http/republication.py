"""Republication of states (重新公布)."""

from typing import Annotated

from fastapi import Depends
from fastapi.responses import JSONResponse

from services.management.application import republication
from services.management.application.republication import RepublishRequest, RepublishResponse
from services.management.entrypoints.http.access import accept_group_command
from shared.commands import CommandContext
from shared.requirements import serves
from shared.routing import Router

router = Router(prefix="/group/republications")


@router.post(
    "",
    response_model=RepublishResponse,
    name="republish",
    tags=["republications"],
    openapi_extra=serves("R40"),
)
async def republish(
    body: RepublishRequest,
    command: Annotated[CommandContext, Depends(accept_group_command("operator"))],
) -> JSONResponse:
    """Announce the next states again, each as the next in its stream (重新公布)."""
    return await command.run(lambda uow: republication.republish(uow, body))
