"""Call tasks (电话任务): messages that an agent has to give by phone."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.application.message_renderer import RenderedMessage, render_messages
from services.crm.application.rules import most_calls
from services.crm.domain import message as messages
from services.crm.domain.message import CallReason, Language, MessageType
from services.crm.persistence.persons import find_persons
from shared.request_model import RequestModel
from shared.security import Principal
from shared.unit_of_work import UnitOfWork


class CompleteCallTaskRequest(RequestModel):
    reached: Annotated[bool, Field(description="已接通")]


class CallTask(BaseModel):
    """The customer to call and the text to say, in the customer's language."""

    message_id: str
    customer_ref: str
    order_id: str | None
    message_type: MessageType
    agent_id: str | None
    reason: CallReason | None
    name: str
    phone: str
    language: Language
    text: str
    since: datetime
    calls: int


class CallTaskResponse(BaseModel):
    """Result of a call task.

    ``notified_at`` is absent when the customer was not reached.
    """

    message_id: str
    reached: bool
    completed_by: str
    notified_at: datetime | None


async def list_call_tasks(store_id: str, principal: Principal, deps: Deps) -> list[CallTask]:
    """List the open call tasks, those not called yet first; obsolete ones are left out."""
    async with deps.uow_factory.read(store_id) as connection:
        now = deps.uow_factory.clock.now()
        tasks = await persistence.messages_with_call_required(connection, store_id, now)
        refs = [task.customer_ref for task in tasks if task.customer_ref]
        persons = await find_persons(connection, deps.personal, store_id, refs)
        await note_reads(connection, store_id, refs, principal, "list_call_tasks", deps)
        renderings = await render_messages(connection, store_id, tasks, persons, deps)
    return [_view(rendered) for rendered in renderings]


async def complete_call_task(
    uow: UnitOfWork, message_id: str, command: CompleteCallTaskRequest, deps: Deps
) -> CallTaskResponse:
    """Record that the agent has called, whether or not the customer was reached.

    Raises:
        RuleViolation: there is no such message, or it needs no call any more.
    """
    store = await deps.group.store(uow.connection, uow.store_id)
    completed, events = messages.complete_call(
        await persistence.lock_message(uow.connection, uow.store_id, message_id),
        uow.person,
        reached=command.reached,
        most_calls=await most_calls(uow.connection, store, uow.now, deps),
        now=uow.now,
    )
    await persistence.save_message(uow.connection, completed)
    uow.publish(events)
    return CallTaskResponse(
        message_id=message_id,
        reached=command.reached,
        completed_by=uow.person,
        notified_at=completed.notified_at,
    )


def _view(rendered: RenderedMessage) -> CallTask:
    task, person = rendered.message, rendered.person
    return CallTask(
        message_id=task.message_id,
        customer_ref=person.customer_ref,
        order_id=task.order_id,
        message_type=task.message_type,
        agent_id=task.agent_id,
        reason=task.reason,
        name=person.name,
        phone=person.phone,
        language=person.language,
        text=rendered.content.text,
        since=task.created_at,
        calls=task.calls,
    )
