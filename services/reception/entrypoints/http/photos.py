"""Photos (照片): taken by phone or tablet, kept encrypted in the file store."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import persistence
from services.reception.application import photo_timers
from services.reception.domain.photo import Photo, PhotoKind, photo_file
from services.reception.entrypoints.http.access import (
    Reader,
    cleaning_of,
    files_of,
    personal_of,
    store_router,
)
from shared.commands import CommandContext, accept_command
from shared.contracts.violations import RuleViolation
from shared.db import transaction
from shared.duties import serves
from shared.ids import new_id
from shared.receiving import LARGEST_PICTURE
from shared.unit_of_work import UnitOfWork

router = store_router()

Photographer = Annotated[
    CommandContext, Depends(accept_command("advisor", "manager", "technician", "inspector"))
]
Position = Annotated[str | None, Query(pattern="^[a-z_]+$", max_length=40)]

_PICTURE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The picture itself: JPEG, PNG, WebP or HEIC",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


class PhotoView(BaseModel):
    photo_id: str
    order_id: str | None
    kind: PhotoKind
    position: str | None
    taken_by: str
    taken_at: datetime


@router.post(
    "/orders/{order_id}/photos",
    status_code=201,
    response_model=PhotoView,
    tags=["photos"],
    openapi_extra=serves("R3") | _PICTURE,
    max_body_size=LARGEST_PICTURE,
)
async def add_order_photo(
    request: Request,
    order_id: str,
    command: Photographer,
    kind: PhotoKind,
    position: Position = None,
) -> JSONResponse:
    """Keep a picture of the vehicle (环车照片), its content sent as the body.

    It is known by its content, not by a name; place, time and camera are taken out of it.
    """
    return await _keep(request, command, order_id, kind, position)


@router.post(
    "/photos",
    status_code=201,
    response_model=PhotoView,
    tags=["photos"],
    openapi_extra=serves("R43") | _PICTURE,
    max_body_size=LARGEST_PICTURE,
)
async def add_premises_photo(request: Request, command: Photographer) -> JSONResponse:
    """Keep a picture of hall or lanes (场地照片), its content sent as the body."""
    return await _keep(request, command, None, "premises", None)


@router.get("/orders/{order_id}/photos", tags=["photos"], openapi_extra=serves("R3"))
async def list_order_photos(
    request: Request, store_id: str, order_id: str, _: Reader
) -> list[PhotoView]:
    """An order's pictures, the oldest first."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        await persistence.read_order(connection, store_id, order_id)
        found = await persistence.photos_of_order(connection, store_id, order_id)
    return [_view(photo) for photo in found]


@router.get(
    "/photos/{photo_id}",
    response_class=Response,
    responses=_CONTENT,
    tags=["photos"],
    openapi_extra=serves("R3", "R43"),
)
async def get_photo(request: Request, store_id: str, photo_id: str, _: Reader) -> Response:
    """The picture itself, as JPEG; not found once it was erased."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        photo = await persistence.read_photo(connection, store_id, photo_id)
    encrypted = await files_of(request).get(photo.file)
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        content = await personal_of(request).decrypt_bytes(
            connection, store_id, photo.subject, encrypted
        )
    if content is None:
        raise RuleViolation(
            "photo_erased",
            "The picture does not exist any more.",
            field="photo_id",
            kind="not_found",
        )
    return Response(content, media_type="image/jpeg")


async def _keep(
    request: Request,
    command: CommandContext,
    order_id: str | None,
    kind: PhotoKind,
    position: str | None,
) -> JSONResponse:
    """The file first, then its row; a timer set before both removes a file without a row."""
    if previous := await command.previous_response():
        return previous
    content = await cleaning_of(request).cleaned(await request.body())
    photo_id, store_id = str(new_id()), command.store_id
    async with request.app.state.uow_factory.open([store_id]) as uow:
        if order_id is not None:
            await persistence.read_order(uow.connection, store_id, order_id)
        encrypted = await personal_of(request).encrypt_bytes(
            uow.connection, store_id, order_id or photo_id, content
        )
        await photo_timers.schedule_removal(
            uow.caused_by(command.causation, uow.now), store_id, photo_id
        )
    await files_of(request).put(photo_file(store_id, photo_id), encrypted)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        photo = Photo(
            photo_id, store_id, order_id, kind, position, command.principal.subject, uow.now
        )
        await persistence.add_photo(uow.connection, photo)
        await photo_timers.cancel_removal(uow, photo_id)
        return _view(photo)

    return await command.run(use_case, status=201)


def _view(photo: Photo) -> PhotoView:
    return PhotoView.model_validate(photo, from_attributes=True)
