"""Public voice (媒体公关): posts and articles about a store."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import public_posts
from services.crm.application.public_posts import (
    AnswerPublicPostRequest,
    LinkPublicPostRequest,
    LogPublicPostRequest,
    PublicPostPage,
    PublicPostView,
)
from services.crm.domain.public_post import PublicPostStatus
from services.crm.entrypoints.http.access import CareCommand, ComplaintReader, InjectedDeps
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter("/public-posts")

_REQUIREMENTS = serves("R44")


@router.post(
    "",
    status_code=201,
    response_model=PublicPostView,
    tags=["public_posts"],
    openapi_extra=_REQUIREMENTS,
)
async def log_public_post(
    body: LogPublicPostRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: public_posts.log_public_post(uow, body, deps), status=201)


@router.get("", tags=["public_posts"], openapi_extra=_REQUIREMENTS)
async def list_public_posts(
    store_id: str,
    _: ComplaintReader,
    deps: InjectedDeps,
    status: Annotated[list[PublicPostStatus], Query(max_length=3)],
    complaint_id: Identifier | None = None,
    after: Identifier | None = None,
) -> PublicPostPage:
    return await public_posts.list_public_posts(store_id, status, complaint_id, after, deps)


@router.post(
    "/{public_post_id}/complaint",
    response_model=PublicPostView,
    tags=["public_posts"],
    openapi_extra=_REQUIREMENTS,
)
async def link_public_post(
    public_post_id: str, body: LinkPublicPostRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: public_posts.link_public_post(uow, public_post_id, body, deps)
    )


@router.post(
    "/{public_post_id}/answer",
    response_model=PublicPostView,
    tags=["public_posts"],
    openapi_extra=_REQUIREMENTS,
)
async def answer_public_post(
    public_post_id: str, body: AnswerPublicPostRequest, command: CareCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: public_posts.answer_public_post(uow, public_post_id, body, deps)
    )
