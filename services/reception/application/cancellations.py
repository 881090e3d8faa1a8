"""Why orders and appointments ended without work (取消原因): a code, and words that stay here."""

from typing import Annotated

from pydantic import Field

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.persistence import Cancellation
from shared.contracts.reception import CancellationReason
from shared.request_model import Seen
from shared.unit_of_work import UnitOfWork


class Cancel(Seen):
    """``note`` is kept encrypted and stands in no event."""

    reason: CancellationReason
    note: Annotated[str | None, Field(min_length=1, max_length=200, description="说明")] = None


async def keep_cancellation(uow: UnitOfWork, subject: str, command: Cancel, deps: Deps) -> None:
    """Keep why the order or appointment ``subject`` was cancelled, and by whom."""
    note = await deps.personal.encrypt(uow.connection, uow.store_id, subject, command.note)
    cancellation = Cancellation(subject, command.reason, note, uow.person, uow.now)
    await persistence.add_cancellation(uow.connection, uow.store_id, cancellation)
