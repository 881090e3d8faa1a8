"""Sessions of people at the desk: begun by signing in, ended by signing out, the issuer or time.

The browser holds a signed cookie with a random identifier; everything else is in the session store.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog
from nicegui import Client, background_tasks, core

from services.desk.session_store import Record, SessionStore, name_of
from services.desk.staff import Person
from shared.calls import ServiceUnavailableError
from shared.problems import Problem
from shared.settings import Settings
from shared.single_flight import SingleFlight

log = structlog.get_logger()

LAST_COLLEAGUE = "last_colleague"
"""Person who used this browser last, in the cookie.

Signing out leaves it, so that a customer's decision from a colleague's device can be recognized.
"""

_MARGIN_S = 60.0
_LAST_USE_OF_A_TOKEN_S = 5.0
_LOOK_S = 1.0
_AGAIN_S = 2.0
_OTHER_DESK_S = 10.0
_USED_S = 60.0
_UNUSED_S = 60.0
_PURGE_S = 3600.0
_HANG_UP_S = 1.0
_COOKIE_KEY = "session"

Cookie = MutableMapping[str, object]


class SignedOutError(Exception):
    """End of the person's session; they have to sign in again."""


@dataclass(frozen=True)
class Grant:
    """Issuer's grant for a person: an access token that lasts ``lifetime_s`` seconds, and the
    ``refresh`` token that renews it.
    """

    person: Person
    access: str
    lifetime_s: float
    refresh: str | None = None


class Issuer(Protocol):
    """Issuer, which renews and revokes its grants."""

    async def renew(self, person: Person, refresh: str | None) -> Grant:
        """Return a new grant for ``person``, with the roles and stores of now.

        Raises:
            SignedOutError: the issuer refuses.
            ServiceUnavailableError: it does not respond.
        """
        ...

    async def revoke(self, refresh: str) -> None:
        """Revoke a refresh token (RFC 7009).

        Raises:
            ServiceUnavailableError: the issuer does not respond.
        """
        ...


class Session:
    """One person's session with the pages that they have open at this desk."""

    def __init__(self, name: str, record: Record, used_at: float, sessions: "Sessions") -> None:
        self.name = name
        self.record = record
        self.used_at = used_at
        self.asked_at = time.time()
        self.ended = False
        self.pages: set[Client] = set()
        self._told_use_at = used_at
        self._sessions = sessions
        self._renewing = SingleFlight(self._renew)
        self._renew_after = 0.0

    @property
    def person(self) -> Person:
        return self.record.person

    async def token(self) -> str:
        """Return an access token; renew one that will soon end meanwhile.

        Raises:
            SignedOutError: the session has ended.
            ServiceUnavailableError: the token has ended and the issuer does not respond.
        """
        now = self.asked_at = time.time()
        if self.ended or self._sessions.is_too_old(self, now):
            raise SignedOutError
        self.keep_fresh()
        if now < self.record.good_until - _LAST_USE_OF_A_TOKEN_S or now < self.record.fresh_until:
            return self.record.access
        if now < self._renew_after:
            raise ServiceUnavailableError("issuer")
        with _store_answers():
            await self._renewing.outcome()
        return self.record.access

    def keep_fresh(self) -> None:
        """Begin to renew an access token that will soon end, without waiting for the issuer."""
        now = time.time()
        if now >= self.record.fresh_until and now >= self._renew_after:
            self._renewing.begin()

    def shown_on(self, page: Client) -> None:
        """Register an open page; it is closed when the session ends or the person's rights
        change.
        """
        self.pages.add(page)
        page.on_delete(lambda: self.pages.discard(page))
        if self.ended:
            self.close_pages("/sign-in")

    def close_pages(self, address: str) -> None:
        """Clear the open pages, and send their browsers to ``address``."""
        pages, self.pages = self.pages, set()
        for page in pages:
            background_tasks.create(_close(page, address), name="close page")

    async def use(self) -> None:
        """Record that the person used the session now."""
        self.used_at = time.time()
        if self.used_at - self._told_use_at > _USED_S:
            self._told_use_at = self.used_at
            await self._sessions.store.use(self.name)

    async def _renew(self) -> None:
        number = self.record.number + 1
        if await self._took_newer() or await self._took_from_other_desk(number):
            return
        try:
            grant = await self._sessions.issuer.renew(self.person, self.record.refresh)
        except SignedOutError:
            await self._sessions.end(self)
            raise
        except Exception:
            self._renew_after = time.time() + _AGAIN_S
            await self._sessions.store.give_up(self.name, number)
            raise
        self._take(record_of(grant, self.record.began_at, number))
        await self._sessions.store.save(self.name, self.record)
        if await self._sessions.store.load(self.name) is None:
            await self._sessions.end(self)
            raise SignedOutError

    async def _took_from_other_desk(self, number: int) -> bool:
        """Return whether another desk made the record with ``number`` while this one waited for
        it.
        """
        if await self._sessions.store.claim(self.name, number):
            return False
        deadline = time.monotonic() + _OTHER_DESK_S
        while time.monotonic() < deadline:
            await asyncio.sleep(_OTHER_DESK_S / 100)
            if await self._took_newer():
                return True
        return False

    async def _took_newer(self) -> bool:
        """Return whether another desk has renewed the session meanwhile."""
        found = await self._sessions.store.load(self.name)
        if found is None:
            self._sessions.drop(self)
            raise SignedOutError
        if found[0].number <= self.record.number:
            return False
        self._take(found[0])
        return True

    def _take(self, record: Record) -> None:
        before, self.record = self.person, record
        if (before.roles, before.stores) != (self.person.roles, self.person.stores):
            self.close_pages("/")


