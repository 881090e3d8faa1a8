"""Posts of the callers: what a person may do follows from their posts, as they are decided now."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import date

from shared.clock import Clock
from shared.contracts.base import GROUP
from shared.contracts.management import Post
from shared.db import EVERYWHERE, Connection
from shared.group import GROUP_ZONE
from shared.security import Principal
from shared.unit_of_work import UnitOfWorkFactory

PostsOf = Callable[[Connection, str, date], Awaitable[Sequence[Post] | None]]
"""Query of the posts of a person on a day; None for a person who never had a record."""

CLAIMED: frozenset[str] = frozenset({"system", "operator"})
"""Roles by which a token's claims count without a staff record: programs, and the operator who
defines the first staff.
"""

_FRESH_S = 0.5
_MOST_PERSONS = 2000


class CallersPosts:
    """Posts of the persons who called last, each read again after half a second.

    The claims of a token count for programs, and for operators without a record; with
    ``claims_without_record``, for every person without one.
    """

    def __init__(
        self,
        uow_factory: UnitOfWorkFactory,
        posts_of: PostsOf,
        *,
        claims_without_record: bool = False,
    ) -> None:
        self._uow_factory, self._posts_of = uow_factory, posts_of
        self._claims_without_record = claims_without_record
        self._read: OrderedDict[str, tuple[Sequence[Post] | None, float]] = OrderedDict()

    async def apply(self, caller: Principal, store_id: str | None) -> Principal:
        """Return the caller with the roles that they have by their posts in the store, or anywhere.

        Where claims count and the claim ``stores`` is ``["*"]``, they have all stores.
        """
        posts = await self._posts_by_record(caller)
        if posts is None:
            return replace(caller, everywhere=EVERYWHERE in caller.stores)
        in_group = any(post.in_store is None for post in posts)
        return replace(
            caller,
            roles=frozenset(
                post.role for post in posts if store_id is None or post.in_store in (None, store_id)
            ),
            stores=frozenset(post.in_store for post in posts if post.in_store)
            | (caller.stores if in_group else frozenset()),
            everywhere=in_group,
        )

    async def stores_of(self, caller: Principal, roles: Collection[str]) -> frozenset[str]:
        """Return the stores, by name, in which the caller has one of ``roles``.

        A caller whose claims count has their roles in each of their stores.
        """
        posts = await self._posts_by_record(caller)
        if posts is None:
            return caller.stores - {EVERYWHERE} if caller.roles.intersection(roles) else frozenset()
        return frozenset(post.in_store for post in posts if post.in_store and post.role in roles)

    async def _posts_by_record(self, caller: Principal) -> Sequence[Post] | None:
        """Return the caller's posts; None where the claims of their token count."""
        if caller.has("system"):
            return None
        posts = await self._posts(caller.subject)
        if posts is None and not (self._claims_without_record or caller.roles & CLAIMED):
            return ()
        return posts

    async def _posts(self, person_id: str) -> Sequence[Post] | None:
        known = self._read.get(person_id)
        if known is None or known[1] < time.monotonic():
            today = _group_day(self._uow_factory.clock)
            async with self._uow_factory.read(GROUP) as connection:
                found = await self._posts_of(connection, person_id, today)
            known = found, time.monotonic() + _FRESH_S
            self._read[person_id] = known
        self._read.move_to_end(person_id)
        while len(self._read) > _MOST_PERSONS:
            self._read.popitem(last=False)
        return known[0]


def _group_day(clock: Clock) -> date:
    return clock.now().astimezone(GROUP_ZONE).date()
