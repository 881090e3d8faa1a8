"""Opening of a store (新店开业)."""

from typing import Annotated

from fastapi import Depends, Path
from fastapi.responses import JSONResponse

from services.management.application import store_openings
from services.management.application.store_openings import OpenedStore, OpenStoreRequest
from services.management.entrypoints.http.access import InjectedDeps, accept_group_command
from shared.commands import CommandContext
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import Router

router = Router(prefix="/group/stores")


@router.post(
    "/{code:path}/open",
    status_code=201,
    response_model=OpenedStore,
    tags=["stores"],
    openapi_extra=serves("R40"),
)
async def open_store(
    code: Annotated[Identifier, Path()],
    body: OpenStoreRequest,
    command: Annotated[CommandContext, Depends(accept_group_command("group_manager"))],
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: store_openings.open_store(uow, code, body, deps), status=201
    )
