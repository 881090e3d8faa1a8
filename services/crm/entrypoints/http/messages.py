"""Messages to customers (客户通知): asked for by people and services, and what became of them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Body as RequestBody
from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.sending import compose, send_soon
from services.crm.domain import errors
from services.crm.domain.message import CallReason, Channel, Message, Status, Subject
from services.crm.domain.message_text import (
    LINKED,
    AppointmentReminder,
    AtRisk,
    LinkedAdditionalWork,
    LinkedAuthorisation,
    OverduePayment,
    PromiseChanged,
    Ready,
)
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    MessageReader,
    Reader,
    now_of,
    personal_of,
    pool_of,
    store_router,
)
from shared.contracts.base import Identifier, Moment
from shared.contracts.violations import unknown
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

router = store_router()


class _Request(RequestModel):
    """``about`` names the appointment or additional work behind the message: once that is settled,
    or after ``expires_at``, nobody is told any more."""

    customer_ref: Identifier
    order_id: Identifier | None = None
    about: Identifier | None = None
    expires_at: Moment | None = None


class AuthorisationMessage(_Request):
    subject: Literal["authorisation"]
    values: LinkedAuthorisation


class AdditionalWorkMessage(_Request):
    subject: Literal["additional_work"]
    values: LinkedAdditionalWork


class AtRiskMessage(_Request):
    subject: Literal["at_risk"]
    values: AtRisk


class PromiseChangedMessage(_Request):
    subject: Literal["promise_changed"]
    values: PromiseChanged


class ReadyMessage(_Request):
    subject: Literal["ready"]
    values: Ready


class OverduePaymentMessage(_Request):
    subject: Literal["overdue_payment"]
    values: OverduePayment


class AppointmentReminderMessage(_Request):
    subject: Literal["appointment_reminder"]
    values: AppointmentReminder


SendMessage = Annotated[
    AuthorisationMessage
    | AdditionalWorkMessage
    | AtRiskMessage
    | PromiseChangedMessage
    | ReadyMessage
    | OverduePaymentMessage
    | AppointmentReminderMessage,
    RequestBody(discriminator="subject"),
]


class MessageView(BaseModel):
    """A message without the address to which it goes. ``reason`` says why a person has to call;
    ``contact_set_by`` and ``contact_set_at`` who had set the address that was used, and when,
    absent for that of the registration."""

    message_id: str
    customer_ref: str | None
    order_id: str | None
    about: str | None
    subject: Subject
    values: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    status: Status
    channel: Channel | None
    tries: int
    reason: CallReason | None
    agent_id: str | None
    notified_at: datetime | None
    contact_set_by: str | None
    contact_set_at: datetime | None


@router.post(
    "/messages",
    status_code=201,
    response_model=MessageView,
    tags=["messages"],
    openapi_extra=serves("R9"),
)
async def send_message(
    request: Request, body: SendMessage, command: FrontOfficeCommand
) -> JSONResponse:
    """Tell a customer something, once, in their language and on their channel.

    It leaves after the response; quiet hours hold it. Without a channel an agent has to call. What
    the customer answers over a link is asked by the service that has made the link.
    """
    if body.subject in LINKED and not command.principal.has("service"):
        raise errors.link_from_a_person()
    personal = personal_of(request)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, store_id = uow.connection, command.store_id
        if not await persistence.encrypted_contacts(connection, store_id, [body.customer_ref]):
            raise unknown("customer_ref", body.customer_ref)
        visit = await persistence.find_service_visit(connection, store_id, body.order_id)
        if body.order_id and visit is None and not command.principal.has("service"):
            raise unknown("order_id", body.order_id)
        if visit is not None and visit.customer_ref not in (None, body.customer_ref):
            raise errors.order_of_another_customer(visit.order_id)
        message = compose(
            body.values,
            visit,
            store_id=store_id,
            customer_ref=body.customer_ref,
            order_id=body.order_id,
            now=uow.now,
            about=body.about,
            expires_at=body.expires_at,
        )
        await send_soon(uow, message, command.causation)
        if isinstance(body, (AuthorisationMessage, AdditionalWorkMessage)):
            link = await personal.encrypt(connection, store_id, body.customer_ref, body.values.link)
            await persistence.save_link(connection, store_id, message.message_id, link)
        return _view(message, uow.now)

    return await command.run(use_case, status=201)


@router.get("/messages", tags=["messages"], openapi_extra=serves("R9"))
async def list_messages(
    request: Request,
    store_id: str,
    _: Reader,
    customer_ref: Annotated[Identifier | None, Query()] = None,
    order_id: Annotated[Identifier | None, Query()] = None,
    status: Annotated[list[Status] | None, Query(max_length=10)] = None,
) -> list[MessageView]:
    """What customers were told or are to be told, the newest 500 first."""
    now = now_of(request)
    async with transaction(pool_of(request), [store_id]) as connection:
        found = await persistence.list_messages(
            connection,
            store_id,
            customer_ref=customer_ref,
            order_id=order_id,
            statuses=status or (),
            now=now,
        )
    return [_view(message, now) for message in found]


@router.get("/messages/{message_id}", tags=["messages"], openapi_extra=serves("R4", "R9"))
async def get_message(
    request: Request, store_id: str, message_id: str, _: MessageReader
) -> MessageView:
    """One message, and what became of it."""
    async with transaction(pool_of(request), [store_id]) as connection:
        message = await persistence.read_message(connection, store_id, message_id)
    return _view(message, now_of(request))


def _view(message: Message, now: datetime) -> MessageView:
    return MessageView(
        **{name: getattr(message, name) for name in _VIEW_FIELDS}, status=message.status(now)
    )


_VIEW_FIELDS = [name for name in MessageView.model_fields if name != "status"]
