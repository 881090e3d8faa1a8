"""Versions of the estimate, and the customer's decision on them (估价, 授权, 增项)."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import orjson
from fastapi import Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.link_messages import send_soon
from services.reception.application.links import (
    link_address,
    link_token,
    require_usable,
    token_hash,
)
from services.reception.domain import authorisation, errors
from services.reception.domain.authorisation import EstimateVersion
from services.reception.domain.link import LinkConsent, LinkUse
from services.reception.domain.order import Order
from services.reception.domain.vehicle import VehicleIdentity
from services.reception.entrypoints.http.access import (
    Advisor,
    FrontOfficeCommand,
    MoneyReader,
    OwnerReader,
    personal_of,
    store_router,
)
from services.reception.entrypoints.http.decisions import CustomerDecision, decide
from services.reception.entrypoints.http.offer import Declined, Offer, make_offer, offered_promise
from services.reception.entrypoints.http.work import PricedWork, priced_work
from services.reception.persistence import Link
from shared.commands import CommandContext
from shared.contracts.base import Identifier, Moment
from shared.contracts.reception import Channel, EstimateLine
from shared.contracts.versioned import require_version
from shared.contracts.violations import unknown
from shared.db import Connection, transaction
from shared.duties import serves
from shared.ids import new_id
from shared.request_model import RequestModel, Seen
from shared.unit_of_work import UnitOfWork

router = store_router()

LINK_LIFE = timedelta(hours=24)

Version = Annotated[int, Path(ge=1, le=10_000)]


class ReviseEstimate(Seen, PricedWork):
    """Other prices, parts or payers for the order as it was seen."""


class TakeWord(Seen):
    """How the customer said it, on the order as it was seen."""

    channel: Literal["counter", "phone"]


class TakeAgreement(TakeWord):
    """Of the offered items, the ``declined`` ones are not wanted; ``promised_at`` is the order's
    new promise that the customer was told. Where it would be later, they are asked again."""

    declined: Annotated[list[Identifier], Field(max_length=120)] = []
    promised_at: Moment | None = None


class CreateLink(RequestModel):
    """With ``send`` the customer is sent the link, through customer relations; else it is there to
    be shown to them."""

    send: bool = False


class EstimateView(BaseModel):
    """One version of an order's estimate."""

    order_id: str
    version: int
    additional_work_id: str | None
    lines: Sequence[EstimateLine]
    total_cents: int
    status: authorisation.Status
    submitted_by: str
    submitted_at: datetime
    channel: Channel | None
    recorded_by: str | None
    decided_at: datetime | None
    link_consent: LinkConsent | None


class LinkView(BaseModel):
    """A one-time link to a version, without its token.

    ``promised_at`` is the order's promise if the customer agrees.
    """

    link_id: str
    order_id: str
    version: int
    promised_at: datetime | None
    expires_at: datetime
    made_by: str | None
    made_at: datetime | None
    sent: bool
    used_at: datetime | None


class LinkWithUses(LinkView):
    """``uses`` say when and to whom of the colleagues it was shown, and when and from where it was
    opened and answered."""

    uses: Sequence[LinkUse]


class ShownLink(LinkView):
    """``url`` is where the customer opens it."""

    url: str


@router.post(
    "/orders/{order_id}/estimates",
    status_code=201,
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4"),
)
async def submit_estimate(
    request: Request, order_id: str, body: ReviseEstimate, command: Advisor
) -> JSONResponse:
    """Put a version of the estimate before the customer (估价); it replaces one that awaits them.

    Before the opening any work may be estimated, afterwards the operations stay.
    """
    return await _submit(request, order_id, body, command, None)


@router.post(
    "/orders/{order_id}/additional-work",
    status_code=201,
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4"),
)
async def submit_additional_work(
    request: Request, order_id: str, body: ReviseEstimate, command: Advisor
) -> JSONResponse:
    """Put further work on an open order before the customer (增项)."""
    return await _submit(request, order_id, body, command, str(new_id()))


