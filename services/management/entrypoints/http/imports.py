"""Import of master data (导入)."""

from typing import Annotated

from fastapi import Depends
from fastapi.responses import JSONResponse

from services.management.application import imports
from services.management.application.imports import LARGEST_BODY, ImportRequest, ImportResponse
from services.management.entrypoints.http.access import InjectedDeps, accept_group_command
from shared.commands import CommandContext
from shared.requirements import serves
from shared.routing import Router

router = Router(prefix="/group/imports")


@router.post(
    "",
    response_model=ImportResponse,
    tags=["imports"],
    openapi_extra=serves("R40"),
    max_body_size=LARGEST_BODY,
)
async def import_records(
    body: ImportRequest,
    command: Annotated[CommandContext, Depends(accept_group_command("group_manager"))],
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(lambda uow: imports.import_records(uow, body, deps))
