"""Complaints (投诉)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import complaints
from services.crm.application.complaints import (
    ComplaintDetail,
    ComplaintPage,
    ComplaintView,
    EscalateComplaintRequest,
    OpenComplaintRequest,
    ProposeCompensationRequest,
    RecordComplaintContactRequest,
    RecordRevisitRequest,
    ReopenComplaintRequest,
    ResolveComplaintRequest,
)
from services.crm.domain.complaint import Status
from services.crm.entrypoints.http.access import (
    CareCommand,
    ComplaintCommand,
    ComplaintReader,
    GroupReader,
    InjectedDeps,
)
from services.crm.persistence.complaint import ComplaintFilter
from shared.contracts.base import Identifier
from shared.contracts.crm import ComplaintSeverity
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import Router, StoreRouter

router = Router()
_of_store = StoreRouter("/complaints")

_REQUIREMENTS = serves("R23")


@_of_store.post(
    "",
    status_code=201,
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=_REQUIREMENTS,
)
async def open_complaint(
    body: OpenComplaintRequest, command: ComplaintCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: complaints.open_complaint(uow, body, deps), status=201)


@_of_store.get("", tags=["complaints"], openapi_extra=serves("R23", "R32"))
async def list_complaints(
    store_id: str,
    _: ComplaintReader,
    deps: InjectedDeps,
    status: Annotated[list[Status], Query(max_length=4)],
    severity: Annotated[list[ComplaintSeverity], Query(max_length=3)] = [],  # noqa: B006
    owner_id: Identifier | None = None,
    customer_ref: Identifier | None = None,
    order_id: Identifier | None = None,
    after: Identifier | None = None,
) -> ComplaintPage:
    wanted = ComplaintFilter(status, severity, owner_id, customer_ref, order_id)
    return await complaints.list_complaints(store_id, wanted, after, deps)


@_of_store.get("/{complaint_id}", tags=["complaints"], openapi_extra=_REQUIREMENTS)
async def get_complaint(
    store_id: str, complaint_id: str, _: ComplaintReader, deps: InjectedDeps
) -> ComplaintDetail:
    return await complaints.get_complaint(store_id, complaint_id, deps)


@_of_store.post(
    "/{complaint_id}/contacts",
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=_REQUIREMENTS,
)
async def record_complaint_contact(
    complaint_id: str,
    body: RecordComplaintContactRequest,
    command: ComplaintCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: complaints.record_complaint_contact(uow, complaint_id, body, deps)
    )


@_of_store.post(
    "/{complaint_id}/escalation",
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=_REQUIREMENTS,
)
async def escalate_complaint(
    complaint_id: str, body: EscalateComplaintRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: complaints.escalate_complaint(uow, complaint_id, body, deps)
    )


@_of_store.post(
    "/{complaint_id}/compensation",
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=_REQUIREMENTS,
)
async def propose_compensation(
    complaint_id: str, body: ProposeCompensationRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: complaints.propose_compensation(
            uow, complaint_id, body, command.principal.roles, deps
        )
    )


@_of_store.post(
    "/{complaint_id}/compensation/approval",
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=_REQUIREMENTS,
)
async def approve_compensation(
    complaint_id: str, body: VersionedRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: complaints.approve_compensation(
            uow, complaint_id, body, command.principal.roles, deps
        )
    )


@_of_store.post(
    "/{complaint_id}/resolution",
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=_REQUIREMENTS,
)
async def resolve_complaint(
    complaint_id: str, body: ResolveComplaintRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: complaints.resolve_complaint(uow, complaint_id, body, deps)
    )


@_of_store.post(
    "/{complaint_id}/revisit",
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=serves("R21", "R23"),
)
async def record_revisit(
    complaint_id: str, body: RecordRevisitRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: complaints.record_revisit(uow, complaint_id, body, deps))


@_of_store.post(
    "/{complaint_id}/reopening",
    response_model=ComplaintView,
    tags=["complaints"],
    openapi_extra=_REQUIREMENTS,
)
async def reopen_complaint(
    complaint_id: str, body: ReopenComplaintRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: complaints.reopen_complaint(uow, complaint_id, body, deps))


@router.get("/group/escalated-complaints", tags=["complaints"], openapi_extra=serves("R23", "R40"))
async def list_escalated_complaints(
    principal: GroupReader, deps: InjectedDeps
) -> list[ComplaintView]:
    return await complaints.list_escalated_complaints(principal, deps)


router.include_router(_of_store)
