"""Unit of work: one transaction whose events are published if and only if it commits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared import outbox
from shared.clock import Clock
from shared.contracts import Event
from shared.contracts.versioned import V, next_version
from shared.db import Connection, Pool, limit, transaction
from shared.envelope import Causation
from shared.failpoints import failpoint


@dataclass
class UnitOfWork:
    """Running transaction with its start in business time and the events it publishes.

    ``actor`` is the subject of the colleague who commands it, ``customer`` for a customer's own
    decision, the service that commands it or whose events it applies, None for what follows from
    time. ``causation`` is its origin, and ``caused_at`` the time of that origin: an event's time, a
    timer's ``due_at``, the present for a command.
    """

    connection: Connection
    now: datetime
    stores: frozenset[str]
    actor: str | None
    causation: Causation | None
    caused_at: datetime
    _outgoing: list[tuple[Event, Causation]] = field(default_factory=list)

    @property
    def store_id(self) -> str:
        """Store of a command, a timer or an event."""
        (store_id,) = self.stores
        return store_id

    @property
    def person(self) -> str:
        """Person or service that gives the command."""
        if self.actor is None:
            raise RuntimeError("nobody commands this unit of work")
        return self.actor

    def caused_by(self, causation: Causation, at: datetime) -> "UnitOfWork":
        """Return the same unit, for the effects of ``causation``, which happened at ``at``."""
        return replace(self, causation=causation, caused_at=at)

    @property
    def cause(self) -> Causation:
        """Causation of its events and timers."""
        if self.causation is None:
            raise RuntimeError("an event or timer needs to say what it follows from")
        return self.causation

    def publish(self, events: Iterable[Event]) -> None:
        """Publish ``events``, in this order per key, when the transaction commits."""
        self._outgoing.extend((event, self.cause) for event in events)

    async def save(
        self, aggregates: Sequence[V], write: Callable[[Sequence[V]], Awaitable[None]]
    ) -> list[V]:
        """Store changed objects by ``write``, each as its next version, made by the actor.

        Returns all of them as they are stored.
        """
        versions = [next_version(each, self.actor, self.now) for each in aggregates]
        changed = [new for old, new in zip(aggregates, versions, strict=True) if new is not old]
        if changed:
            await write(changed)
        return versions

    @asynccontextmanager
    async def limited_to(self, *store_ids: str) -> "AsyncIterator[UnitOfWork]":
        """Return the same unit, limited to the rows of these stores."""
        await limit(self.connection, store_ids)
        yield replace(self, stores=frozenset(store_ids))
        await limit(self.connection, self.stores)

    @property
    def publishes(self) -> bool:
        """Whether it has published anything."""
        return bool(self._outgoing)

    async def flush(self) -> None:
        await outbox.append(self.connection, self._outgoing, self.now)


@dataclass(frozen=True)
class UnitOfWorkFactory:
    """Factory of units of work for commands, batches and timers alike.

    ``after_commit`` are told of each that has committed.
    """

    pool: Pool
    clock: Clock
    after_commit: list[Callable[[UnitOfWork], None]] = field(default_factory=list)

    @asynccontextmanager
    async def read(self, *stores: str) -> AsyncIterator[Connection]:
        """Open a transaction that sees the rows of ``stores`` and publishes nothing."""
        async with transaction(self.pool, stores) as connection:
            yield connection

    @asynccontextmanager
    async def open(
        self,
        stores: Iterable[str],
        actor: str | None = None,
        causation: Causation | None = None,
    ) -> AsyncIterator[UnitOfWork]:
        """Open a unit of work that sees the rows of ``stores``.

        It commits at the end and rolls back on an error.
        """
        scope = frozenset(stores)
        async with transaction(self.pool, scope) as connection:
            now = self.clock.now()
            uow = UnitOfWork(connection, now, scope, actor, causation, now)
            yield uow
            await uow.flush()
            failpoint("before_commit")
        failpoint("after_commit")
        for note in self.after_commit:
            note(uow)
