"""Tasks of departments for complaints (协办任务), and all that is asked of a department."""

from fastapi.responses import JSONResponse

from services.crm.application import complaint_tasks
from services.crm.application.complaint_tasks import (
    AssignComplaintTaskRequest,
    CompleteComplaintTaskRequest,
    DepartmentRequest,
    EscalateComplaintTaskRequest,
)
from services.crm.application.complaints import ComplaintTaskView
from services.crm.entrypoints.http.access import (
    CareCommand,
    DepartmentCommand,
    DepartmentReader,
    InjectedDeps,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/complaints/{complaint_id}/tasks",
    status_code=201,
    response_model=ComplaintTaskView,
    tags=["complaints"],
    openapi_extra=serves("R23"),
)
async def assign_complaint_task(
    complaint_id: str, body: AssignComplaintTaskRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: complaint_tasks.assign_complaint_task(uow, complaint_id, body, deps),
        status=201,
    )


@router.get("/department-requests", tags=["complaints"], openapi_extra=serves("R22", "R23"))
async def list_department_requests(
    store_id: str, principal: DepartmentReader, deps: InjectedDeps
) -> list[DepartmentRequest]:
    return await complaint_tasks.list_department_requests(store_id, principal, deps)


@router.post(
    "/complaint-tasks/{complaint_task_id}/result",
    response_model=ComplaintTaskView,
    tags=["complaints"],
    openapi_extra=serves("R23"),
)
async def complete_complaint_task(
    complaint_task_id: str,
    body: CompleteComplaintTaskRequest,
    command: DepartmentCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: complaint_tasks.complete_complaint_task(
            uow, complaint_task_id, body, command.principal.roles, deps
        )
    )


@router.post(
    "/complaint-tasks/{complaint_task_id}/escalation",
    response_model=ComplaintTaskView,
    tags=["complaints"],
    openapi_extra=serves("R23"),
)
async def escalate_complaint_task(
    complaint_task_id: str,
    body: EscalateComplaintTaskRequest,
    command: DepartmentCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: complaint_tasks.escalate_complaint_task(
            uow, complaint_task_id, body, command.principal.roles, deps
        )
    )
