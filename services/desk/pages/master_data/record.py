"""One record of master data (主数据) as management serves it: the group's, or a store's own."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from services.desk import formats
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.pages.master_data.contents import (
    MODELS,
    CollectionName,
    Content,
    kind_of,
    name_of_record,
)
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    ChangeRequest,
    ChangeView,
    DefineRequest,
    Person,
    PutBackRequest,
    RecordEntry,
    RecordResponse,
    RecordView,
)

_GROUP, _OWN = "group", "own"


@dataclass(frozen=True)
class Operations:
    """Operations of management on the records of a collection, of the group or of a store.

    Rules of the group never end.
    """

    listed: Callable[..., Awaitable[list[RecordEntry]]]
    get: Callable[..., Awaitable[RecordView]]
    history: Callable[..., Awaitable[list[ChangeView]]]
    define: Callable[..., Awaitable[RecordResponse]]
    withdraw: Callable[..., Awaitable[RecordResponse]]
    put_back: Callable[..., Awaitable[RecordResponse]]
    end: Callable[..., Awaitable[RecordResponse]] | None


OF_GROUP: Mapping[CollectionName, Operations] = {
    "rules": Operations(
        ManagementApi.list_group_rules,
        ManagementApi.get_group_rules,
        ManagementApi.group_rules_history,
        ManagementApi.define_group_rules,
        ManagementApi.withdraw_group_rules,
        ManagementApi.put_back_group_rules,
        None,
    ),
    "stores": Operations(
        ManagementApi.list_stores,
        ManagementApi.get_store,
        ManagementApi.store_history,
        ManagementApi.define_store,
        ManagementApi.withdraw_store,
        ManagementApi.put_back_store,
        ManagementApi.end_store,
    ),
    "staff": Operations(
        ManagementApi.list_group_staff,
        ManagementApi.get_group_person,
        ManagementApi.group_person_history,
        ManagementApi.define_group_person,
        ManagementApi.withdraw_group_person,
        ManagementApi.put_back_group_person,
        ManagementApi.end_group_person,
    ),
    "catalog": Operations(
        ManagementApi.list_catalog_items,
        ManagementApi.get_catalog_item,
        ManagementApi.catalog_item_history,
        ManagementApi.define_catalog_item,
        ManagementApi.withdraw_catalog_item,
        ManagementApi.put_back_catalog_item,
        ManagementApi.end_catalog_item,
    ),
    "prices": Operations(
        ManagementApi.list_group_prices,
        ManagementApi.get_group_price,
        ManagementApi.group_price_history,
        ManagementApi.define_group_price,
        ManagementApi.withdraw_group_price,
        ManagementApi.put_back_group_price,
        ManagementApi.end_group_price,
    ),
}
"""Operations on what the group decides."""

OF_STORE: Mapping[CollectionName, Operations] = {
    "rules": Operations(
        ManagementApi.list_store_rules,
        ManagementApi.get_store_rules,
        ManagementApi.store_rules_history,
        ManagementApi.define_store_rules,
        ManagementApi.withdraw_store_rules,
        ManagementApi.put_back_store_rules,
        ManagementApi.end_store_rules,
    ),
    "bays": Operations(
        ManagementApi.list_bays,
        ManagementApi.get_bay,
        ManagementApi.bay_history,
        ManagementApi.define_bay,
        ManagementApi.withdraw_bay,
        ManagementApi.put_back_bay,
        ManagementApi.end_bay,
    ),
    "staff": Operations(
        ManagementApi.list_staff,
        ManagementApi.get_person,
        ManagementApi.person_history,
        ManagementApi.define_person,
        ManagementApi.withdraw_person,
        ManagementApi.put_back_person,
        ManagementApi.end_person,
    ),
    "prices": Operations(
        ManagementApi.list_prices,
        ManagementApi.get_price,
        ManagementApi.price_history,
        ManagementApi.define_price,
        ManagementApi.withdraw_price,
        ManagementApi.put_back_price,
        ManagementApi.end_price,
    ),
    "costs": Operations(
        ManagementApi.list_monthly_costs,
        ManagementApi.get_month_costs,
        ManagementApi.month_costs_history,
        ManagementApi.define_month_costs,
        ManagementApi.withdraw_month_costs,
        ManagementApi.put_back_month_costs,
        ManagementApi.end_month_costs,
    ),
}
"""Operations on what a store decides."""

COLLECTIONS: tuple[CollectionName, ...] = (
    "rules",
    "stores",
    "bays",
    "staff",
    "catalog",
    "prices",
    "costs",
)
_NAMES: Mapping[str, CollectionName] = {name: name for name in COLLECTIONS}


def collection_of(ctx: PageContext) -> CollectionName | None:
    """Return the collection that the page's address names."""
    return _NAMES.get(ctx.parameters["collection"])


def address_of(collection: CollectionName, store_id: str, code: str, *, own: bool) -> str:
    """Return the address of a record's page."""
    scope, named = _OWN if own else _GROUP, quote(code, safe=":")
    return f"/stores/{store_id}/master-data/{collection}/{scope}/{named}"


