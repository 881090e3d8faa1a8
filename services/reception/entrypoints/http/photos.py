"""Photos (照片): taken by phone or tablet, kept encrypted in the file store."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

from services.reception.application import photos
from services.reception.application.photos import PhotoView
from services.reception.domain.photo import PhotoKind
from services.reception.entrypoints.http.access import (
    InjectedDeps,
    OrderPhotoCommand,
    PremisesPhotoCommand,
    Reader,
)
from shared.request_body import LARGEST_PICTURE
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()

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
    command: OrderPhotoCommand,
    kind: PhotoKind,
    deps: InjectedDeps,
    position: Position = None,
) -> JSONResponse:
    """Keep a picture of the vehicle (环车照片), its content sent as the body.

    Its type is read from its content, not its name; place, time and camera are removed.
    """
    picture, store_id, causation = await request.body(), command.store_id, command.causation
    return await command.run_prepared(
        lambda: photos.keep_picture(store_id, order_id, picture, causation, deps),
        lambda uow, photo_id: photos.add_order_photo(uow, order_id, photo_id, kind, position),
        status=201,
    )


@router.post(
    "/photos",
    status_code=201,
    response_model=PhotoView,
    tags=["photos"],
    openapi_extra=serves("R43") | _PICTURE,
    max_body_size=LARGEST_PICTURE,
)
async def add_premises_photo(
    request: Request, command: PremisesPhotoCommand, deps: InjectedDeps
) -> JSONResponse:
    """Keep a picture of customer lounge or service drive (场地照片).

    Its content is sent as the body.
    """
    picture, store_id, causation = await request.body(), command.store_id, command.causation
    return await command.run_prepared(
        lambda: photos.keep_picture(store_id, None, picture, causation, deps),
        photos.add_premises_photo,
        status=201,
    )


@router.get("/orders/{order_id}/photos", tags=["photos"], openapi_extra=serves("R3"))
async def list_order_photos(
    store_id: str, order_id: str, _: Reader, deps: InjectedDeps
) -> list[PhotoView]:
    return await photos.list_order_photos(store_id, order_id, deps)


@router.get(
    "/photos/{photo_id}",
    response_class=Response,
    responses=_CONTENT,
    tags=["photos"],
    openapi_extra=serves("R3", "R43"),
)
async def get_photo(
    store_id: str, photo_id: str, principal: Reader, deps: InjectedDeps
) -> Response:
    """The picture itself, as JPEG; not found once it was erased."""
    content = await photos.get_photo(store_id, photo_id, principal, deps)
    return Response(content, media_type="image/jpeg")
