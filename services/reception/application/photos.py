"""Photos (照片): taken by phone or tablet, kept encrypted in the file store."""

from datetime import datetime, timedelta

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import errors
from services.reception.domain.photo import Photo, PhotoKind, photo_file
from shared import timers
from shared.envelope import Causation
from shared.ids import new_id
from shared.personal_data import Read
from shared.problems import Problem
from shared.security import LEGAL, Principal
from shared.timers import RetryLaterError
from shared.unit_of_work import UnitOfWork

ORPHANED_PHOTO = "orphaned_photo"

_ORPHANED_AFTER = timedelta(days=1)


class PhotoView(BaseModel):
    photo_id: str
    order_id: str | None
    kind: PhotoKind
    position: str | None
    taken_by: str
    taken_at: datetime


async def keep_picture(
    store_id: str, order_id: str | None, picture: bytes, causation: Causation, deps: Deps
) -> str:
    """Store a picture's content under a new ``photo_id``, which is returned.

    The file comes first, then its row; a timer set before both removes a file without a row.
    """
    content = await deps.cleaning.cleaned(picture)
    photo_id = str(new_id())
    async with deps.uow_factory.open([store_id], causation=causation) as uow:
        if order_id is not None:
            await persistence.read_repair_order(uow.connection, store_id, order_id)
        encrypted = await deps.personal.encrypt_bytes(
            uow.connection, store_id, order_id or photo_id, content
        )
        due_at = uow.now + _ORPHANED_AFTER
        await timers.schedule(uow, ORPHANED_PHOTO, photo_id, store_id=store_id, due_at=due_at)
    await deps.files.put(photo_file(store_id, photo_id), encrypted)
    return photo_id


async def add_order_photo(
    uow: UnitOfWork, order_id: str, photo_id: str, kind: PhotoKind, position: str | None
) -> PhotoView:
    """Add a picture of the vehicle (环车照片) whose content is kept."""
    return await _add(uow, photo_id, order_id, kind, position)


async def add_premises_photo(uow: UnitOfWork, photo_id: str) -> PhotoView:
    """Add a picture of customer lounge or service drive (场地照片) whose content is kept."""
    return await _add(uow, photo_id, None, "premises", None)


async def list_order_photos(store_id: str, order_id: str, deps: Deps) -> list[PhotoView]:
    """List an order's pictures, the oldest first."""
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_repair_order(connection, store_id, order_id)
        found = await persistence.photos_of_order(connection, store_id, order_id)
    return [_view(photo) for photo in found]


async def get_photo(store_id: str, photo_id: str, principal: Principal, deps: Deps) -> bytes:
    """Read a picture, a JPEG.

    Who answers for what a legal term keeps reads those of erased persons too; that is recorded.

    Raises:
        RuleViolation: there is none, or it was erased.
    """
    async with deps.uow_factory.read(store_id) as connection:
        photo = await persistence.read_photo(connection, store_id, photo_id)
    encrypted = await deps.files.get(photo.file)
    async with deps.uow_factory.read(store_id) as connection:
        content = await deps.personal.decrypt_bytes(
            connection, store_id, photo.data_subject_id, encrypted
        )
        if content is None and encrypted is not None and principal.has(*LEGAL):
            read = Read(deps.uow_factory.clock.now(), principal.subject)
            content = await deps.personal.read_retained(
                connection, store_id, (photo.data_subject_id, encrypted), read
            )
    if content is None:
        raise errors.photo_erased()
    return content


async def remove_orphan(store_id: str, photo_id: str, deps: Deps) -> None:
    """Delete a picture's content unless its row is there: its command has failed.

    Raises:
        RetryLaterError: the file store does not respond.
    """
    async with deps.uow_factory.read(store_id) as connection:
        photo = await persistence.find_photo(connection, store_id, photo_id)
    if photo is not None:
        return
    try:
        await deps.files.delete(photo_file(store_id, photo_id))
    except Problem as problem:
        raise RetryLaterError(problem.detail) from problem


async def _add(
    uow: UnitOfWork, photo_id: str, order_id: str | None, kind: PhotoKind, position: str | None
) -> PhotoView:
    photo = Photo(photo_id, uow.store_id, order_id, kind, position, uow.person, uow.now)
    await persistence.add_photo(uow.connection, photo)
    await timers.cancel(uow, ORPHANED_PHOTO, photo_id)
    return _view(photo)


def _view(photo: Photo) -> PhotoView:
    return PhotoView.model_validate(photo, from_attributes=True)
