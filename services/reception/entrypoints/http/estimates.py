"""Versions of the estimate, and the customer's decision on them (估价, 授权, 增项)."""

from collections.abc import Sequence
from typing import Annotated

import orjson
from fastapi import Path, Query
from fastapi.responses import JSONResponse

from services.reception.application import (
    additional_work,
    decisions,
    estimate_offers,
    estimates,
    links,
)
from services.reception.application.decisions import (
    EstimateAuthorizationRequest,
    EstimateDecisionRequest,
)
from services.reception.application.estimate_offers import Offer
from services.reception.application.estimates import EstimateView, ReviseEstimateRequest
from services.reception.application.links import (
    CreateLinkRequest,
    LinkView,
    LinkWithUses,
    ShownLink,
)
from services.reception.entrypoints.http.access import (
    AdvisorCommand,
    FrontOffice,
    FrontOfficeCommand,
    InjectedDeps,
    MoneyReader,
)
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()

Version = Annotated[int, Path(ge=1, le=10_000)]

Declined = Annotated[Sequence[Identifier], Query(max_length=120)]
"""Items of an offer that the customer does not want."""


@router.post(
    "/orders/{order_id}/estimates",
    status_code=201,
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4"),
)
async def submit_estimate(
    order_id: str, body: ReviseEstimateRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: estimates.submit_estimate(uow, order_id, body, deps), status=201
    )


@router.post(
    "/orders/{order_id}/additional-work",
    status_code=201,
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4"),
)
async def submit_additional_work(
    order_id: str, body: ReviseEstimateRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: additional_work.submit_additional_work(uow, order_id, body, deps), status=201
    )


@router.get("/orders/{order_id}/estimates", tags=["estimates"], openapi_extra=serves("R4"))
async def list_estimates(
    store_id: str, order_id: str, _: MoneyReader, deps: InjectedDeps
) -> list[EstimateView]:
    """Every version of the order's estimate, the oldest first."""
    return await estimates.list_estimates(store_id, order_id, deps)


@router.get(
    "/orders/{order_id}/estimates/{version}/offer", tags=["estimates"], openapi_extra=serves("R4")
)
async def get_offer(
    store_id: str,
    order_id: str,
    version: Version,
    principal: MoneyReader,
    deps: InjectedDeps,
    declined: Declined = (),
) -> Offer:
    return await estimate_offers.get_offer(store_id, order_id, version, declined, deps, principal)


@router.post(
    "/orders/{order_id}/estimates/{version}/authorize",
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4", "R12"),
)
async def authorize_estimate(
    order_id: str,
    version: Version,
    body: EstimateAuthorizationRequest,
    command: FrontOfficeCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """The customer agrees, at the counter or on the phone (授权); the caller has recorded it.

    Where only a part is wanted, the version is replaced by two: the part, and the declined rest.
    """
    decision = decisions.reported_agreement(order_id, version, body, command.principal)
    return await command.run_prepared(
        lambda: decisions.prepare_decision(command.store_id, decision, command.key, deps),
        lambda uow, prepared: decisions.authorize_estimate(uow, decision, prepared, deps),
    )


@router.post(
    "/orders/{order_id}/estimates/{version}/decline",
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4"),
)
async def decline_estimate(
    order_id: str,
    version: Version,
    body: EstimateDecisionRequest,
    command: FrontOfficeCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """The customer does not agree (拒绝); additional work is offered again at the next visit."""
    decision = decisions.reported_decline(order_id, version, body, command.principal)
    return await command.run_prepared(
        lambda: decisions.prepare_decision(command.store_id, decision, command.key, deps),
        lambda uow, prepared: decisions.decline_estimate(uow, decision, prepared, deps),
    )


@router.post(
    "/orders/{order_id}/estimates/{version}/links",
    status_code=201,
    response_model=LinkView,
    tags=["estimates"],
    openapi_extra=serves("R4", "R9"),
)
async def create_link(
    order_id: str,
    version: Version,
    command: AdvisorCommand,
    deps: InjectedDeps,
    body: CreateLinkRequest | None = None,
) -> JSONResponse:
    """A one-time link (授权链接) on which the customer can see the version and decide.

    Colleagues do not get its token, of which only the hash is kept.
    """
    return await command.run_prepared(
        lambda: links.prepare_link(command.store_id, order_id, version, deps),
        lambda uow, promised_at: links.create_link(uow, order_id, version, body, promised_at, deps),
        status=201,
    )


@router.post(
    "/orders/{order_id}/links/{link_id}/showing",
    response_model=ShownLink,
    tags=["estimates"],
    openapi_extra=serves("R4", "R9"),
)
async def show_link(
    order_id: str, link_id: str, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    """Show the link to the customer, who scans it from the caller's screen (出示).

    The caller is recorded, and the customer's decision over the link names them.
    """
    response = await command.run(lambda uow: links.show_link(uow, order_id, link_id))
    # No stored response contains the token.
    url = links.link_url(command.store_id, link_id, deps)
    return JSONResponse(orjson.loads(response.body) | {"url": url}, response.status_code)


@router.get("/orders/{order_id}/links", tags=["estimates"], openapi_extra=serves("R4", "R9"))
async def list_links(
    store_id: str, order_id: str, _: FrontOffice, deps: InjectedDeps
) -> list[LinkWithUses]:
    """The order's one-time links, the oldest first, with their uses.

    Each says whether it was sent, shown, opened and answered.
    """
    return await links.list_links(store_id, order_id, deps)


@router.get("/orders/{order_id}/work-to-reoffer", tags=["estimates"], openapi_extra=serves("R4"))
async def work_to_reoffer(
    store_id: str, order_id: str, _: MoneyReader, deps: InjectedDeps
) -> list[EstimateView]:
    return await additional_work.work_to_reoffer(store_id, order_id, deps)
