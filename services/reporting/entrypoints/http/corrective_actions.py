"""Corrective actions (整改): listed, and closed with a result."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.reporting.application import corrective_actions
from services.reporting.application.corrective_actions import (
    CloseCorrectiveActionRequest,
    CorrectiveActionView,
    CorrectiveActionWithNote,
)
from services.reporting.domain.corrective_action import State
from services.reporting.entrypoints.http.access import InjectedDeps, OfficeReader, OwnerCommand
from shared.requirements import serves
from shared.routing import StoreRouter
from shared.security import Principal

router = StoreRouter()


@router.get("/corrective-actions", tags=["corrective_actions"], openapi_extra=serves("R10", "R43"))
async def list_corrective_actions(
    store_id: str,
    principal: OfficeReader,
    deps: InjectedDeps,
    state: Annotated[list[State], Query(max_length=10)],
) -> list[CorrectiveActionView]:
    return await corrective_actions.list_corrective_actions(
        store_id, state, deps, is_manager=_is_manager(principal)
    )


@router.get(
    "/corrective-actions/{corrective_action_id}",
    tags=["corrective_actions"],
    openapi_extra=serves("R10", "R43"),
)
async def get_corrective_action(
    store_id: str, corrective_action_id: str, principal: OfficeReader, deps: InjectedDeps
) -> CorrectiveActionWithNote:
    return await corrective_actions.get_corrective_action(
        store_id, corrective_action_id, deps, is_manager=_is_manager(principal)
    )


@router.post(
    "/corrective-actions/{corrective_action_id}/close",
    response_model=CorrectiveActionView,
    tags=["corrective_actions"],
    openapi_extra=serves("R10", "R43"),
)
async def close_corrective_action(
    corrective_action_id: str,
    body: CloseCorrectiveActionRequest,
    command: OwnerCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Close a corrective action with a note on what was done (整改完成).

    The owner or a manager may close it.
    """
    return await command.run(
        lambda uow: corrective_actions.close_corrective_action(
            uow,
            corrective_action_id,
            body,
            deps,
            is_manager=_is_manager(command.principal),
        )
    )


def _is_manager(principal: Principal) -> bool:
    return principal.has("service_manager")
