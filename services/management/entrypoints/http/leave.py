"""Leave (休假): asked for by persons of a store, approved or declined by its manager."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.responses import JSONResponse

from services.management.application import leave
from services.management.application.leave import (
    DeclineLeaveRequest,
    LeaveDetail,
    LeaveView,
    RequestLeaveRequest,
)
from services.management.domain.leave import LeaveStatus
from services.management.entrypoints.http.access import OF_STORE, InjectedDeps
from shared.commands import CommandContext, accept_command
from shared.contracts.base import GROUP, Identifier
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import StoreRouter
from shared.security import Principal, Role, require_roles

router = StoreRouter("/leave-requests")

_MANAGERS: tuple[Role, ...] = ("service_manager", "group_manager")
WithdrawCommand = Annotated[
    CommandContext, Depends(accept_command(*OF_STORE, also=(GROUP,), of_own=True))
]
OwnCommand = Annotated[CommandContext, Depends(accept_command(*OF_STORE, also=(GROUP,)))]
ManagerCommand = Annotated[CommandContext, Depends(accept_command(*_MANAGERS, also=(GROUP,)))]
Reader = Annotated[Principal, Depends(require_roles(*OF_STORE, "group_manager"))]
RequestId = Annotated[Identifier, Path()]

_DESCRIBED: dict[str, Any] = {"tags": ["attendance"], "openapi_extra": serves("R13", "R40")}


@router.get("", **_DESCRIBED)
async def list_leave(
    store_id: str,
    reader: Reader,
    deps: InjectedDeps,
    status: Annotated[list[LeaveStatus], Query(max_length=10)],
) -> list[LeaveDetail]:
    """List the requests on which the store decides for its managers, one's own for all others."""
    return await leave.list_leave(store_id, _person(reader), status, deps)


@router.get("/{leave_request_id}", **_DESCRIBED)
async def get_leave(
    store_id: str, leave_request_id: RequestId, reader: Reader, deps: InjectedDeps
) -> LeaveDetail:
    return await leave.get_leave(store_id, leave_request_id, _person(reader), deps)


@router.post("", status_code=201, response_model=LeaveView, **_DESCRIBED)
async def request_leave(
    body: RequestLeaveRequest, command: OwnCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: leave.request_leave(uow, command.store_id, body, deps), status=201
    )


@router.post("/{leave_request_id}/approve", response_model=LeaveView, **_DESCRIBED)
async def approve_leave(
    leave_request_id: RequestId,
    body: VersionedRequest,
    command: ManagerCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: leave.approve_leave(uow, command.store_id, leave_request_id, body, deps)
    )


@router.post("/{leave_request_id}/decline", response_model=LeaveView, **_DESCRIBED)
async def decline_leave(
    leave_request_id: RequestId,
    body: DeclineLeaveRequest,
    command: ManagerCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: leave.decline_leave(uow, command.store_id, leave_request_id, body, deps)
    )


@router.post("/{leave_request_id}/withdraw", response_model=LeaveView, **_DESCRIBED)
async def withdraw_leave(
    leave_request_id: RequestId,
    body: VersionedRequest,
    command: WithdrawCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: leave.withdraw_leave(uow, command.store_id, leave_request_id, body, deps)
    )


def _person(reader: Principal) -> str | None:
    """Return whose requests the reader sees; managers see those of all."""
    return None if reader.has(*_MANAGERS) else reader.subject
