"""One person with one page of one store, and everything that the page may ask for."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, TypeVar

import httpx
from fastapi import Depends, Request
from nicegui import app

from services.desk import formats
from services.desk.catalog import Catalog, with_entries
from services.desk.client import Connections, Services
from services.desk.directory import Directories, Directory, Store
from services.desk.i18n import LOCALES, Language, Translator, accepted_language
from services.desk.parts import KeptParts, Parts
from services.desk.response_cache import FRESH_S, ResponseCache
from services.desk.session import Session, Sessions
from services.desk.session_store import SessionStore
from services.desk.sign_in import DemoSignIn, OidcSignIn, sign_in_from
from services.desk.staff import Person
from shared.calls import ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import ResolveRequest
from shared.clients.reception.models import CatalogView
from shared.clock import Clock, clock_from
from shared.credentials import ServiceCredentials
from shared.files import FileStorage
from shared.security import SEES_MONEY
from shared.settings import Settings

T = TypeVar("T")

SEES_PERSONS = roles_of(CrmApi.resolve)
"""Roles that see names and plates; all others see queue numbers."""

_CATALOG_FRESH_S = 300.0
_KNOWN_S = 60.0
_UNKNOWN_S = 5.0


@dataclass(frozen=True)
class Who:
    """Customer's name and loyalty tier, and a vehicle's plate."""

    name: str | None
    plate: str | None
    tier: str | None


@dataclass(frozen=True)
class Names:
    """Names, plates and tiers by reference, as far as they are known and may be seen."""

    customers: Mapping[str, str] = field(default_factory=dict)
    plates: Mapping[str, str] = field(default_factory=dict)
    tiers: Mapping[str, str] = field(default_factory=dict)

    def of(self, customer_ref: str | None, plate_ref: str | None = None) -> Who:
        """Return the customer and the vehicle of two references."""
        return Who(
            self.customers.get(customer_ref or ""),
            self.plates.get(plate_ref or ""),
            self.tiers.get(plate_ref or ""),
        )


class AppContext:
    """Objects that all pages share: settings, translators, directories, connections, responses."""

    def __init__(self, settings: Settings, secret: str) -> None:
        self.settings = settings
        self.translators: dict[Language, Translator] = {
            language: Translator(language) for language in LOCALES
        }
        self._credentials = ServiceCredentials(settings, "desk")
        self.connections = Connections(settings)
        self.directories = Directories(self.connections, self.own_token)
        self.sign_in: DemoSignIn | OidcSignIn = sign_in_from(settings, self.directories)
        store = SessionStore(FileStorage(settings.desk_sessions, settings.files_secret_key), secret)
        self.sessions = Sessions(settings, store, self.sign_in)
        self.response_cache = ResponseCache()
        self.catalog: CatalogView | None = None
        self.parts = KeptParts()
        self.resolved: dict[tuple[str, str, str], tuple[str | None, float]] = {}
        self.clock: Clock = clock_from(settings.clock_file, settings.clock_skew_s)

    async def own_token(self, store_id: str) -> str:
        """Return a token of the desk itself, for names, and facts that only the desk can report.

        Raises:
            ServiceUnavailableError: the issuer does not give one.
        """
        try:
            return await self._credentials.token(store_id)
        except httpx.HTTPError as error:
            raise ServiceUnavailableError("issuer") from error

    async def group_name(self, t: Translator) -> str:
        """Return the name of the group; that of the desk where it was never known."""
        group = await self.directories.group()
        return t.of(group) if group else t("After-sales")

    def translator_for(self, request: Request) -> Translator:
        """Return texts in the language that the person chose, else in the browser's."""
        return self.translators[request.session.get("language") or accepted_language(request)]


async def present(request: Request) -> Session | None:
    """Return the session of the requesting person.

    Raises:
        ServiceUnavailableError: the session store does not respond.
    """
    app_context: AppContext = app.state.app_context
    return await app_context.sessions.current(request.session)


Present = Annotated[Session | None, Depends(present)]


