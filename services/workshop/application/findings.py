"""Technicians' findings during the work: diagnoses (诊断) and additional work (增项)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.workshop import persistence
from services.workshop.application.codes import require_parts, require_symptoms
from services.workshop.application.deps import Deps
from services.workshop.application.job_views import JobView
from services.workshop.application.locked_jobs import lock_job, save_job
from services.workshop.application.workplace import require_offered
from services.workshop.domain import job as jobs
from shared.contracts.base import Identifier
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

Codes = Annotated[list[Identifier], Field(max_length=20)]
SomeCodes = Annotated[list[Identifier], Field(min_length=1, max_length=20)]


class DiagnosisRequest(RequestModel):
    symptoms: SomeCodes


class AdditionalWorkRequest(RequestModel):
    op_codes: SomeCodes
    part_numbers: Codes = []
    note: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class FoundView(BaseModel):
    additional_work_id: str
    job_id: str
    op_codes: Sequence[str]
    part_numbers: Sequence[str]
    recommended_by: str
    recommended_at: datetime


async def record_diagnosis(
    uow: UnitOfWork, job_id: str, command: DiagnosisRequest, deps: Deps
) -> JobView:
    """Record the technician's diagnosis of the vehicle (诊断)."""
    await require_symptoms(uow.connection, command.symptoms, deps.group)
    job = await lock_job(uow, job_id)
    diagnosed, events = jobs.diagnose(job, uow.person, command.symptoms, uow.now)
    return await save_job(uow, diagnosed, events, deps)


async def report_additional_work(
    uow: UnitOfWork, job_id: str, command: AdditionalWorkRequest, deps: Deps
) -> FoundView:
    """Report that additional work is needed (增项); the customer is asked."""
    await require_parts(uow.connection, command.part_numbers, deps.group)
    await require_offered(uow.connection, command.op_codes, deps.group)
    job = await lock_job(uow, job_id)
    found = jobs.find_additional_work(
        job, uow.person, str(new_id()), command.op_codes, command.part_numbers, uow.now
    )
    note = await deps.personal.encrypt(uow.connection, job.store_id, job.order_id, command.note)
    await persistence.add_additional_work(uow.connection, found, note)
    uow.publish([found])
    return FoundView.model_validate(found, from_attributes=True)
