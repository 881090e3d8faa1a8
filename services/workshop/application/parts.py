"""Expected arrival of a job's parts (到料)."""

from services.workshop.application.deps import Deps
from services.workshop.application.job_views import JobView
from services.workshop.application.locked_jobs import lock_seen_job, save_job
from services.workshop.application.replanning import request_replan
from services.workshop.domain import job as jobs
from services.workshop.domain.horizon import require_ahead
from services.workshop.domain.job import PartsReason
from shared.contracts.base import Timestamp
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class PartsEtaRequest(VersionedRequest):
    """Expected arrival of the last part, ``at``; absent when all parts are there."""

    at: Timestamp | None
    reason: PartsReason


async def set_parts_eta(
    uow: UnitOfWork, job_id: str, command: PartsEtaRequest, deps: Deps
) -> JobView:
    """Set when the parts of a planned job are expected, and request a replan."""
    job = await lock_seen_job(uow, job_id, command.version)
    require_ahead("at", command.at, uow.now)
    waiting = jobs.set_parts_eta(job, command.at, command.reason)
    await request_replan(uow, job.store_id)
    return await save_job(uow, waiting, [], deps)
