"""Corrective actions (整改): listed, answered, closed with a result, and assessed."""

from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import JSONResponse

from services.management.application import corrective_actions
from services.management.application.corrective_actions import (
    AnswerCorrectiveActionRequest,
    AssessCorrectiveActionRequest,
    Caller,
    CloseCorrectiveActionRequest,
    CorrectiveActionDetail,
    CorrectiveActionView,
)
from services.management.domain.corrective_action import State
from services.management.entrypoints.http.access import InjectedDeps
from shared.commands import CommandContext, accept_command
from shared.requirements import serves
from shared.routing import StoreRouter
from shared.security import FRONT_OFFICE, GROUP_MANAGERS, Principal, Role, require_roles

_OFFICE: tuple[Role, ...] = (
    *FRONT_OFFICE,
    "dispatcher",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "sales_manager",
)
_OWNERS: tuple[Role, ...] = (*_OFFICE, "technician")
"""All roles that the rules may name; a technician sees their own corrective actions alone."""

OwnerCommand = Annotated[CommandContext, Depends(accept_command(*_OWNERS))]
AssessorCommand = Annotated[CommandContext, Depends(accept_command(*_OFFICE, "group_manager"))]
Reader = Annotated[Principal, Depends(require_roles(*_OWNERS, *GROUP_MANAGERS))]

router = StoreRouter("/corrective-actions")

_REQUIREMENTS = serves("R10", "R14", "R21", "R23", "R43")


@router.get("", tags=["corrective_actions"], openapi_extra=_REQUIREMENTS)
async def list_corrective_actions(
    store_id: str,
    reader: Reader,
    deps: InjectedDeps,
    state: Annotated[list[State], Query(max_length=10)],
) -> list[CorrectiveActionView]:
    """List the store's corrective actions (整改清单); a technician's are their own."""
    return await corrective_actions.list_corrective_actions(store_id, state, _caller(reader), deps)


@router.get("/{corrective_action_id}", tags=["corrective_actions"], openapi_extra=_REQUIREMENTS)
async def get_corrective_action(
    store_id: str, corrective_action_id: str, reader: Reader, deps: InjectedDeps
) -> CorrectiveActionDetail:
    return await corrective_actions.get_corrective_action(
        store_id, corrective_action_id, _caller(reader), deps
    )


@router.post(
    "/{corrective_action_id}/answer",
    response_model=CorrectiveActionView,
    tags=["corrective_actions"],
    openapi_extra=_REQUIREMENTS,
)
async def answer_corrective_action(
    corrective_action_id: str,
    body: AnswerCorrectiveActionRequest,
    command: OwnerCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """State the cause and the measure (整改回复); until it is closed, the last answer counts.

    The owner or a manager may answer.
    """
    return await command.run(
        lambda uow: corrective_actions.answer_corrective_action(
            uow, corrective_action_id, body, _caller(command.principal), deps
        )
    )


@router.post(
    "/{corrective_action_id}/close",
    response_model=CorrectiveActionView,
    tags=["corrective_actions"],
    openapi_extra=_REQUIREMENTS,
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
            uow, corrective_action_id, body, _caller(command.principal), deps
        )
    )


@router.post(
    "/{corrective_action_id}/assess",
    response_model=CorrectiveActionView,
    tags=["corrective_actions"],
    openapi_extra=_REQUIREMENTS,
)
async def assess_corrective_action(
    corrective_action_id: str,
    body: AssessCorrectiveActionRequest,
    command: AssessorCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Say whether a closed corrective action worked (整改验证); one that did not is followed by
    another with a deadline of its own.

    The person who found it may say so, or a manager, but neither its owner nor who closed it.
    """
    return await command.run(
        lambda uow: corrective_actions.assess_corrective_action(
            uow, corrective_action_id, body, _caller(command.principal), deps
        )
    )


def _caller(principal: Principal) -> Caller:
    return Caller(
        principal.subject,
        sees_all=principal.has(*_OFFICE, *GROUP_MANAGERS),
        closes_all=principal.has("service_manager"),
        assesses_all=principal.has("service_manager", "group_manager"),
    )