@router.get("/orders/{order_id}/estimates", tags=["estimates"], openapi_extra=serves("R4"))
async def list_estimates(
    request: Request, store_id: str, order_id: str, _: MoneyReader
) -> list[EstimateView]:
    """Every version of the order's estimate, the oldest first."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        await persistence.read_order(connection, store_id, order_id)
        versions = await persistence.estimate_versions(connection, store_id, order_id)
    return [estimate_view(version) for version in versions]


@router.get(
    "/orders/{order_id}/estimates/{version}/offer", tags=["estimates"], openapi_extra=serves("R4")
)
async def get_offer(
    request: Request,
    store_id: str,
    order_id: str,
    version: Version,
    _: MoneyReader,
    declined: Declined = (),
) -> Offer:
    """A version that awaits the customer's decision, by the items on which they decide, and the
    promise that the order will have without those ``declined``."""
    order, proposal = await _to_decide(request, store_id, order_id, version)
    return await make_offer(request, order, proposal, declined)


@router.post(
    "/orders/{order_id}/estimates/{version}/authorisation",
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4", "R12"),
)
async def record_authorisation(
    request: Request,
    order_id: str,
    version: Version,
    body: TakeAgreement,
    command: FrontOfficeCommand,
) -> JSONResponse:
    """The customer agrees, at the counter or on the phone (授权); the caller has recorded it.

    Where only a part is wanted, the version is replaced by two: the part, and the declined rest.
    """
    _require_presence(command, body.channel)
    declined = frozenset(body.declined)
    decision = CustomerDecision(
        True,
        body.channel,
        command.principal.subject,
        body.version,
        declined=declined,
        promised_at=body.promised_at,
    )
    return await decide(request, command, order_id, version, decision, _decided)


@router.post(
    "/orders/{order_id}/estimates/{version}/refusal",
    response_model=EstimateView,
    tags=["estimates"],
    openapi_extra=serves("R4"),
)
async def record_refusal(
    request: Request, order_id: str, version: Version, body: TakeWord, command: FrontOfficeCommand
) -> JSONResponse:
    """The customer does not agree (拒绝); additional work is offered again at the next visit."""
    _require_presence(command, body.channel)
    decision = CustomerDecision(False, body.channel, command.principal.subject, body.version)
    return await decide(request, command, order_id, version, decision, _decided)


@router.post(
    "/orders/{order_id}/estimates/{version}/links",
    status_code=201,
    response_model=LinkView,
    tags=["estimates"],
    openapi_extra=serves("R4", "R9"),
)
async def create_link(
    request: Request,
    order_id: str,
    version: Version,
    command: Advisor,
    body: CreateLink | None = None,
) -> JSONResponse:
    """A one-time link (授权链接) on which the customer can see the version and decide.

    Colleagues are not told its token, of which only the hash is kept.
    """
    if answered := await command.previous_response():
        return answered
    send = body is not None and body.send
    use_case = await _new_link(request, command, order_id, version, send=send)
    return await command.run(use_case, status=201)


@router.post(
    "/orders/{order_id}/links/{link_id}/showing",
    response_model=ShownLink,
    tags=["estimates"],
    openapi_extra=serves("R4", "R9"),
)
async def show_link(
    request: Request, order_id: str, link_id: str, command: Advisor
) -> JSONResponse:
    """Have the link to show it to the customer, who scans it from the caller's screen (出示).

    It is recorded who has had it, and the customer's decision over it says so.
    """

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        link = await persistence.read_link(connection, command.store_id, link_id)
        if link.order_id != order_id:
            raise unknown("link_id", link_id)
        require_usable(link, uow.now)
        shown = LinkUse("shown", uow.now, command.principal.subject)
        await persistence.add_link_use(connection, link, shown)
        return _link_view(link)

    response = await command.run(use_case)
    token = link_token(personal_of(request), command.store_id, link_id)
    url = link_address(request.app.state.service.deps.public_url, token)
    return JSONResponse(orjson.loads(response.body) | {"url": url}, response.status_code)


@router.get("/orders/{order_id}/links", tags=["estimates"], openapi_extra=serves("R4", "R9"))
async def list_links(
    request: Request, store_id: str, order_id: str, _: OwnerReader
) -> list[LinkWithUses]:
    """The order's one-time links, the oldest first: whether they were sent, shown, opened and
    answered."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        await persistence.read_order(connection, store_id, order_id)
        links = await persistence.links_of(connection, store_id, order_id)
        uses = await persistence.link_uses(connection, store_id, [link.link_id for link in links])
    return [LinkWithUses(**dict(_link_view(link)), uses=uses[link.link_id]) for link in links]


