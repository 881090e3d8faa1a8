"""Commands on one order: lock, decide, save, publish, answer."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import persistence
from services.reception.domain.order import Order
from services.reception.entrypoints.http.views import as_seen_by, order_view
from shared.commands import Command
from shared.contracts import Event
from shared.contracts.versioned import require_version
from shared.unit import Unit

Decision = tuple[Order, Sequence[Event]]
Decide = Callable[[Order, datetime], Decision]
Then = Callable[[Unit, Order], Awaitable[None]]


async def change_order(
    command: Command,
    order_id: str,
    decide: Decide,
    then: Then | None = None,
    *,
    seen: str | None,
) -> JSONResponse:
    """Apply ``decide`` to the locked order; ``then`` does what else belongs to the command.

    ``seen`` is the version on which the caller decides, None where they record what happened.
    """

    async def effect(unit: Unit) -> BaseModel:
        order = await persistence.lock_order(unit.connection, command.store_id, order_id)
        if seen is not None:
            require_version(order, seen)
        changed, events = decide(order, unit.now)
        saved = await persistence.save_order(unit, changed)
        unit.publish(events, command.cause)
        if then:
            await then(unit, saved)
        return as_seen_by(command.principal, order_view(saved))

    return await command.run(effect)
