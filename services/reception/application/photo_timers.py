"""Content of photos whose row never came."""

from datetime import timedelta

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain.photo import photo_file
from shared import timers
from shared.problems import Problem
from shared.timers import RetryLaterError, Timer
from shared.unit_of_work import UnitOfWork

ORPHANED_PHOTO = "orphaned_photo"

_ORPHANED_AFTER = timedelta(days=1)


async def schedule_removal(uow: UnitOfWork, store_id: str, photo_id: str) -> None:
    """Have the file removed a day later, unless its row comes."""
    due_at = uow.now + _ORPHANED_AFTER
    await timers.schedule(uow, ORPHANED_PHOTO, photo_id, store_id=store_id, due_at=due_at)


async def cancel_removal(uow: UnitOfWork, photo_id: str) -> None:
    """Keep the file: its row is there."""
    await timers.cancel(uow, ORPHANED_PHOTO, photo_id)


async def remove_orphan(store_id: str, photo_id: str, deps: Deps) -> None:
    """Delete the file unless its row is there."""
    async with deps.uow_factory.read(store_id) as connection:
        photo = await persistence.find_photo(connection, store_id, photo_id)
    if photo is not None:
        return
    try:
        await deps.files.delete(photo_file(store_id, photo_id))
    except Problem as problem:
        raise RetryLaterError(problem.detail) from problem


async def forget_orphan(_uow: UnitOfWork, _timer: Timer, _deps: Deps) -> None:
    """Do nothing more: the file is gone already."""
