"""Technicians' findings during the work: diagnoses (诊断) and additional work (增项)."""

from fastapi.responses import JSONResponse

from services.workshop.application import findings
from services.workshop.application.findings import (
    AdditionalWorkRequest,
    DiagnosisRequest,
    FoundView,
)
from services.workshop.application.job_views import JobView
from services.workshop.entrypoints.http.access import InjectedDeps, TechnicianCommand
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/jobs/{job_id}/diagnosis",
    response_model=JobView,
    tags=["jobs"],
    openapi_extra=serves("R3"),
)
async def record_diagnosis(
    job_id: str, body: DiagnosisRequest, command: TechnicianCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: findings.record_diagnosis(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/additional-work",
    status_code=201,
    response_model=FoundView,
    tags=["jobs"],
    openapi_extra=serves("R4"),
)
async def report_additional_work(
    job_id: str, body: AdditionalWorkRequest, command: TechnicianCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: findings.report_additional_work(uow, job_id, body, deps),
        status=201,
    )
