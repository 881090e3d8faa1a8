"""Stores, bays and people of the group by name, as management knows them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

from services.desk.client import Connections, Services, found
from services.desk.i18n import Named
from services.desk.last_known import LastKnown
from services.desk.staff import Person
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.management.models import DirectoryPerson, RecordEntry
from shared.contracts.base import GROUP
from shared.contracts.management import BayProfile, GroupProfile, NameInBoth, Post, StoreProfile
from shared.group import GROUP_ZONE

_LISTED_AT_ONCE = 200
_GROUP_PROFILE = "group_profile"


@dataclass(frozen=True)
class Store:
    """Store (门店): names, brand, zone, hours and limits; one that is closed today may open on a
    day to come.
    """

    id: str
    zh: str
    en: str
    brand: NameInBoth | None = None
    zone: str = GROUP_ZONE.key
    closing: time = time(18)
    price_list: str | None = None
    delivery_lead_minutes: int = 0
    opens_on: date | None = None

    @classmethod
    def of(cls, store_id: str, profile: StoreProfile, opens_on: date | None = None) -> "Store":
        return cls(
            id=store_id,
            zh=profile.zh,
            en=profile.en,
            brand=profile.brand,
            zone=profile.zone,
            closing=time.fromisoformat(profile.closing),
            price_list=profile.price_list,
            delivery_lead_minutes=profile.delivery_lead_minutes,
            opens_on=opens_on,
        )

    @classmethod
    def unknown(cls, store_id: str) -> "Store":
        """Return a store of which only the id is known."""
        return cls(store_id, store_id, store_id)

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def local_day(self, moment: datetime) -> date:
        """Return the store's calendar day at ``moment``."""
        return moment.astimezone(self.timezone).date()


@dataclass(frozen=True)
class _AllStores:
    """Stores of the whole group by id, as of a revision."""

    revision: str
    stores: Mapping[str, Store]


@dataclass(frozen=True)
class Directory:
    """Directory of a store; ``revision`` is empty while management has not responded yet.

    It has people, bays and items of facility checks by their ids. A store that ``exists`` is one
    that management knows, as far as it has responded.
    """

    store: Store
    exists: bool = True
    revision: str = ""
    people: Mapping[str, DirectoryPerson] = field(default_factory=dict)
    bays: Mapping[str, BayProfile] = field(default_factory=dict)
    check_items: Mapping[str, Named] = field(default_factory=dict)
    survey_factors: Mapping[str, Named] = field(default_factory=dict)

    def posts_of(self, person: Person) -> list[Post] | None:
        """Return the posts of a person in the store and in the whole group; None without a
        record.
        """
        listed = self.people.get(person.subject)
        if listed is None:
            return None
        return [post for post in listed.posts if post.in_store in (None, self.store.id)]

    def in_post(self, person: Person) -> Person:
        """Return a person with the roles of their posts in the store, or in the whole group; those
        of the token stand for a person without a record.
        """
        posts = self.posts_of(person)
        if posts is None:
            return person
        return replace(person, roles=frozenset(post.role for post in posts))


