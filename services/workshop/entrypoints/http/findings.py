"""What technicians find while they work: diagnoses (诊断) and additional work (增项)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.workshop.domain import job as jobs
from services.workshop.domain.job import Job
from services.workshop.entrypoints.http.common import (
    JobView,
    Technician,
    catalog_of,
    change_job,
    config_of,
    locked_job,
    personal_of,
)
from services.workshop.persistence import additional_work
from shared.contracts.base import Identifier
from shared.duties import serves
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.routing import Router
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")

Codes = Annotated[list[Identifier], Field(max_length=20)]
SomeCodes = Annotated[list[Identifier], Field(min_length=1, max_length=20)]


class DiagnosisBody(RequestModel):
    symptoms: SomeCodes


class AdditionalWorkBody(RequestModel):
    operations: SomeCodes
    part_numbers: Codes = []
    note: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class FoundView(BaseModel):
    additional_work_id: str
    job_id: str
    operations: Sequence[str]
    part_numbers: Sequence[str]
    found_by: str
    found_at: datetime


@router.post(
    "/jobs/{job_id}/diagnosis",
    response_model=JobView,
    tags=["jobs"],
    openapi_extra=serves("R3"),
)
async def record_diagnosis(
    request: Request, job_id: str, body: DiagnosisBody, command: Technician
) -> JSONResponse:
    """The calling technician says what is wrong (诊断)."""
    catalog_of(request).require_symptoms(body.symptoms)

    async def change(_: UnitOfWork, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        return jobs.diagnose(job, command.principal.subject, body.symptoms, now)

    return await change_job(request, command, job_id, change, seen=None)


@router.post(
    "/jobs/{job_id}/additional-work",
    status_code=201,
    response_model=FoundView,
    tags=["jobs"],
    openapi_extra=serves("R4"),
)
async def report_additional_work(
    request: Request, job_id: str, body: AdditionalWorkBody, command: Technician
) -> JSONResponse:
    """The calling technician has found that more is needed (增项); the customer is asked."""
    catalog_of(request).require_parts(body.part_numbers)
    for operation_id in body.operations:
        config_of(request).operation(operation_id)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        job = await locked_job(uow, command.store_id, job_id)
        found = jobs.find_additional_work(
            job,
            command.principal.subject,
            str(new_id()),
            body.operations,
            body.part_numbers,
            uow.now,
        )
        note = await personal_of(request).encrypt(
            uow.connection, command.store_id, job.order_id, body.note
        )
        await additional_work.add(uow.connection, found, note)
        uow.publish([found], command.causation)
        return FoundView.model_validate(found, from_attributes=True)

    return await command.run(use_case, status=201)
