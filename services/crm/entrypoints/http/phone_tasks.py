"""Phone tasks (电话任务): messages that a person has to tell."""

from datetime import datetime
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.message_renderer import RenderedMessage
from services.crm.domain import message as messages
from services.crm.domain.message import CallReason, Language, Subject
from services.crm.entrypoints.http.access import (
    Caller,
    CallReader,
    now_of,
    personal_of,
    pool_of,
    renderer_of,
    store_router,
)
from services.crm.persistence.persons import find_persons
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

router = store_router()


class CompletePhoneTask(RequestModel):
    reached: Annotated[bool, Field(description="已接通")]


class PhoneTask(BaseModel):
    """Whom to call and what to say, in the customer's language."""

    message_id: str
    customer_ref: str
    order_id: str | None
    subject: Subject
    agent_id: str | None
    reason: CallReason | None
    name: str
    phone: str
    language: Language
    text: str
    since: datetime
    calls: int


class CompletedTask(BaseModel):
    """``notified_at`` is absent when the customer was not reached."""

    message_id: str
    reached: bool
    completed_by: str
    notified_at: datetime | None


@router.get("/phone-tasks", tags=["messages"], openapi_extra=serves("R9"))
async def list_phone_tasks(request: Request, store_id: str, _: CallReader) -> list[PhoneTask]:
    """List what is to be told by phone, those not called yet first; without what is obsolete."""
    async with transaction(pool_of(request), [store_id]) as connection:
        tasks = await persistence.messages_to_call(connection, store_id, now_of(request))
        refs = [task.customer_ref for task in tasks if task.customer_ref]
        persons = await find_persons(connection, personal_of(request), store_id, refs)
        renderings = await renderer_of(request).render(connection, store_id, tasks, persons)
    return [_view(rendered) for rendered in renderings]


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

    async def use_case(uow: UnitOfWork) -> BaseModel:
        message = await persistence.lock_message(uow.connection, command.store_id, message_id)
        agent_id = command.principal.subject
        completed, events = messages.complete_call(
            message, agent_id, reached=body.reached, now=uow.now
        )
        await persistence.save_message(uow.connection, completed)
        uow.publish(events, command.causation)
        return CompletedTask(
            message_id=message_id,
            reached=body.reached,
            completed_by=agent_id,
            notified_at=completed.notified_at,
        )

    return await command.run(use_case)


def _view(rendered: RenderedMessage) -> PhoneTask:
    task, person = rendered.message, rendered.person
    return PhoneTask(
        message_id=task.message_id,
        customer_ref=person.customer_ref,
        order_id=task.order_id,
        subject=task.subject,
        agent_id=task.agent_id,
        reason=task.reason,
        name=person.name,
        phone=person.phone,
        language=person.language,
        text=rendered.content.text,
        since=task.created_at,
        calls=task.calls,
    )
