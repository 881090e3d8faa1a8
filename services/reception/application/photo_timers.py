"""Content of photos whose row never came."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.reception import persistence
from services.reception.domain.photo import photo_file
from shared.db import transaction
from shared.files import FileStorage
from shared.problems import Problem
from shared.service import Service
from shared.timers import Lane, RetryLaterError, Timer, TimerHandler
from shared.unit_of_work import UnitOfWork

ORPHANED_PHOTO = "orphaned_photo"

_FILES = Lane("file store", timeout_s=60)


@dataclass(frozen=True)
class PhotoTimers:
    """Removes files that were written by commands which then failed."""

    service: Service
    files: FileStorage

    @property
    def timer_handlers(self) -> Mapping[str, TimerHandler]:
        return {
            ORPHANED_PHOTO: TimerHandler(_nothing_more, prepare=self.remove_orphan, lane=_FILES)
        }

    async def remove_orphan(self, store_id: str, photo_id: str) -> None:
        """Delete the file unless its row is there."""
        async with transaction(self.service.pool, [store_id]) as connection:
            photo = await persistence.find_photo(connection, store_id, photo_id)
        if photo is not None:
            return
        try:
            await self.files.delete(photo_file(store_id, photo_id))
        except Problem as problem:
            raise RetryLaterError(problem.detail) from problem


async def _nothing_more(_uow: UnitOfWork, _timer: Timer) -> None:
    """The file is gone already."""