class Sessions:
    """Sessions that this desk handles, out of all in the store."""

    def __init__(self, settings: Settings, store: SessionStore, issuer: Issuer) -> None:
        self.store = store
        self.issuer = issuer
        self._max_s = settings.session_max_s
        self._idle_s = settings.session_idle_s
        self._known: dict[str, Session] = {}
        self._looked_at = time.time()
        self._purge_at = 0.0
        self._revoke_at = 0.0

    async def begin(self, cookie: Cookie, grant: Grant) -> None:
        """Begin a session under a new identifier; end the browser's former one.

        Raises:
            ServiceUnavailableError: the session store does not respond.
        """
        language = cookie.get("language")
        await self.sign_out(cookie)
        identifier = secrets.token_urlsafe(32)
        with _store_answers():
            await self.store.save(name_of(identifier), record_of(grant, time.time(), 1))
        cookie[_COOKIE_KEY] = identifier
        if language:
            cookie["language"] = language

    async def current(self, cookie: Mapping[str, object]) -> Session | None:
        """Return the session that a request of the person belongs to, while it lasts.

        Raises:
            ServiceUnavailableError: the session store does not respond.
        """
        with _store_answers():
            session = await self._of(cookie)
            if session is None or await self._is_over_everywhere(session):
                return None
            await session.use()
        return None if session.ended else session

    async def sign_out(self, cookie: Cookie) -> None:
        """End the session of a browser at every desk and at the issuer. Its cookie keeps only the
        last user.

        Raises:
            ServiceUnavailableError: the session store does not respond; the session goes on.
        """
        with _store_answers():
            if session := await self._of(cookie):
                await self.end(session)
        for key in [key for key in cookie if key != LAST_COLLEAGUE]:
            del cookie[key]

    async def end(self, session: Session) -> None:
        """End a session at every desk and at the issuer."""
        await self.store.end(session.name, session.record.refresh, time.time())
        self.drop(session)
        self._revoke_at = 0.0

    def drop(self, session: Session) -> None:
        """Close the pages of a session that has ended."""
        session.ended = True
        self._known.pop(session.name, None)
        session.close_pages("/sign-in")

    def is_too_old(self, session: Session, now: float) -> bool:
        """Return whether a session has reached its maximum age."""
        return now > session.record.began_at + self._max_s

    def _is_over(self, session: Session) -> bool:
        """Return whether a session is too old or unused for too long, as far as this desk knows."""
        now = time.time()
        return self.is_too_old(session, now) or now > session.used_at + self._idle_s

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """End sessions that other desks, time and issuer have ended, until the block ends."""
        tasks = [
            asyncio.create_task(_every_second(work), name=f"sessions: {work.__name__}")
            for work in (self.look, self.tidy)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _of(self, cookie: Mapping[str, object]) -> Session | None:
        identifier = cookie.get(_COOKIE_KEY)
        if not isinstance(identifier, str):
            return None
        name = name_of(identifier)
        known = self._known.get(name)
        if known is not None:
            return known
        found = await self.store.load(name)
        if found is None:
            return None
        return self._known.setdefault(name, Session(name, *found, self))

    async def _is_over_everywhere(self, session: Session) -> bool:
        """Return whether a session is over; it may have been used at another desk."""
        if not self._is_over(session):
            return False
        found = await self.store.load(session.name)
        if found is not None:
            session.used_at = max(session.used_at, found[1])
            if not self._is_over(session):
                return False
        await self.end(session)
        return True

    async def look(self) -> None:
        """End sessions that other desks and time have ended, and begin to renew those with open
        pages; this waits for no issuer.
        """
        now = time.time()
        for name in await self.store.ended_since(self._looked_at):
            if session := self._known.get(name):
                self.drop(session)
        self._looked_at = now
        for session in list(self._known.values()):
            if await self._is_over_everywhere(session):
                continue
            if session.pages:
                session.keep_fresh()
            elif now > max(session.used_at, session.asked_at) + _UNUSED_S:
                self._known.pop(session.name, None)

    async def tidy(self) -> None:
        """Have the issuer revoke ended sessions' tokens, and remove old sessions, as far as due."""
        now = time.time()
        if now > self._revoke_at:
            self._revoke_at = now + _PURGE_S
            await self._revoke()
        if now > self._purge_at:
            self._purge_at = now + _PURGE_S
            await self.store.purge(now - self._max_s)

    async def _revoke(self) -> None:
        for name, refresh in (await self.store.to_revoke()).items():
            try:
                await self.issuer.revoke(refresh)
            except ServiceUnavailableError:
                self._revoke_at = time.time() + _AGAIN_S
                return
            await self.store.revoked(name)


async def _every_second(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(_LOOK_S)
        try:
            await work()
        except Exception as error:
            log.warning("sessions not checked", error=repr(error))


@contextmanager
def _store_answers() -> Iterator[None]:
    try:
        yield
    except Problem as problem:
        raise ServiceUnavailableError("sessions") from problem


def record_of(grant: Grant, began_at: float, number: int) -> Record:
    """Return the stored record of a session for which the issuer gave ``grant`` now."""
    now = time.time()
    return Record(
        person=grant.person,
        began_at=began_at,
        access=grant.access,
        fresh_until=now + grant.lifetime_s - min(_MARGIN_S, grant.lifetime_s / 2),
        good_until=now + grant.lifetime_s,
        refresh=grant.refresh,
        number=number,
    )


async def _close(page: Client, address: str) -> None:
    """Send the page's browser to ``address``, forget the page and close its connection."""
    if page.is_deleted:
        return
    await core.sio.emit("open", {"path": address, "new_tab": False}, room=page.id)
    sockets = [each for each, _ in core.sio.manager.get_participants("/", page.id)]
    await core.sio.close_room(page.id)
    if not page.is_deleted:
        for deletion in page._delete_tasks.values():  # noqa: SLF001 it would delete once more
            deletion.cancel()
        page.delete()
    await asyncio.sleep(_HANG_UP_S)
    for each in sockets:
        await core.sio.disconnect(each)
