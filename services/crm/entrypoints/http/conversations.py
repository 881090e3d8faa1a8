"""Conversations with customers (客户来信), and what gateways hand over."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.responses import JSONResponse

from services.crm.application import conversations
from services.crm.application.conversations import (
    AnswerConversationRequest,
    ConversationChanged,
    ConversationDetail,
    ConversationView,
    GatewayMessage,
    LinkSenderRequest,
    Receipt,
    View,
)
from services.crm.clients.channels import Gateway
from services.crm.entrypoints.http.access import (
    FrontOfficePersonCommand,
    InjectedDeps,
    Reader,
)
from shared.commands import Headers, command_of
from shared.contracts.base import Identifier
from shared.contracts.crm import ConversationChannel
from shared.problems import Problem
from shared.requirements import serves
from shared.routing import Router, StoreRouter
from shared.security import Principal

router = StoreRouter()
open_router = Router()

_REQUIREMENTS = serves("R9", "R22")
_LATEST_S = 253_402_300_799


async def _signed(
    request: Request,
    channel: ConversationChannel,
    headers: Headers,
    deps: InjectedDeps,
    stamp: Annotated[
        int, Header(alias="X-Timestamp", ge=0, le=_LATEST_S, description="seconds since 1970")
    ],
    signature: Annotated[str, Header(alias="X-Signature", pattern="^sha256=[0-9a-f]{64}$")],
) -> None:
    """Admit the gateway of a channel.

    Raises:
        Problem: 401, the channel has no gateway, or it has not signed the message lately.
    """
    gateway = deps.channels.get(channel)
    if not isinstance(gateway, Gateway) or not gateway.has_signed(
        stamp, signature, channel, headers.idempotency_key, await request.body()
    ):
        raise Problem(
            401,
            "signature_rejected",
            "The channel has no gateway, or the message was not signed in the last five minutes.",
            field="X-Signature",
        )


@open_router.post(
    "/gateways/{channel}/messages",
    status_code=202,
    response_model=Receipt,
    tags=["conversations"],
    openapi_extra=_REQUIREMENTS,
    dependencies=[Depends(_signed)],
)
async def receive_message(
    request: Request,
    channel: ConversationChannel,
    body: GatewayMessage,
    headers: Headers,
    deps: InjectedDeps,
) -> JSONResponse:
    """A gateway hands over what a customer has written (收到来信).

    ``Idempotency-Key`` is the provider's id of the message: a repeated one has no effect.
    """
    meant, known = await conversations.stores_of_sender(channel, body, deps)
    gateway = Principal(f"gateway:{channel}", "", frozenset(), frozenset(), "")
    command = await command_of(request, gateway, meant.store_id, headers)
    others = {each.store_id for each in known} - {meant.store_id}
    return await replace(command, also=tuple(sorted(others))).run(
        lambda uow: conversations.receive_message(uow, channel, body, meant, known, deps),
        status=202,
    )


@router.get("/conversations", tags=["conversations"], openapi_extra=_REQUIREMENTS)
async def list_conversations(
    store_id: str,
    principal: Reader,
    deps: InjectedDeps,
    view: Annotated[View, Query()] = "waiting",
    agent_id: Annotated[Identifier | None, Query()] = None,
) -> list[ConversationView]:
    return await conversations.list_conversations(store_id, view, agent_id, principal, deps)


@router.get(
    "/customers/{customer_ref}/conversations",
    tags=["conversations"],
    openapi_extra=_REQUIREMENTS,
)
async def list_conversations_of_customer(
    store_id: str, customer_ref: str, principal: Reader, deps: InjectedDeps
) -> list[ConversationView]:
    return await conversations.list_conversations_of_customer(
        store_id, customer_ref, principal, deps
    )


@router.get("/conversations/{conversation_id}", tags=["conversations"], openapi_extra=_REQUIREMENTS)
async def get_conversation(
    store_id: str, conversation_id: str, principal: Reader, deps: InjectedDeps
) -> ConversationDetail:
    return await conversations.get_conversation(store_id, conversation_id, principal, deps)


@router.post(
    "/conversations/{conversation_id}/answers",
    response_model=ConversationChanged,
    tags=["conversations"],
    openapi_extra=_REQUIREMENTS,
)
async def answer_conversation(
    conversation_id: str,
    body: AnswerConversationRequest,
    command: FrontOfficePersonCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: conversations.answer_conversation(uow, conversation_id, body, deps)
    )


@router.post(
    "/conversations/{conversation_id}/customer",
    response_model=ConversationChanged,
    tags=["conversations"],
    openapi_extra=_REQUIREMENTS,
)
async def link_sender(
    conversation_id: str,
    body: LinkSenderRequest,
    command: FrontOfficePersonCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: conversations.link_sender(uow, conversation_id, body, deps)
    )
