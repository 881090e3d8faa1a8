"""Route of a store's directory, for the desk."""

from typing import Annotated

from fastapi import Depends, Query

from services.management.application import directory
from services.management.application.directory import Directory
from services.management.entrypoints.http.access import InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter
from shared.security import Principal, require_roles

router = StoreRouter("/directory")

Seen = Annotated[str, Query(max_length=40, description="the revision that the caller has")]


@router.get("", name="directory", tags=["directory"], openapi_extra=serves("R40"))
async def get_directory(
    store_id: str,
    _: Annotated[Principal, Depends(require_roles("system"))],
    deps: InjectedDeps,
    seen: Seen = "",
) -> Directory:
    """Return what people see by name in a store, unless the caller has seen it already."""
    return await directory.directory(store_id, seen, deps)
