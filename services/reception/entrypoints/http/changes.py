"""Commands on one order: lock, decide, save, publish, respond."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.views import as_seen_by, order_view
from services.reception.domain.order import Order
from shared.commands import CommandContext
from shared.contracts import Event
from shared.contracts.versioned import require_version
from shared.unit_of_work import UnitOfWork

Decision = tuple[Order, Sequence[Event]]
Decide = Callable[[Order, datetime], Decision]
Then = Callable[[UnitOfWork, Order], Awaitable[None]]


async def change_order(
    command: CommandContext,
    order_id: str,
    decide: Decide,
    then: Then | None = None,
    *,
    seen: str | None,
) -> JSONResponse:
    """Apply ``decide`` to the locked order; ``then`` does what else belongs to the command.

    ``seen`` is the version on which the caller decides, None where they record what happened.
    """

    async def use_case(uow: UnitOfWork) -> BaseModel:
        order = await persistence.lock_order(uow.connection, command.store_id, order_id)
        if seen is not None:
            require_version(order, seen)
        changed, events = decide(order, uow.now)
        saved = await persistence.save_order(uow, changed)
        uow.publish(events, command.causation)
        if then:
            await then(uow, saved)
        return as_seen_by(command.principal, order_view(saved))

    return await command.run(use_case)