def address_of_entry(ctx: PageContext, collection: CollectionName, entry: RecordEntry) -> str:
    """Return the address of a listed record's page.

    The group decides on the staff of all stores; a person who has posts in the page's store, or
    will have, is on that store's page for all others.
    """
    if collection != "staff":
        own = entry.for_store is not None
        return address_of(collection, entry.for_store or ctx.store.id, entry.code, own=own)
    contents = [each for each in (entry.content, entry.next_content) if isinstance(each, Person)]
    stores = {entry.for_store, *(post.in_store for each in contents for post in each.posts)}
    own = ctx.store.id in stores and not ctx.may(OF_GROUP[collection].define)
    return address_of(collection, ctx.store.id, entry.code, own=own)


def owner_of(ctx: PageContext, for_store: str | None, content: Content | None = None) -> str:
    """Return the store that decides on a record, or the group; of a person with this content, the
    store of all their posts.
    """
    if isinstance(content, Person):
        places = {post.in_store for post in content.posts}
        for_store = places.pop() if len(places) == 1 else None
    if for_store is None:
        return ctx.t("Whole group")
    return ctx.t.of(ctx.store_of(for_store))


def day_and_time(ctx: PageContext, at: datetime | None) -> str:
    """Return day and time with the year, as changes of master data are read years later."""
    return formats.local(at, ctx.store.timezone).replace("T", " ") if at else NOTHING


@dataclass(frozen=True)
class MasterRecord:
    """Queries and commands on one record."""

    ctx: PageContext
    collection: CollectionName
    kind: str
    code: str
    own: bool

    @property
    def address(self) -> str:
        return address_of(self.collection, self.ctx.store.id, self.code, own=self.own)

    @property
    def model(self) -> type[Content]:
        return MODELS[self.collection][self.kind]

    @property
    def is_rules(self) -> bool:
        return self.collection == "rules"

    @property
    def may_change(self) -> bool:
        return self.ctx.may(self._operations.define)

    @property
    def may_end(self) -> bool:
        """Whether the person may end it: the group's rules are needed on every day."""
        end = self._operations.end
        return end is not None and self.ctx.may(end)

    def title(self, view: RecordView | None = None) -> str:
        """Return what the record is, and whose; before and after it holds, by its last name."""
        versions = [view.holds, *reversed(view.versions)] if view else []
        content = next((each.content for each in versions if each and each.content), None)
        name = name_of_record(self.ctx, self.kind, self.code, content)
        owner = owner_of(self.ctx, self.ctx.store.id if self.own else None, content)
        if self.is_rules and self.code == self.kind:
            return f"{name} · {owner}"
        return f"{self.ctx.t.code('rule_kind', self.kind)} {name} · {owner}"

    async def get(self) -> RecordView:
        return await self._operations.get(self._management, *self._place)

    async def history(self) -> list[ChangeView]:
        return await self._operations.history(self._management, *self._place)

    def define(self, body: DefineRequest, key: str) -> Awaitable[RecordResponse]:
        return self._send(self._operations.define, body, key)

    def withdraw(self, body: ChangeRequest, key: str) -> Awaitable[RecordResponse]:
        return self._send(self._operations.withdraw, body, key)

    def put_back(self, body: PutBackRequest, key: str) -> Awaitable[RecordResponse]:
        return self._send(self._operations.put_back, body, key)

    def end(self, body: ChangeRequest, key: str) -> Awaitable[RecordResponse]:
        end = self._operations.end
        if end is None:
            raise ValueError(f"{self.code} never ends")
        return self._send(end, body, key)

    @property
    def _operations(self) -> Operations:
        return (OF_STORE if self.own else OF_GROUP)[self.collection]

    @property
    def _management(self) -> ManagementApi:
        return self.ctx.services.management

    @property
    def _place(self) -> tuple[str, ...]:
        return (self.ctx.store.id, self.code) if self.own else (self.code,)

    def _send(
        self,
        operation: Callable[..., Awaitable[RecordResponse]],
        body: ChangeRequest | DefineRequest | PutBackRequest,
        key: str,
    ) -> Awaitable[RecordResponse]:
        return operation(self._management, *self._place, body, idempotency_key=key)


def record_of(ctx: PageContext) -> MasterRecord | None:
    """Return the record that the page's address names."""
    collection, scope = collection_of(ctx), ctx.parameters["scope"]
    operations = {_GROUP: OF_GROUP, _OWN: OF_STORE}.get(scope)
    if collection is None or operations is None or collection not in operations:
        return None
    code = ctx.parameters["code"]
    kind = kind_of(collection, code)
    return MasterRecord(ctx, collection, kind, code, own=scope == _OWN) if kind else None


def is_future(valid_from: str, today: date) -> bool:
    """Return whether a version is still to come."""
    return valid_from > today.isoformat()
