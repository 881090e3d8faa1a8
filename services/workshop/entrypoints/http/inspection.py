"""Inspections (质检)."""

from fastapi.responses import JSONResponse

from services.workshop.application import inspections
from services.workshop.application.inspections import ChecklistsView, InspectionRequest
from services.workshop.application.job_views import JobView
from services.workshop.entrypoints.http.access import InjectedDeps, InspectorCommand, JobReader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/inspection-checklists", tags=["jobs"], openapi_extra=serves("R14"))
async def list_checklists(store_id: str, deps: InjectedDeps, _: JobReader) -> ChecklistsView:
    return await inspections.list_checklists(store_id, deps)


@router.post(
    "/jobs/{job_id}/inspection",
    response_model=JobView,
    tags=["jobs"],
    openapi_extra=serves("R14"),
)
async def inspect_job(
    job_id: str, body: InspectionRequest, command: InspectorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: inspections.inspect_job(uow, job_id, body, deps))
