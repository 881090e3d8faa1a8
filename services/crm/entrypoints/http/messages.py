"""Messages to customers (客户通知): requests by people and services, and results."""

from typing import Annotated

from fastapi import Body, Query
from fastapi.responses import JSONResponse

from services.crm.application import messages
from services.crm.application.messages import MessageView, SendMessage
from services.crm.domain.message import Status
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    InjectedDeps,
    MessageReader,
    Reader,
)
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/messages",
    status_code=201,
    response_model=MessageView,
    tags=["messages"],
    openapi_extra=serves("R9"),
)
async def send_message(
    body: Annotated[SendMessage, Body(discriminator="message_type")],
    command: FrontOfficeCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Send a message to a customer once, in their language and on their channel.

    It is sent after the response; quiet hours delay it. Without a channel an agent has to call. A
    message that the customer answers over a link is requested by the service that made the link.
    """
    by_service = command.principal.has("system")
    return await command.run(
        lambda uow: messages.send_message(uow, body, deps, by_service=by_service), status=201
    )


@router.get("/messages", tags=["messages"], openapi_extra=serves("R9"))
async def list_messages(
    store_id: str,
    _: Reader,
    deps: InjectedDeps,
    customer_ref: Annotated[Identifier | None, Query()] = None,
    order_id: Annotated[Identifier | None, Query()] = None,
    status: Annotated[list[Status] | None, Query(max_length=10)] = None,
) -> list[MessageView]:
    return await messages.list_messages(store_id, customer_ref, order_id, status or (), deps)


@router.get("/messages/{message_id}", tags=["messages"], openapi_extra=serves("R4", "R9"))
async def get_message(
    store_id: str, message_id: str, _: MessageReader, deps: InjectedDeps
) -> MessageView:
    return await messages.get_message(store_id, message_id, deps)
