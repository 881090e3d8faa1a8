"""The catalog: operations, parts, symptom codes, delivery steps."""

from services.reception.application import catalog as catalogs
from services.reception.entrypoints.http.access import InjectedDeps, Reader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/catalog", tags=["catalog"], openapi_extra=serves("R3", "R4", "R7"))
async def catalog(store_id: str, _: Reader, deps: InjectedDeps) -> catalogs.CatalogView:
    """Operations, parts, symptom codes and delivery steps with their names, and labor rates."""
    return await catalogs.catalog(store_id, deps)
