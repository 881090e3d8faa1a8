"""Call tasks (电话任务): messages that an agent has to give by phone."""

from fastapi.responses import JSONResponse

from services.crm.application import call_tasks
from services.crm.application.call_tasks import CallTask, CallTaskResponse, CompleteCallTaskRequest
from services.crm.entrypoints.http.access import CallerCommand, CallReader, InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/call-tasks", tags=["messages"], openapi_extra=serves("R9"))
async def list_call_tasks(
    store_id: str, principal: CallReader, deps: InjectedDeps
) -> list[CallTask]:
    return await call_tasks.list_call_tasks(store_id, principal, deps)


@router.post(
    "/call-tasks/{message_id}/complete",
    response_model=CallTaskResponse,
    tags=["messages"],
    openapi_extra=serves("R9"),
)
async def complete_call_task(
    message_id: str, body: CompleteCallTaskRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: call_tasks.complete_call_task(uow, message_id, body, deps))
