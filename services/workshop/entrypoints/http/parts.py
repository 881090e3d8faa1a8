"""Expected arrival of a job's parts (到料)."""

from fastapi.responses import JSONResponse

from services.workshop.application import parts
from services.workshop.application.job_views import JobView
from services.workshop.application.parts import PartsEtaRequest
from services.workshop.entrypoints.http.access import InjectedDeps, PartsCommand
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/jobs/{job_id}/parts-eta",
    response_model=JobView,
    tags=["plan"],
    openapi_extra=serves("R12", "R15"),
)
async def set_parts_eta(
    job_id: str, body: PartsEtaRequest, command: PartsCommand, deps: InjectedDeps
) -> JSONResponse:
    """Set when the parts of a planned job are expected; the plan follows."""
    return await command.run(lambda uow: parts.set_parts_eta(uow, job_id, body, deps))
