"""Reactions of a service to events: tables that name its application functions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from shared.contracts import Event
from shared.envelope import ReceivedEvent
from shared.unit_of_work import UnitOfWork

D = TypeVar("D")

Reaction = Callable[[UnitOfWork, Any, D], Awaitable[None]]
"""Reaction to one event; the unit of work has its causation and when it happened."""

BatchReaction = Callable[[UnitOfWork, Sequence[ReceivedEvent], D], Awaitable[None]]
"""Reaction to a whole batch with few statements, before its events are handled one by one."""


StoresReaction = Callable[[UnitOfWork, Mapping[str, Sequence[ReceivedEvent]], D], Awaitable[None]]
"""Reaction to all states of a batch by the stores that they concern, with few statements."""


@dataclass(frozen=True)
class Reactions(Generic[D]):
    """Events that a service reacts to.

    ``by_event`` handles them one by one in their order, and before them ``by_batch``, which also
    reads the types of ``batch_only``. ``by_stores`` handles states before that, of all stores at
    once.
    """

    by_event: Mapping[type[Event], Reaction[D]]
    by_batch: Sequence[BatchReaction[D]] = ()
    batch_only: Sequence[type[Event]] = ()
    by_stores: Sequence[StoresReaction[D]] = ()

    @property
    def subscriptions(self) -> Sequence[type[Event]]:
        """Types of event that the service consumes."""
        return (*self.by_event, *self.batch_only)

    async def react_by_store(
        self, uow: UnitOfWork, by_store: Mapping[str, Sequence[ReceivedEvent]], deps: D
    ) -> None:
        """Apply what concerns each store with its rows alone, which need not be those of ``uow``.

        The unit of work sees the rows of all these stores from then on, so that it can publish
        their events.
        """
        wide = replace(uow, stores=uow.stores.union(by_store))
        for apply in self.by_stores:
            async with wide.limited_to(*by_store) as limited:
                await apply(limited, by_store, deps)
        for store_id, batch in sorted(by_store.items()):
            if self.by_batch or any(type(each.event) in self.by_event for each in batch):
                async with wide.limited_to(store_id) as limited:
                    await self.react(limited, batch, deps)

    async def react(self, uow: UnitOfWork, batch: Sequence[ReceivedEvent], deps: D) -> None:
        """Apply a batch; what follows from one event of several stores is that of its own store."""
        for apply in self.by_batch:
            await apply(uow, batch, deps)
        for received in batch:
            if reaction := self.by_event.get(type(received.event)):
                envelope = received.envelope
                following = uow.caused_by(envelope.causation, envelope.time)
                if len(uow.stores) > 1:
                    following = replace(following, stores=frozenset((envelope.store_id,)))
                await reaction(following, received.event, deps)
