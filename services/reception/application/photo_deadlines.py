"""Content of photos whose row never came."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.reception import persistence
from services.reception.domain.photo import photo_file
from shared.db import transaction
from shared.files import FileStore
from shared.problems import Problem
from shared.service import Service
from shared.timers import Deadline, Lane, NotYetError, Timer
from shared.unit import Unit

ORPHANED_PHOTO = "orphaned_photo"

_FILES = Lane("file store", timeout_s=60)


@dataclass(frozen=True)
class PhotoDeadlines:
    """Removes files that were written by commands which then failed."""

    service: Service
    files: FileStore

    @property
    def deadlines(self) -> Mapping[str, Deadline]:
        return {ORPHANED_PHOTO: Deadline(_nothing_more, prepare=self.remove_orphan, lane=_FILES)}

    async def remove_orphan(self, store_id: str, photo_id: str) -> None:
        """Delete the file unless its row is there."""
        async with transaction(self.service.pool, [store_id]) as connection:
            photo = await persistence.find_photo(connection, store_id, photo_id)
        if photo is not None:
            return
        try:
            await self.files.delete(photo_file(store_id, photo_id))
        except Problem as problem:
            raise NotYetError(problem.detail) from problem


async def _nothing_more(_unit: Unit, _timer: Timer) -> None:
    """The file is gone already."""
