"""Estimate and decision of a customer over a one-time link, without signing in."""

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import JSONResponse

from services.reception.application import link_decisions
from services.reception.application.estimate_offers import PresentedEstimate
from services.reception.application.link_decisions import AuthorizationResponse, LinkDecisionRequest
from services.reception.application.links import store_of, token_hash
from services.reception.entrypoints.http.access import InjectedDeps
from services.reception.entrypoints.http.estimates import Declined
from services.reception.entrypoints.http.visitor import LinkVisitor
from shared.commands import Headers, command_of
from shared.requirements import serves
from shared.routing import Router
from shared.security import Principal

router = Router()

Token = Annotated[str, Path(min_length=8, max_length=120)]


@router.get("/authorizations/{token}", tags=["estimates"], openapi_extra=serves("R4", "R9"))
async def show_offer(
    token: Token, visitor: LinkVisitor, deps: InjectedDeps, declined: Declined = ()
) -> PresentedEstimate:
    """Lines and prices of the version that the link leads to (授权页).

    Includes the promise that the order will have without the items ``declined``. The origin of the
    opening is recorded.
    """
    return await link_decisions.show_offer(token, visitor, declined, deps)


@router.post(
    "/authorizations/{token}",
    response_model=AuthorizationResponse,
    tags=["estimates"],
    openapi_extra=serves("R4", "R9"),
)
async def decide_offer(
    request: Request,
    token: Token,
    body: LinkDecisionRequest,
    visitor: LinkVisitor,
    headers: Headers,
    deps: InjectedDeps,
) -> JSONResponse:
    """The customer agrees or does not (客户授权); the link is used up.

    Where a colleague is signed in, no decision is accepted: it is recorded that they have opened
    the link.
    """
    nobody = Principal(f"link:{token_hash(token).hex()}", "", frozenset(), frozenset(), "")
    store_id = await store_of(token, deps)
    command = await command_of(request, nobody, store_id, headers)
    return await command.run_prepared(
        lambda: link_decisions.prepare_offer_decision(token, body, visitor, command.key, deps),
        lambda uow, found: link_decisions.decide_offer(uow, *found, deps),
    )
