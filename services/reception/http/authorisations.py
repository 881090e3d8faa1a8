"""What a customer sees and decides over a one-time link, without signing in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import store
from services.reception.domain import authorisation, errors
from services.reception.domain.authorisation import EstimateVersion
from services.reception.http.access import catalogue_of
from services.reception.http.decisions import Word, decide
from services.reception.http.estimates import store_of, token_hash
from services.reception.store import Link
from shared.body import Body
from shared.commands import IdempotencyKey, command_of
from shared.contracts.reception import PayType
from shared.contracts.refusal import Refused
from shared.db import transaction
from shared.duties import serves
from shared.security import Principal

router = APIRouter()

Token = Annotated[str, Path(min_length=8, max_length=120)]


class Names(BaseModel):
    """A name in both languages."""

    zh: str
    en: str


class OfferedLine(Names):
    """One line with its price in cents, tax included."""

    kind: Literal["labor", "part"]
    quantity: int
    pay_type: PayType
    amount_cents: int


class Offer(BaseModel):
    """What is offered: lines and prices, nothing about any person."""

    store: Names
    version: int
    additional: bool
    lines: Sequence[OfferedLine]
    total_cents: int
    payable_cents: int
    expires_at: datetime


class Decision(Body):
    decision: Literal["authorize", "decline"]


class Decided(BaseModel):
    """What became of the version."""

    version: int
    status: authorisation.Status
    decided_at: datetime | None


@router.get("/authorisations/{token}", tags=["estimates"], openapi_extra=serves("R4", "R9"))
async def show_offer(request: Request, token: Token) -> Offer:
    """Lines and prices of the version that the link leads to (授权页)."""
    link = await _link(request, token)
    async with transaction(request.app.state.units.pool, [link.store_id]) as connection:
        order = await store.read_order(connection, link.store_id, link.order_id)
        versions = await store.estimate_versions(connection, link.store_id, link.order_id)
    proposal = authorisation.to_decide(order, versions, link.version)
    place = catalogue_of(request).stores[link.store_id]
    names = catalogue_of(request).names
    return Offer(
        store=Names(zh=place.zh, en=place.en),
        version=proposal.version,
        additional=proposal.additional_work_id is not None,
        lines=_lines(names, proposal),
        total_cents=proposal.total_cents,
        payable_cents=sum(
            line.amount_cents for line in proposal.lines if line.pay_type == "customer"
        ),
        expires_at=link.expires_at,
    )


@router.post(
    "/authorisations/{token}",
    response_model=Decided,
    tags=["estimates"],
    openapi_extra=serves("R4", "R9"),
)
async def decide_offer(
    request: Request, token: Token, body: Decision, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """The customer agrees or does not (客户授权); the link is used up."""
    store_id = store_of(token)
    if store_id not in catalogue_of(request).stores:
        raise errors.unknown_link()
    nobody = Principal(f"link:{token_hash(token).hex()}", "", frozenset(), frozenset(), "")
    command = await command_of(request, nobody, store_id, idempotency_key)
    try:
        link = await _link(request, token)
    except Refused:
        # The link is used up by this very command when it is repeated.
        if answered := await command.earlier_answer():
            return answered
        raise
    word = Word(body.decision == "authorize", "link", None, link)
    return await decide(request, command, link.order_id, link.version, word, _decided)


async def _link(request: Request, token: str) -> Link:
    """The link of a token.

    Raises:
        Refused: there is none, it was used, or it has expired.
    """
    store_id = store_of(token)
    if store_id not in catalogue_of(request).stores:
        raise errors.unknown_link()
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        link = await store.find_link(connection, store_id, token_hash(token))
    if link is None:
        raise errors.unknown_link()
    if link.used_at:
        raise errors.link_used()
    if link.expires_at <= request.app.state.service.clock.now():
        raise errors.link_expired()
    return link


def _lines(names: Mapping[str, Mapping[str, Any]], proposal: EstimateVersion) -> list[OfferedLine]:
    return [
        OfferedLine(
            zh=names[line.code]["zh"],
            en=names[line.code]["en"],
            kind=line.kind,
            quantity=line.quantity,
            pay_type=line.pay_type,
            amount_cents=line.amount_cents,
        )
        for line in proposal.lines
    ]


def _decided(version: EstimateVersion) -> Decided:
    return Decided(version=version.version, status=version.status, decided_at=version.decided_at)