@dataclass(frozen=True)
class PageContext:
    """Page that a person has open; ``person`` has the roles of their posts in the store.

    ``words`` are the names of codes in a field that stand on the page, by the name of the field.
    """

    app_context: AppContext
    signed_in: Session
    person: Person
    store: Store
    group_name: str
    t: Translator
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    services: Services
    refreshers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    words: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def store_path(self) -> str:
        """Return the path of the store's interfaces and pages."""
        return f"/stores/{self.store.id}"

    @property
    def sees_persons(self) -> bool:
        return self.person.has(SEES_PERSONS)

    @property
    def sees_money(self) -> bool:
        return self.person.has(SEES_MONEY)

    def may(self, operation: Callable[..., object]) -> bool:
        """Return whether a service opens an operation to the person's roles."""
        return self.person.has(roles_of(operation))

    def now(self) -> datetime:
        """Return the business time."""
        return self.app_context.clock.now()

    def today(self) -> date:
        """Return the store's calendar day."""
        return self.store.local_day(self.now())

    @property
    def directory(self) -> Directory:
        """Return the store's people, bays and check items as they are now known."""
        return self.app_context.directories.last(self.store.id)

    def colleague(self, subject: str | None) -> str:
        """Return the name of a colleague, or of another actor that made a change."""
        person = self.directory.people.get(subject or "")
        return self.t.of(person) if person else self.t.code("actor", subject)

    def bay(self, bay_id: str | None) -> str:
        """Return the name of a bay (工位): its type and number."""
        bay = self.directory.bays.get(bay_id or "")
        if bay is None:
            return bay_id or formats.NOTHING
        word = self.t.code("bay", bay.type)
        return f"{word[:1].upper()}{word[1:]} {bay.number}"

    @property
    def everywhere(self) -> bool:
        """Whether the person has a post in the whole group."""
        posts = self.directory.posts_of(self.person) or ()
        return any(post.in_store is None for post in posts)

    async def stores(self) -> dict[str, Store]:
        """Return the stores of the person by id; with a post in the group, these are all."""
        directories = self.app_context.directories
        if self.everywhere and (known := await directories.all_stores()):
            return dict(known)
        return await directories.stores(self.person.stores)

    def store_of(self, store_id: str) -> Store:
        """Return one of the person's stores; before :meth:`stores` only this one has its name."""
        if store_id == self.store.id:
            return self.store
        directories = self.app_context.directories
        known = (
            directories.last_of_all()
            if self.everywhere
            else directories.last_stores(self.person.stores)
        )
        return known.get(store_id, Store.unknown(store_id))

    async def shared(
        self, kind: str, ask: Callable[[], Awaitable[T]], fresh_s: float = FRESH_S
    ) -> T:
        """Return a response about the store that its viewers of the same roles share, as services
        answer by role; the token is checked first.
        """
        await self.signed_in.token()
        roles = ",".join(sorted(self.person.roles))
        return await self.app_context.response_cache.get((self.store.id, kind, roles), ask, fresh_s)

    async def changed(self) -> None:
        """Handle a change by this person: all pages of the store ask again, this page at once."""
        self.app_context.response_cache.drop(self.store.id)
        for refresh in self.refreshers:
            await refresh()

    async def catalog(self) -> Catalog:
        """Return the catalog and today's checklists in the person's language."""
        listed = await self.app_context.response_cache.get(
            ("catalog", self.store.id),
            self._ask_catalog,
            _CATALOG_FRESH_S,
        )
        checklists = await self.app_context.response_cache.get(
            ("checklists of today", self.store.id),
            lambda: self.services.reception.checklists(self.store.id),
        )
        parts = Parts(self.app_context.parts, self.services.reception, self.store.id, self.t)
        return Catalog(listed, checklists, self.t, parts)

    async def _ask_catalog(self) -> CatalogView:
        known = self.app_context.catalog
        seen = known.revision if known else ""
        listed = await self.services.reception.catalog(self.store.id, seen=seen)
        self.app_context.catalog = with_entries(listed, known)
        return self.app_context.catalog

    async def names(
        self,
        customer_refs: Iterable[str | None],
        plate_refs: Iterable[str | None] = (),
        *,
        tiers: bool = False,
    ) -> Names:
        """Return all names and plates in one call, and the customers' tiers where they are shown,
        for people who may see them.
        """
        if not self.sees_persons:
            return Names()
        of_customers, of_plates = set(filter(None, customer_refs)), set(filter(None, plate_refs))
        wanted = {
            "names": of_customers,
            "plates": of_plates,
            "tiers": of_plates if tiers else set[str](),
        }
        await self._resolve(wanted)
        return Names(*(self._known(kind, refs) for kind, refs in wanted.items()))

    async def names_if_any(
        self, customer_refs: Iterable[str | None], plate_refs: Iterable[str | None] = ()
    ) -> Names:
        """Return the same; no names while customer relations is unavailable."""
        try:
            return await self.names(customer_refs, plate_refs)
        except ServiceUnavailableError:
            return Names()

    async def _resolve(self, wanted: Mapping[str, set[str]]) -> None:
        now, resolved = time.monotonic(), self.app_context.resolved
        missing = {
            kind: sorted(
                ref
                for ref in refs
                if resolved.get((self.store.id, kind, ref), (None, 0.0))[1] < now
            )
            for kind, refs in wanted.items()
        }
        if not any(missing.values()):
            return
        response = await self.services.crm.resolve(
            self.store.id,
            ResolveRequest(
                customer_refs=missing["names"],
                plate_refs=missing["plates"],
                tiers_of=missing["tiers"],
            ),
        )
        names: Mapping[str, Mapping[str, str]] = {
            "names": response.names,
            "plates": response.plates,
            "tiers": response.tiers,
        }
        for kind, refs in missing.items():
            for ref in refs:
                name = names[kind].get(ref)
                until = now + (_KNOWN_S if name else _UNKNOWN_S)
                resolved[self.store.id, kind, ref] = (name, until)
        for key in [key for key, (_, until) in resolved.items() if until < now]:
            del resolved[key]

    def _known(self, kind: str, refs: Iterable[str]) -> dict[str, str]:
        kept = {ref: self.app_context.resolved.get((self.store.id, kind, ref)) for ref in refs}
        return {ref: known[0] for ref, known in kept.items() if known and known[0]}
