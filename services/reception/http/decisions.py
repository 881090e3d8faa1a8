"""The customer's word on a version of the estimate, however it came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import store
from services.reception.domain import authorisation, errors
from services.reception.domain.authorisation import Agreement, EstimateVersion
from services.reception.domain.order import Order, Promise
from services.reception.http.work import DEFAULT_CONFIDENCE, provisional, reserve
from services.reception.store import Link
from services.reception.workshop import Caller
from shared.commands import Command
from shared.contracts import Event
from shared.contracts.reception import Channel
from shared.contracts.refusal import Refused
from shared.db import transaction
from shared.unit import Unit


@dataclass(frozen=True)
class Word:
    """What the customer said, and who recorded it; nobody did where it came over ``link``."""

    wanted: bool
    channel: Channel
    recorded_by: str | None
    link: Link | None = None


async def decide(
    request: Request,
    command: Command,
    order_id: str,
    version: int,
    word: Word,
    answer: Callable[[EstimateVersion], BaseModel],
) -> JSONResponse:
    """Record the word. Additional work gets its hold in the workshop before the transaction."""
    if answered := await command.earlier_answer():
        return answered
    try:
        promise = await _promise(request, command, order_id, version) if word.wanted else None
    except Refused:
        # Another try of this command may have been answered since the question above.
        if answered := await command.earlier_answer():
            return answered
        raise

    async def effect(unit: Unit) -> BaseModel:
        connection = unit.connection
        order = await store.lock_order(connection, command.store_id, order_id)
        versions = await store.estimate_versions(connection, command.store_id, order_id)
        agreement = Agreement(word.channel, word.recorded_by, unit.now)
        changed, decided, events = _decided(
            order, versions, version, agreement, promise, wanted=word.wanted
        )
        if word.link and not await store.use_link(connection, word.link, unit.now):
            raise errors.link_used()
        await store.save_order(connection, changed)
        await store.save_estimates(connection, [decided])
        unit.publish(events, command.cause)
        return answer(decided)

    return await command.run(effect)


def _decided(
    order: Order,
    versions: Sequence[EstimateVersion],
    version: int,
    agreement: Agreement,
    promise: Promise | None,
    *,
    wanted: bool,
) -> tuple[Order, EstimateVersion, Sequence[Event]]:
    if not wanted:
        return authorisation.decline(order, versions, version, agreement)
    if promise is None:
        return authorisation.authorize(order, versions, version, agreement)
    return authorisation.authorize_additional(order, versions, version, agreement, promise)


async def _promise(
    request: Request, command: Command, order_id: str, version: int
) -> Promise | None:
    """When additional work will be done; absent for the ordered work, which has its promise.

    Raises:
        Refused: the version cannot be decided on.
    """
    async with transaction(request.app.state.units.pool, [command.store_id]) as connection:
        order = await store.read_order(connection, command.store_id, order_id)
        versions = await store.estimate_versions(connection, command.store_id, order_id)
    proposal = authorisation.to_decide(order, versions, version)
    if proposal.additional_work_id is None:
        return None
    operations = [operation.operation_id for operation in proposal.operations]
    if not operations and order.promised_at:
        return Promise(order.promised_at, DEFAULT_CONFIDENCE, None, provisional=False)
    try:
        token = await request.app.state.credentials.token(command.store_id)
    except httpx.HTTPError:
        answer = await provisional(request, command.store_id, operations, DEFAULT_CONFIDENCE)
        promised_at = datetime.fromisoformat(answer["promised_at"])
        return Promise(promised_at, DEFAULT_CONFIDENCE, None, provisional=True)
    caller = Caller(command.store_id, token, command.key)
    return await reserve(request, caller, operations, order_id=order_id)