async def _new_link(
    request: Request, command: CommandContext, order_id: str, version: int, *, send: bool
) -> Callable[[UnitOfWork], Awaitable[BaseModel]]:
    order, proposal = await _to_decide(request, command.store_id, order_id, version)
    promise = await offered_promise(request, order, proposal)
    promised_at = promise.promised_at if promise else None

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        order = await persistence.lock_order(connection, command.store_id, order_id)
        versions = await persistence.estimate_versions(connection, command.store_id, order_id)
        authorisation.require_pending(order, versions, version)
        link = Link(
            command.store_id,
            str(new_id()),
            order_id,
            version,
            uow.now + LINK_LIFE,
            promised_at=promised_at,
            made_by=command.principal.subject,
            made_at=uow.now,
            sent=send,
        )
        token = link_token(personal_of(request), link.store_id, link.link_id)
        await persistence.add_link(connection, link, token_hash(token))
        if send:
            if order.customer_ref is None:
                raise errors.no_customer()
            await send_soon(uow, link)
        return _link_view(link)

    return use_case


def _link_view(link: Link) -> LinkView:
    return LinkView(**{name: getattr(link, name) for name in LinkView.model_fields})


def _require_presence(command: CommandContext, channel: Channel) -> None:
    """Customer care does not meet customers: it has their word on the phone alone."""
    if channel == "counter" and not command.principal.has("advisor", "manager"):
        raise errors.counter_word_by_agent()


async def _to_decide(
    request: Request, store_id: str, order_id: str, version: int
) -> tuple[Order, EstimateVersion]:
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        versions = await persistence.estimate_versions(connection, store_id, order_id)
    return order, authorisation.require_pending(order, versions, version)


@router.get("/orders/{order_id}/declined-work", tags=["estimates"], openapi_extra=serves("R4"))
async def declined_work(
    request: Request, store_id: str, order_id: str, _: MoneyReader
) -> list[EstimateView]:
    """What the vehicle's owner did not want at earlier visits and has not ordered since
    (未做增项): to be offered again."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        return await offered_again(connection, store_id, order.vehicle, order.arrived_at)


async def offered_again(
    connection: Connection, store_id: str, vehicle: VehicleIdentity, before: datetime
) -> list[EstimateView]:
    """Work that was declined at the vehicle's visits before then and not ordered since."""
    found = await persistence.work_not_wanted(connection, store_id, vehicle, before)
    since = min((version.submitted_at for version in found), default=before)
    ordered = await persistence.operations_since(connection, store_id, vehicle, since)
    return [estimate_view(version) for version in authorisation.open_offers(found, ordered)]


async def _submit(
    request: Request,
    order_id: str,
    body: ReviseEstimate,
    command: CommandContext,
    additional_work_id: str | None,
) -> JSONResponse:
    priced = priced_work(request, command.store_id, body)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        order = await persistence.lock_order(connection, command.store_id, order_id)
        require_version(order, body.version)
        changed_order, changed, events = authorisation.submit(
            order,
            await persistence.estimate_versions(connection, command.store_id, order_id),
            priced,
            additional_work_id=additional_work_id,
            submitted_by=command.principal.subject,
            now=uow.now,
        )
        await persistence.save_order(uow, changed_order)
        await persistence.save_estimates(connection, changed)
        uow.publish(events, command.causation)
        return estimate_view(changed[-1])

    return await command.run(use_case, status=201)


def _decided(_order: Order, version: EstimateVersion) -> EstimateView:
    return estimate_view(version)


def estimate_view(version: EstimateVersion) -> EstimateView:
    return EstimateView(**{name: getattr(version, name) for name in EstimateView.model_fields})
