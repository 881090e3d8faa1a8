"""Job times corrected by a manager (工时更正)."""

from fastapi.responses import JSONResponse

from services.workshop.application import corrections
from services.workshop.application.corrections import TimeCorrectionRequest
from services.workshop.application.job_views import JobView
from services.workshop.domain.correction import ClockCorrection
from services.workshop.entrypoints.http.access import (
    InjectedDeps,
    PlanReader,
    ServiceManagerCommand,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter("/jobs/{job_id}")


@router.post("/time-correction", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13"))
async def correct_job_clock(
    job_id: str, body: TimeCorrectionRequest, command: ServiceManagerCommand, deps: InjectedDeps
) -> JSONResponse:
    """Correct the clocked time of a job (工时更正); learning and reports use the corrected time."""
    return await command.run(lambda uow: corrections.correct_job_clock(uow, job_id, body, deps))


@router.get("/time-corrections", tags=["jobs"], openapi_extra=serves("R13"))
async def list_clock_corrections(
    store_id: str, job_id: str, deps: InjectedDeps, _: PlanReader
) -> list[ClockCorrection]:
    return await corrections.list_clock_corrections(store_id, job_id, deps)
