"""Messages to customers (客户通知): requests by people and services, and results."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.sending import send_soon
from services.crm.domain.message import CallReason, Channel, Message, MessageType, Status
from services.crm.domain.message_text import (
    AppointmentReminder,
    AtRisk,
    LinkedAdditionalWork,
    LinkedAuthorization,
    OverduePayment,
    PromiseChanged,
    Ready,
    compose,
    require_link_maker,
)
from services.crm.domain.service_visit import require_own_order
from shared.contracts.base import Identifier, Timestamp
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class _Request(RequestModel):
    """A request for a message.

    ``about`` names the appointment or additional work behind the message: once that is settled, or
    after ``expires_at``, the message is void.
    """

    customer_ref: Identifier
    order_id: Identifier | None = None
    about: Identifier | None = None
    expires_at: Timestamp | None = None


class AuthorizationMessage(_Request):
    message_type: Literal["authorization"]
    values: LinkedAuthorization


class AdditionalWorkMessage(_Request):
    message_type: Literal["additional_work"]
    values: LinkedAdditionalWork


class AtRiskMessage(_Request):
    message_type: Literal["at_risk"]
    values: AtRisk


class PromiseChangedMessage(_Request):
    message_type: Literal["promise_changed"]
    values: PromiseChanged


class ReadyMessage(_Request):
    message_type: Literal["ready"]
    values: Ready


class OverduePaymentMessage(_Request):
    message_type: Literal["overdue_payment"]
    values: OverduePayment


class AppointmentReminderMessage(_Request):
    message_type: Literal["appointment_reminder"]
    values: AppointmentReminder


SendMessage = (
    AuthorizationMessage
    | AdditionalWorkMessage
    | AtRiskMessage
    | PromiseChangedMessage
    | ReadyMessage
    | OverduePaymentMessage
    | AppointmentReminderMessage
)
"""Requests of all message types, distinguished by their subject."""


class MessageView(BaseModel):
    """A message without its address.

    ``reason`` says why an agent has to call; ``contact_set_by`` and ``contact_set_at`` who had set
    the address that was used, and when, absent for that of the registration.
    """

    message_id: str
    customer_ref: str | None
    order_id: str | None
    about: str | None
    message_type: MessageType
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


async def send_message(
    uow: UnitOfWork, command: SendMessage, deps: Deps, *, by_service: bool
) -> MessageView:
    """Send a message to a customer once, in their language and on their channel.

    It is sent after the transaction; quiet hours delay it. ``by_service`` says that another service
    requests it, not a person.

    Raises:
        RuleViolation: a person asks for a message with a link, or customer or order are unknown or
            do not belong together.
    """
    connection, store_id = uow.connection, uow.store_id
    require_link_maker(command.message_type, by_service=by_service)
    customer_ref = await persistence.require_customer(connection, store_id, command.customer_ref)
    visit = await persistence.find_service_visit(connection, store_id, command.order_id)
    require_own_order(visit, command.order_id, customer_ref, by_service=by_service)
    message = compose(
        command.values,
        visit,
        message_id=str(new_id()),
        store_id=store_id,
        customer_ref=customer_ref,
        order_id=command.order_id,
        now=uow.now,
        about=command.about,
        expires_at=command.expires_at,
    )
    await send_soon(uow, message)
    if isinstance(command, (AuthorizationMessage, AdditionalWorkMessage)):
        link = await deps.personal.encrypt(connection, store_id, customer_ref, command.values.link)
        await persistence.save_link(connection, store_id, message.message_id, link)
    return _view(message, uow.now)


async def list_messages(
    store_id: str,
    customer_ref: str | None,
    order_id: str | None,
    statuses: Sequence[Status],
    deps: Deps,
) -> list[MessageView]:
    """List the sent and waiting messages to customers, the newest 500 first."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_messages(
            connection,
            store_id,
            customer_ref=customer_ref,
            order_id=order_id,
            statuses=statuses,
            now=now,
        )
    return [_view(message, now) for message in found]


async def get_message(store_id: str, message_id: str, deps: Deps) -> MessageView:
    """Return one message with its status.

    Raises:
        RuleViolation: there is no such message in the store.
    """
    async with deps.uow_factory.read(store_id) as connection:
        message = await persistence.read_message(connection, store_id, message_id)
    return _view(message, deps.uow_factory.clock.now())


def _view(message: Message, now: datetime) -> MessageView:
    return MessageView(
        **{name: getattr(message, name) for name in _VIEW_FIELDS}, status=message.status(now)
    )


_VIEW_FIELDS = [name for name in MessageView.model_fields if name != "status"]
