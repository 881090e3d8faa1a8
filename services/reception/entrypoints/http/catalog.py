"""The catalog: operations, parts and symptom codes; and today's checklists."""

from fastapi import Response

from services.reception.application import catalog as catalogs
from services.reception.application.checklists import ChecklistsView, todays_checklists
from services.reception.entrypoints.http.access import CatalogReader, InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get(
    "/catalog",
    response_model=catalogs.CatalogView,
    tags=["catalog"],
    openapi_extra=serves("R3", "R4"),
)
async def catalog(store_id: str, _: CatalogReader, deps: InjectedDeps) -> Response:
    """Operations, parts and symptom codes with their names, and labor rates."""
    content = await catalogs.catalog(store_id, deps)
    return Response(content, media_type="application/json")


@router.get("/checklists", tags=["catalog"], openapi_extra=serves("R7", "R43"))
async def checklists(store_id: str, _: CatalogReader, deps: InjectedDeps) -> ChecklistsView:
    """Steps of delivery and areas of the daily checks with their names, as they hold today."""
    return await todays_checklists(store_id, deps)
