"""Calls after a delivery (回访)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import follow_ups
from services.crm.application.follow_ups import FollowUpView, RecordCallRequest
from services.crm.domain.follow_up import Status
from services.crm.entrypoints.http.access import CallerCommand, InjectedDeps, Reader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/follow-ups", tags=["follow-ups"], openapi_extra=serves("R21"))
async def list_follow_ups(
    store_id: str,
    _: Reader,
    deps: InjectedDeps,
    status: Annotated[list[Status], Query(max_length=10)],
) -> list[FollowUpView]:
    return await follow_ups.list_follow_ups(store_id, status, deps)


@router.post(
    "/follow-ups/{follow_up_id}/calls",
    response_model=FollowUpView,
    tags=["follow-ups"],
    openapi_extra=serves("R21"),
)
async def record_call(
    follow_up_id: str, body: RecordCallRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: follow_ups.record_call(uow, follow_up_id, body, deps))
