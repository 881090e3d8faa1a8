"""When the parts of a job are there (到料)."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application import plan_changes
from services.workshop.domain import errors
from services.workshop.domain import job as jobs
from services.workshop.domain.dispatch import require_seen
from services.workshop.domain.horizon import check_ahead
from services.workshop.domain.job import PartsReason
from services.workshop.entrypoints.http.common import JobView, config_of, locked_job, view
from shared.commands import CommandContext, accept_command
from shared.contracts.base import Moment
from shared.duties import serves
from shared.request_model import Seen
from shared.routing import Router
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")

Supplier = Annotated[CommandContext, Depends(accept_command("dispatcher", "manager", "service"))]


class PartsBody(Seen):
    """``at``: when the last part is expected; absent when all parts are there."""

    at: Moment | None
    reason: PartsReason


@router.post(
    "/jobs/{job_id}/parts-expected",
    response_model=JobView,
    tags=["plan"],
    openapi_extra=serves("R12", "R15"),
)
async def expect_parts(
    request: Request, job_id: str, body: PartsBody, command: Supplier
) -> JSONResponse:
    """Parts of a planned job are late, or have arrived; the plan follows."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        job = await locked_job(uow, command.store_id, job_id)
        require_seen(job, body.version)
        if body.at and body.at < uow.now:
            raise errors.in_the_past("at")
        check_ahead("at", body.at, uow.now)
        waiting = jobs.expect_parts(job, body.at, body.reason)
        (saved,) = await persistence.save_jobs(uow, [waiting])
        await plan_changes.request_replan(uow, command.store_id, command.causation)
        return view(saved, config_of(request))

    return await command.run(use_case)
