"""Metadata of photos; their content is in the file store."""

from collections.abc import Sequence

from services.reception.domain.photo import Photo
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_PHOTOS = Table("photo", Photo, key=("store_id", "photo_id"))


async def add_photo(connection: Connection, photo: Photo) -> None:
    """Store the metadata of a photo whose content is kept already."""
    await connection.execute(_PHOTOS.insert, *_PHOTOS.values(photo))


async def find_photo(connection: Connection, store_id: str, photo_id: str) -> Photo | None:
    """Return the photo, if its row was written."""
    row = await connection.fetchrow(
        _PHOTOS.select + "WHERE store_id = $1 AND photo_id = $2", store_id, photo_id
    )
    return _PHOTOS.read(row) if row else None


async def known_photos(connection: Connection, store_id: str, photo_ids: Sequence[str]) -> set[str]:
    """Return those of ``photo_ids`` that name a photo of the store."""
    rows = await connection.fetch(
        "SELECT photo_id FROM photo WHERE store_id = $1 AND photo_id = ANY ($2)",
        store_id,
        photo_ids,
    )
    return {row["photo_id"] for row in rows}


async def read_photo(connection: Connection, store_id: str, photo_id: str) -> Photo:
    """Return the photo.

    Raises:
        RuleViolation: there is no such photo in the store.
    """
    photo = await find_photo(connection, store_id, photo_id)
    if photo is None:
        raise unknown("photo_id", photo_id)
    return photo


async def photos_of_order(connection: Connection, store_id: str, order_id: str) -> list[Photo]:
    """Return an order's photos, the oldest first."""
    rows = await connection.fetch(
        _PHOTOS.select + "WHERE store_id = $1 AND order_id = $2 ORDER BY taken_at, photo_id",
        store_id,
        order_id,
    )
    return [_PHOTOS.read(row) for row in rows]
