"""Calls to customers (回访)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import follow_up_calls, follow_up_reports, follow_up_rounds
from services.crm.application.follow_up_calls import DueCall, FollowUpView, RecordCallRequest
from services.crm.application.follow_up_reports import FollowUpReport, Month
from services.crm.application.follow_up_rounds import PlannedRound, PlanRoundRequest
from services.crm.domain.follow_up import Status
from services.crm.entrypoints.http.access import (
    AssignmentCommand,
    CallerCommand,
    CallReader,
    InjectedDeps,
    Reader,
)
from shared.contracts.base import Identifier
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
    return await follow_up_calls.list_follow_ups(store_id, status, deps)


@router.get("/due-calls", tags=["follow-ups"], openapi_extra=serves("R21"))
async def list_due_calls(
    store_id: str,
    principal: CallReader,
    deps: InjectedDeps,
    agent_id: Identifier | None = None,
    after: Identifier | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[DueCall]:
    return await follow_up_calls.list_due_calls(store_id, agent_id, after, limit, principal, deps)


@router.post(
    "/follow-ups/{follow_up_id}/calls",
    response_model=FollowUpView,
    tags=["follow-ups"],
    openapi_extra=serves("R21"),
)
async def record_call(
    follow_up_id: str, body: RecordCallRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: follow_up_calls.record_call(uow, follow_up_id, body, deps))


@router.post(
    "/follow-up-rounds",
    status_code=201,
    response_model=PlannedRound,
    tags=["follow-ups"],
    openapi_extra=serves("R21"),
)
async def plan_round(
    body: PlanRoundRequest, command: AssignmentCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: follow_up_rounds.plan_round(uow, body, deps), status=201)


@router.get("/follow-up-reports/{month}", tags=["follow-ups"], openapi_extra=serves("R21"))
async def get_follow_up_report(
    store_id: str, month: Month, _: CallReader, deps: InjectedDeps
) -> FollowUpReport:
    return await follow_up_reports.get_follow_up_report(store_id, month, deps)


@router.post(
    "/follow-up-reports/{month}/file",
    response_model=FollowUpReport,
    tags=["follow-ups"],
    openapi_extra=serves("R21"),
)
async def file_follow_up_report(
    month: Month, command: AssignmentCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: follow_up_reports.file_follow_up_report(uow, month, deps))
