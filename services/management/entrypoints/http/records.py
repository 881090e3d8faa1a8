"""Routes of the collections of master data: the same for all, named after what they hold."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.responses import JSONResponse

from services.management.application import records
from services.management.application.deps import Deps
from services.management.application.records import (
    LONGEST_LIST,
    ChangeRequest,
    ChangeView,
    DefineRequest,
    Place,
    PutBackRequest,
    RecordEntry,
    RecordResponse,
    RecordView,
)
from services.management.domain.kinds import (
    BAYS,
    CATALOG,
    COSTS,
    PRICES,
    RULES,
    STAFF,
    STORES,
    Collection,
)
from services.management.domain.readers import Reader
from services.management.entrypoints.http.access import (
    OFFICES,
    SEE_PROFIT,
    InjectedDeps,
    accept_group_command,
)
from shared.commands import CommandContext, accept_command
from shared.contracts.base import GROUP, Identifier
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import Router, StoreRouter, description_of
from shared.security import Principal, Role, require_roles
from shared.unit_of_work import UnitOfWork

Starting = Annotated[str, Query(max_length=120, description="beginning of the code")]
After = Annotated[str, Query(max_length=120, description="the last id of the page before")]
Ids = Annotated[list[Identifier] | None, Query(max_length=LONGEST_LIST, description="these alone")]
Search = Annotated[str, Query(max_length=120, description="part of the code or of a name")]
Limit = Annotated[int, Query(ge=1, le=LONGEST_LIST)]


_Decide = Callable[[UnitOfWork, Place, Any, Deps], Awaitable[RecordResponse]]


def _of_group() -> str:
    return GROUP


def _of_store(store_id: Annotated[str, Path()]) -> str:
    return store_id


def _reader(principal: Principal, store_id: str) -> Reader:
    """Return the caller as a reader: a manager of all staff, or of that of the path's store."""
    manages: frozenset[str] | None = frozenset()
    if principal.has("group_manager"):
        manages = None
    elif principal.has("service_manager"):
        manages = frozenset({store_id})
    return Reader(principal.subject, principal.roles, principal.reads, manages)


@dataclass(frozen=True)
class _Records:
    """Records of the group, or of a store, on which the ``writer`` decides.

    ``one`` and ``many`` name them in the operations, such as ``define_bay``. The ``readers`` see
    them; the roles ``also_listed_by`` list them besides.
    """

    collection: Collection
    one: str
    many: str
    writer: Role
    of_store: bool = False
    also_listed_by: tuple[Role, ...] = ()
    readers: tuple[Role, ...] = OFFICES
    requirements: tuple[str, ...] = ("R40",)

    @property
    def described(self) -> dict[str, Any]:
        return {"tags": [self.collection.name], "openapi_extra": serves(*self.requirements)}

    @property
    def owner(self) -> Any:
        """The dependency for the owner of a record."""
        return Depends(_of_store if self.of_store else _of_group)

    @property
    def place(self) -> Any:
        """The dependency for the place of a record."""
        owner = self.owner

        def place(code: Annotated[Identifier, Path()], store_id: Annotated[str, owner]) -> Place:
            return Place(self.collection, store_id, code)

        return Depends(place)


def _add_queries(router: Router, kept: _Records) -> None:
    reader, owner, at = Depends(require_roles(*kept.readers)), kept.owner, kept.place
    lister = Depends(require_roles(*kept.readers, *kept.also_listed_by))

    @router.get("", name=f"list_{kept.many}", **kept.described)
    async def list_records(
        principal: Annotated[Principal, lister],
        store_id: Annotated[str, owner],
        deps: InjectedDeps,
        starting: Starting = "",
        after: After = "",
        ids: Ids = None,
        search: Search = "",
        limit: Limit = LONGEST_LIST,
    ) -> list[RecordEntry]:
        """List records by id: the group's, and those of the store or of the caller's stores.

        On the group's path, a person with a post in the group lists those of all stores.

        Rules are listed also where they were never defined.
        """
        stores = [store_id] if kept.of_store else sorted(principal.reads)
        return await records.list_records(
            kept.collection,
            [GROUP, *stores],
            store_id,
            _reader(principal, store_id),
            deps,
            starting=starting,
            after=after,
            ids=ids,
            search=search,
            limit=limit,
        )

    @router.get("/{code:path}/history", name=f"{kept.one}_history", **kept.described)
    async def history(
        principal: Annotated[Principal, reader], place: Annotated[Place, at], deps: InjectedDeps
    ) -> list[ChangeView]:
        """Return the changes, the last one first (变更记录)."""
        return await records.history(place, _reader(principal, place.store_id), deps)

    @router.get("/{code:path}", name=f"get_{kept.one}", **kept.described)
    async def get_record(
        principal: Annotated[Principal, reader],
        place: Annotated[Place, at],
        deps: InjectedDeps,
        day: CalendarDay | None = None,
    ) -> RecordView:
        """Return all versions, and the one of a day, or of today."""
        return await records.get_record(place, day, _reader(principal, place.store_id), deps)


def _add_command(
    router: Router, kept: _Records, decide: _Decide, request: type[ChangeRequest]
) -> None:
    """Add the command that ``decide`` carries out; its body is a ``request``."""
    accepted = Depends(
        accept_command(kept.writer, also=(GROUP,))
        if kept.of_store
        else accept_group_command(kept.writer)
    )

    async def command_on_record(
        place: Annotated[Place, kept.place],
        body: request,  # type: ignore[valid-type]
        command: Annotated[CommandContext, accepted],
        deps: InjectedDeps,
    ) -> JSONResponse:
        return await command.run(lambda uow: decide(uow, place, body, deps))

    is_definition = decide is records.define
    ending = "" if is_definition else f"/{decide.__name__.replace('_', '-')}"
    router.add_api_route(
        f"/{{code:path}}{ending}",
        command_on_record,
        methods=["PUT" if is_definition else "POST"],
        name=f"{decide.__name__}_{kept.one}",
        description=description_of(decide),
        response_model=RecordResponse,
        **kept.described,
    )


def _router(kept: _Records) -> Router:
    name = kept.collection.name
    part: Router = StoreRouter(f"/{name}") if kept.of_store else Router(prefix=f"/group/{name}")
    _add_queries(part, kept)
    _add_command(part, kept, records.define, DefineRequest)
    _add_command(part, kept, records.withdraw, ChangeRequest)
    _add_command(part, kept, records.put_back, PutBackRequest)
    if kept.of_store or kept.collection is not RULES:
        _add_command(part, kept, records.end, ChangeRequest)
    return part


router = Router()
for each in (
    _Records(RULES, "group_rules", "group_rules", "group_manager", also_listed_by=("system",)),
    _Records(RULES, "store_rules", "store_rules", "service_manager", of_store=True),
    _Records(STORES, "store", "stores", "group_manager", also_listed_by=("system",)),
    _Records(BAYS, "bay", "bays", "service_manager", of_store=True),
    _Records(STAFF, "group_person", "group_staff", "group_manager"),
    _Records(STAFF, "person", "staff", "service_manager", of_store=True),
    _Records(CATALOG, "catalog_item", "catalog_items", "group_manager"),
    _Records(PRICES, "group_price", "group_prices", "group_manager"),
    _Records(PRICES, "price", "prices", "service_manager", of_store=True),
    _Records(
        COSTS,
        "month_costs",
        "monthly_costs",
        "service_manager",
        of_store=True,
        readers=SEE_PROFIT,
        requirements=("R29", "R40"),
    ),
):
    router.include_router(_router(each))