class Directories:
    """Directories of the stores whose pages are open, asked for with the desk's own token."""

    def __init__(
        self, connections: Connections, own_token: Callable[[str], Awaitable[str]]
    ) -> None:
        self._connections = connections
        self._own_token = own_token
        self._directories = LastKnown(self._ask_directory)
        self._stores = LastKnown(self._ask_stores)
        self._all_stores = LastKnown(self._ask_all_stores)
        self._group = LastKnown(self._ask_group)

    async def of(self, store_id: str) -> Directory:
        """Return the directory of a store, or the last known one while management is away."""
        return await self._directories.get(store_id) or Directory(Store.unknown(store_id))

    def last(self, store_id: str) -> Directory:
        """Return the last known directory of a store at once."""
        return self._directories.last(store_id) or Directory(Store.unknown(store_id))

    async def stores(self, store_ids: Collection[str]) -> dict[str, Store]:
        """Return stores by id; each of those that management does not name has its id as name."""
        if not store_ids:
            return {}
        known = await self._stores.get(",".join(sorted(store_ids))) or {}
        return {each: known.get(each, Store.unknown(each)) for each in store_ids}

    def last_stores(self, store_ids: Collection[str]) -> Mapping[str, Store]:
        """Return those of the stores that were asked for before, at once."""
        return self._stores.last(",".join(sorted(store_ids))) or {}

    async def all_stores(self) -> Mapping[str, Store] | None:
        """Return the stores of the whole group by id; None where management never responded."""
        known = await self._all_stores.get("")
        return known.stores if known else None

    def last_of_all(self) -> Mapping[str, Store]:
        """Return the stores of the whole group as they were last known, at once."""
        known = self._all_stores.last("")
        return known.stores if known else {}

    async def person(self, subject: str) -> DirectoryPerson | None:
        """Return the names and posts of a person; None for one who never had a record.

        Raises:
            ServiceUnavailableError: management does not respond, or refuses the desk.
        """
        try:
            return await found(self._services(GROUP).management.directory_person(subject))
        except ApiError as error:
            raise ServiceUnavailableError("management") from error

    async def group(self) -> Named | None:
        """Return the name of the group, where management ever responded."""
        return await self._group.get(_GROUP_PROFILE)

    def _services(self, store_id: str) -> Services:
        return Services(self._connections, partial(self._own_token, store_id))

    async def _ask_directory(self, store_id: str, last: Directory | None) -> Directory:
        management = self._services(store_id).management
        response = await found(management.directory(store_id, seen=last.revision if last else ""))
        if response is not None and response.content is None and last is not None:
            return last
        content = response.content if response else None
        if response is None or content is None or content.store is None:
            return Directory(Store.unknown(store_id), exists=False)
        return Directory(
            store=Store.of(store_id, content.store),
            revision=response.revision,
            people=content.people,
            bays=content.bays,
            check_items=content.check_items,
            survey_factors=content.survey_factors,
        )

    async def _ask_stores(self, key: str, _: Mapping[str, Store] | None) -> Mapping[str, Store]:
        """Ask for the stores whose ids the key joins."""
        return await _stores_of(self._listed(key.split(",")))

    async def _ask_all_stores(self, _: str, last: _AllStores | None) -> _AllStores:
        """Ask for the stores of the whole group, if their revision is another one."""
        response = await self._services(GROUP).management.stores_revision()
        if last and last.revision == response.revision:
            return last
        return _AllStores(response.revision, await _stores_of(self._all_listed()))

    async def _listed(self, store_ids: Sequence[str]) -> AsyncIterator[RecordEntry]:
        management = self._services(GROUP).management
        for first in range(0, len(store_ids), _LISTED_AT_ONCE):
            for entry in await management.list_stores(
                ids=store_ids[first : first + _LISTED_AT_ONCE]
            ):
                yield entry

    async def _all_listed(self) -> AsyncIterator[RecordEntry]:
        management, after = self._services(GROUP).management, ""
        while listed := await management.list_stores(after=after):
            for entry in listed:
                yield entry
            after = listed[-1].record_id

    async def _ask_group(self, code: str, _: Named | None) -> Named | None:
        listed = await self._services(GROUP).management.list_group_rules(ids=[code])
        return next(
            (entry.content for entry in listed if isinstance(entry.content, GroupProfile)), None
        )


async def _stores_of(listed: AsyncIterator[RecordEntry]) -> Mapping[str, Store]:
    """Return the stores that have a profile today, or will have one, by id."""
    stores: dict[str, Store] = {}
    async for entry in listed:
        if isinstance(entry.content, StoreProfile):
            stores[entry.code] = Store.of(entry.code, entry.content)
        elif isinstance(entry.next_content, StoreProfile):
            stores[entry.code] = Store.of(entry.code, entry.next_content, entry.next_from)
    return stores
