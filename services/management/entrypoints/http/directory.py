"""Routes of the directory of a store, of a person, and of the revision of all stores, for the
desk.
"""

from typing import Annotated

from fastapi import Depends, Path, Query

from services.management.application import directory
from services.management.application.directory import (
    Directory,
    DirectoryPerson,
    OwnRoles,
    StoresRevision,
)
from services.management.entrypoints.http.access import EVERY_PERSON, InjectedDeps
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import Router, StoreRouter
from shared.security import Principal, require_roles

router = Router()
_of_store = StoreRouter("/directory")

Seen = Annotated[str, Query(max_length=40, description="the revision that the caller has")]


@_of_store.get("", name="directory", tags=["directory"], openapi_extra=serves("R40"))
async def get_directory(
    store_id: str,
    _: Annotated[Principal, Depends(require_roles("system"))],
    deps: InjectedDeps,
    seen: Seen = "",
) -> Directory:
    """Return what people see by name in a store, unless the caller has seen it already."""
    return await directory.directory(store_id, seen, deps)


@router.get("/group/stores-revision", tags=["directory"], openapi_extra=serves("R40"))
async def stores_revision(
    _: Annotated[Principal, Depends(require_roles("system"))], deps: InjectedDeps
) -> StoresRevision:
    """Return the revision of the list of all stores."""
    return await directory.stores_revision(deps)


@router.get("/group/directory/{person_id}", tags=["directory"], openapi_extra=serves("R40"))
async def directory_person(
    person_id: Annotated[Identifier, Path()],
    _: Annotated[Principal, Depends(require_roles("system"))],
    deps: InjectedDeps,
) -> DirectoryPerson:
    """Return the names of a person, and the posts of today in all stores and in the group."""
    return await directory.directory_person(person_id, deps)


@router.get("/own-roles", tags=["directory"], openapi_extra=serves("R41"))
async def own_roles(
    caller: Annotated[Principal, Depends(require_roles(*EVERY_PERSON, "system"))],
) -> OwnRoles:
    """Return the roles that the caller has by their posts, anywhere."""
    return directory.own_roles(caller)


router.include_router(_of_store)
