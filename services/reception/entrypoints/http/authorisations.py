"""What a customer sees and decides over a one-time link, without signing in."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.links import require_usable, store_of, token_hash
from services.reception.domain import authorisation, errors
from services.reception.domain.authorisation import EstimateVersion
from services.reception.domain.order import Order
from services.reception.entrypoints.http.access import catalog_of, now_of
from services.reception.entrypoints.http.decisions import CustomerDecision, decide
from services.reception.entrypoints.http.offer import Declined, Offer, make_offer
from services.reception.entrypoints.http.origin import LinkOrigin
from services.reception.persistence import Link
from shared.commands import Headers, command_of
from shared.contracts.base import Identifier, Moment
from shared.contracts.violations import RuleViolation
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel
from shared.routing import Router
from shared.security import Principal

router = Router()

Token = Annotated[str, Path(min_length=8, max_length=120)]


class Decision(RequestModel):
    """Of what is authorised, the ``declined`` items are not wanted; ``promised_at`` is the promise
    that was shown. Where the new one would be later, the customer is asked again."""

    decision: Literal["authorize", "decline"]
    declined: Annotated[list[Identifier], Field(max_length=120)] = []
    promised_at: Moment | None = None


class Decided(BaseModel):
    """What became of the version, and the order's promise now."""

    version: int
    status: authorisation.Status
    decided_at: datetime | None
    promised_at: datetime | None


@router.get("/authorisations/{token}", tags=["estimates"], openapi_extra=serves("R4", "R9"))
async def show_offer(
    request: Request, token: Token, origin: LinkOrigin, declined: Declined = ()
) -> Offer:
    """Lines and prices of the version that the link leads to (授权页), and the promise that the
    order will have without the items ``declined``; it is recorded from where it was opened."""
    link = await _link(request, token)
    async with transaction(request.app.state.uow_factory.pool, [link.store_id]) as connection:
        await persistence.record_opening(connection, link, origin, now_of(request))
        order = await persistence.read_order(connection, link.store_id, link.order_id)
        versions = await persistence.estimate_versions(connection, link.store_id, link.order_id)
    proposal = authorisation.require_pending(order, versions, link.version)
    return await make_offer(request, order, proposal, declined, link.expires_at)


@router.post(
    "/authorisations/{token}",
    response_model=Decided,
    tags=["estimates"],
    openapi_extra=serves("R4", "R9"),
)
async def decide_offer(
    request: Request, token: Token, body: Decision, origin: LinkOrigin, headers: Headers
) -> JSONResponse:
    """The customer agrees or does not (客户授权); the link is used up.

    Where a colleague is signed in, nobody can: it is recorded that they have opened the link.
    """
    store_id = store_of(token)
    if store_id not in catalog_of(request).stores:
        raise errors.unknown_link()
    nobody = Principal(f"link:{token_hash(token).hex()}", "", frozenset(), frozenset(), "")
    command = await command_of(request, nobody, store_id, headers)
    try:
        link = await _link(request, token)
    except RuleViolation:
        # The link is used up by this very command when it is repeated.
        if previous := await command.previous_response():
            return previous
        raise
    if origin.colleague:
        async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
            await persistence.record_opening(connection, link, origin, now_of(request))
        raise errors.colleague_at_link()
    wanted = body.decision == "authorize"
    declined = frozenset(body.declined) if wanted else frozenset[str]()
    decision = CustomerDecision(
        wanted, "link", None, None, link, origin, declined, body.promised_at
    )
    return await decide(request, command, link.order_id, link.version, decision, _decided)


async def _link(request: Request, token: str) -> Link:
    """The link of a token.

    Raises:
        RuleViolation: there is none, it was used, or it has expired.
    """
    store_id = store_of(token)
    if store_id not in catalog_of(request).stores:
        raise errors.unknown_link()
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        link = await persistence.find_link(connection, store_id, token_hash(token))
    if link is None:
        raise errors.unknown_link()
    require_usable(link, now_of(request))
    return link


def _decided(order: Order, version: EstimateVersion) -> Decided:
    return Decided(
        version=version.version,
        status=version.status,
        decided_at=version.decided_at,
        promised_at=order.promised_at,
    )
