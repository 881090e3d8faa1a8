"""Phone tasks (电话任务): messages that a person has to tell."""

from fastapi.responses import JSONResponse

from services.crm.application import phone_tasks
from services.crm.application.phone_tasks import CompletedTask, CompletePhoneTask, PhoneTask
from services.crm.entrypoints.http.access import Caller, CallReader, Reach, store_router
from shared.duties import serves

router = store_router()


@router.get("/phone-tasks", tags=["messages"], openapi_extra=serves("R9"))
async def list_phone_tasks(store_id: str, _: CallReader, deps: Reach) -> list[PhoneTask]:
    """List what is to be told by phone, those not called yet first; without what is obsolete."""
    return await phone_tasks.list_phone_tasks(store_id, deps)


@router.post(
    "/phone-tasks/{message_id}/completion",
    response_model=CompletedTask,
    tags=["messages"],
    openapi_extra=serves("R9"),
)
async def complete_phone_task(
    message_id: str, body: CompletePhoneTask, command: Caller
) -> JSONResponse:
    """The agent has called, whether or not the customer was reached."""
    return await command.run(lambda uow: phone_tasks.complete_phone_task(uow, message_id, body))
