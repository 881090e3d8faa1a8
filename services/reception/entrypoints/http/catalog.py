"""The catalog: operations, symptom codes and parts; and today's checklists."""

from typing import Annotated

from fastapi import Query, Response

from services.reception.application import catalog as catalogs
from services.reception.application.checklists import ChecklistsView, todays_checklists
from services.reception.entrypoints.http.access import CatalogReader, InjectedDeps
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()

Seen = Annotated[
    str, Query(max_length=60, description="the revision of the entries that the caller has")
]

MOST_NAMED = 200
"""Largest number of parts named at once."""


@router.get(
    "/catalog",
    response_model=catalogs.CatalogView,
    tags=["catalog"],
    openapi_extra=serves("R3", "R4"),
)
async def catalog(store_id: str, _: CatalogReader, deps: InjectedDeps, seen: Seen = "") -> Response:
    """Operations, packages and symptom codes with their names, and labor rates."""
    content = await catalogs.catalog(store_id, seen, deps)
    return Response(content, media_type="application/json")


@router.get("/parts", tags=["catalog"], openapi_extra=serves("R3", "R4"))
async def find_parts(
    store_id: str,
    _: CatalogReader,
    deps: InjectedDeps,
    search: Annotated[str, Query(max_length=60, description="part of the number or name")] = "",
) -> list[catalogs.PartEntry]:
    """Parts whose number or name contains a text, the first 50, with their prices."""
    return await catalogs.find_parts(store_id, search, deps)


@router.get("/parts/named", tags=["catalog"], openapi_extra=serves("R3", "R4"))
async def named_parts(
    store_id: str,
    _: CatalogReader,
    deps: InjectedDeps,
    part_number: Annotated[list[Identifier], Query(max_length=MOST_NAMED)],
) -> list[catalogs.PartEntry]:
    """Parts by their numbers, with their names and prices."""
    return await catalogs.named_parts(store_id, part_number, deps)


@router.get("/checklists", tags=["catalog"], openapi_extra=serves("R7", "R43"))
async def checklists(store_id: str, _: CatalogReader, deps: InjectedDeps) -> ChecklistsView:
    """Steps of delivery and areas of the daily checks with their names, as they hold today."""
    return await todays_checklists(store_id, deps)
