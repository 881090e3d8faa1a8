"""Batches: each is applied in one transaction, with its positions, its dead letters and effects."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import structlog

from shared import dead_lettering, inbox, parked_events
from shared.contracts import COMPACTED, CONTRACTS, Event, type_name
from shared.envelope import ReceivedEvent, UnreadableEventError, decode, is_known
from shared.inbound_records import DeadRecord, InboundRecord
from shared.telemetry import CONFLICTS, DEAD_LETTERS, EVENTS_APPLIED
from shared.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = structlog.get_logger()

_NOT_ADDRESSED = "key, ce_sequence or ce_storeid is missing or unreadable"

BatchHandler = Callable[[UnitOfWork, Sequence[ReceivedEvent]], Awaitable[None]]


@dataclass(frozen=True)
class BatchResult:
    """Result of a batch: understood or not, and the first event that still waits behind it."""

    understood: bool
    following: InboundRecord | None


class BatchProcessor:
    """Processor of batches of the ``subscriptions`` of one consumer."""

    def __init__(
        self,
        name: str,
        subscriptions: Iterable[type[Event]],
        handle: BatchHandler,
        uow_factory: UnitOfWorkFactory,
    ) -> None:
        contracts = list(subscriptions)
        self.topics = sorted({contract.topic for contract in contracts})
        self.applied = 0
        self.unknown = 0
        self._name = name
        self._handle = handle
        self._uow_factory = uow_factory
        self._wanted = frozenset(type_name(contract) for contract in contracts)

    async def apply(
        self,
        batch: Sequence[InboundRecord],
        *,
        failure: Exception | None = None,
        skip: bool = False,
        behind: bool = True,
        restore: bool = False,
    ) -> BatchResult:
        """Apply ``batch`` in one transaction and, if wanted, the events parked ``behind`` it.

        With ``failure``, what is not parked or discarded becomes a dead letter; with ``skip``, it
        is passed over without effect; with ``restore``, versions in conflict with the ones applied
        take the place of these.
        """
        addressed = [item for item in batch if item.addressed]
        given = {(item.stream, item.sequence) for item in addressed}
        reader = Reader(self._wanted, failure, given if skip else frozenset())
        reader.dead += [(item, _NOT_ADDRESSED) for item in batch if not item.addressed]
        stores = {item.store_id for item in addressed}
        async with self._uow_factory.open(stores, _publisher(addressed)) as uow:
            connection = uow.connection
            streams = {item.stream for item in addressed}
            locked = await inbox.lock(connection, self._name, streams, self.topics, COMPACTED)
            waiting = await parked_events.load(connection, self._name, locked)
            outcome = inbox.apply_in_sequence(
                _not_seen([*waiting, *addressed], locked),
                _start_positions(locked, addressed if restore else ()),
                reader.take,
                COMPACTED,
                {} if behind else _first_sequences(waiting, given),
            )
            self.unknown += reader.unknown
            conflicts = [(item, inbox.ANOTHER_CAME_FIRST) for item in outcome.conflicts]
            if not skip:
                conflicts += await inbox.conflicting(
                    connection, self._name, outcome.passed, locked, COMPACTED
                )
            new_conflicts = await self._save(uow, locked, waiting, outcome, reader.dead, conflicts)
            if reader.events:
                is_shared = any(position.shared for position in locked.values())
                await self._hand_over(uow, reader.events, by_store=is_shared)
        self._report(outcome.applied, reader.dead, new_conflicts)
        return BatchResult(
            understood=not (reader.dead or conflicts),
            following=_following(waiting, outcome.positions),
        )

    async def _save(
        self,
        uow: UnitOfWork,
        locked: Mapping[inbox.Key, inbox.Position],
        waiting: Sequence[InboundRecord],
        outcome: inbox.BatchOutcome[InboundRecord],
        dead: Sequence[DeadRecord],
        conflicts: Sequence[DeadRecord],
    ) -> Sequence[DeadRecord]:
        """Save the result of a batch; return the conflicts that were not known before."""
        connection, name = uow.connection, self._name
        parked = [item for item in outcome.parked if item not in waiting]
        await parked_events.insert(connection, name, parked)
        await inbox.advance(connection, name, outcome.taken, locked, COMPACTED)
        if waiting:
            dead_lettered = [item for item, _ in dead if item in waiting]
            await parked_events.delete(connection, name, outcome.positions, dead_lettered)
        await dead_lettering.insert(connection, name, dead)
        return await dead_lettering.insert_conflicts(connection, name, conflicts)

    async def _hand_over(
        self, uow: UnitOfWork, events: Sequence[ReceivedEvent], *, by_store: bool
    ) -> None:
        """Pass events to their handlers; ``by_store``, those of each store see its rows alone."""
        if not by_store:
            await self._handle(uow, events)
            return
        stores: dict[str, list[ReceivedEvent]] = {}
        for each in events:
            stores.setdefault(each.envelope.store_id, []).append(each)
        for store_id, of_store in sorted(stores.items()):
            async with uow.limited_to(store_id) as limited:
                await self._handle(limited, of_store)

    def _report(
        self, applied: int, dead: Sequence[DeadRecord], conflicts: Sequence[DeadRecord]
    ) -> None:
        """Count the events of a batch, and log an error for dead-lettered ones."""
        self.applied += applied
        EVENTS_APPLIED.labels(self._name).inc(applied)
        DEAD_LETTERS.labels(self._name).inc(len(dead) + len(conflicts))
        CONFLICTS.labels(self._name).inc(len(conflicts))
        for item, error in dead:
            log.error("dead letter", consumer=self._name, error=error, **_address(item))
        for item, error in conflicts:
            log.critical("conflicting event", consumer=self._name, error=error, **_address(item))


@dataclass
class Reader:
    """Reader of the records of one batch, in turn; ``skipped`` ones have no effect."""

    wanted: Set[str]
    failure: Exception | None
    skipped: Set[tuple[inbox.Key, int]]
    events: list[ReceivedEvent] = field(default_factory=list)
    dead: list[DeadRecord] = field(default_factory=list)
    unknown: int = 0

    def take(self, item: InboundRecord) -> bool:
        """Read ``item``; return whether its stream goes on behind it."""
        if (item.stream, item.sequence) in self.skipped:
            return True
        try:
            if self.failure:
                raise UnreadableEventError(repr(self.failure))
            events = self._read(item)
        except UnreadableEventError as error:
            self.dead.append((item, str(error)))
            return False
        self.events.extend(events)
        return bool(events) or item.topic not in COMPACTED

    def _read(self, item: InboundRecord) -> list[ReceivedEvent]:
        """Return the event, if this consumer wants its type."""
        kind = item.headers.get("ce_type", "")
        if kind and not is_known(kind):
            self.unknown += 1
            return []
        contract = CONTRACTS.get(kind)
        if contract and contract.topic != item.topic:
            raise UnreadableEventError("header ce_type: this type has another topic")
        if contract and kind not in self.wanted:
            return []
        return [decode(item.headers, item.key, item.value)]


def _publisher(batch: Iterable[InboundRecord]) -> str | None:
    """Return the service that published the batch, if a service did."""
    publishers = {item.topic.split(".")[1] for item in batch}
    return publishers.pop() if len(publishers) == 1 else None


def _not_seen(
    records: Iterable[InboundRecord], locked: Mapping[inbox.Key, inbox.Position]
) -> list[InboundRecord]:
    """Return those of ``records`` that were not applied or decided on lately."""
    return [item for item in records if item.digest not in locked[item.stream].recent]


def _start_positions(
    locked: Mapping[inbox.Key, inbox.Position], restored: Iterable[InboundRecord]
) -> dict[inbox.Key, int]:
    """Return the position of each stream; where a version is ``restored``, it comes next."""
    return {stream: position.sequence for stream, position in locked.items()} | {
        item.stream: item.sequence - 1
        for item in restored
        if inbox.version_conflict(item, locked[item.stream])
    }


def _first_sequences(
    waiting: Iterable[InboundRecord], given: Set[tuple[inbox.Key, int]]
) -> dict[inbox.Key, int]:
    """Return the sequence of the first parked event of each stream that is not ``given`` itself."""
    firsts: dict[inbox.Key, int] = {}
    for item in waiting:
        if (item.stream, item.sequence) not in given:
            firsts[item.stream] = min(item.sequence, firsts.get(item.stream, item.sequence))
    return firsts


def _following(
    waiting: Iterable[InboundRecord], positions: Mapping[inbox.Key, int]
) -> InboundRecord | None:
    """Return the first of the ``waiting`` events of the streams that have gone on."""
    still_waiting = [
        item for item in waiting if item.sequence > positions.get(item.stream, item.sequence)
    ]
    return min(still_waiting, key=lambda item: item.sequence, default=None)


def _address(item: InboundRecord) -> dict[str, Any]:
    return {"topic": item.topic, "partition": item.partition, "offset": item.offset}
