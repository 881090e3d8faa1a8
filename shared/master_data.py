"""Master data in a service: the newest state of each record that management publishes.

A state is stored whole, as published. A transaction reads it from the table, so that a change
counts in the next transaction of every process; what was parsed before is not parsed again.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence, Set
from typing import Any, TypeVar

from shared.contracts.base import GROUP, Event, State
from shared.contracts.management import StoreDefined
from shared.db import Connection, Pool
from shared.envelope import ReceivedEvent
from shared.timers import RetryLaterError
from shared.unit_of_work import UnitOfWork

S = TypeVar("S", bound=State)

_PARSED_RECORDS = 1000
"""Number of records that a process keeps parsed, those that were used last."""

# A state that no longer concerns a store concerns it this once. A republished one says the same.
_SELECT_BEFORE = """
SELECT topic, key, for_stores, master_data.record = announced.record::jsonb AS is_same
FROM unnest($1::text[], $2::text[], $3::text[]) AS announced (topic, key, record)
JOIN master_data USING (topic, key)
"""

_STORE = """
INSERT INTO master_data (topic, key, version, event_id, record, for_stores)
SELECT topic, key, version, event_id, record::jsonb, string_to_array(stores, ',')
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
  AS state (topic, key, version, event_id, record, stores)
ON CONFLICT (topic, key) DO UPDATE
SET version = excluded.version, event_id = excluded.event_id, record = excluded.record,
    for_stores = excluded.for_stores
"""

# The body of a state that the process has parsed stays where it is.
_SELECT = """
SELECT key, event_id, CASE WHEN event_id <> parsed THEN record::text END AS record
FROM unnest($2::text[], $3::text[]) AS wanted (key, parsed)
JOIN master_data USING (key)
WHERE topic = $1
"""

_SELECT_KEYS_OF_STORES = """
SELECT key FROM master_data WHERE topic = $1 AND for_stores && $2::text[]
ORDER BY length(key), key
"""

_SELECT_KEYS = """
SELECT key FROM master_data WHERE topic = $1 AND key ^@ $2 ORDER BY length(key), key
"""

_KNOWS_STORE = "SELECT EXISTS (SELECT FROM master_data WHERE topic = $1 AND key = $2)"

_SELECT_COMPLETE = "SELECT topic FROM complete_topic"

_INSERT_COMPLETE = """
INSERT INTO complete_topic (topic) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
"""


class NotDefinedError(RetryLaterError):
    """Master data that a task needs is not defined; ``what`` names it.

    A timer is tried again later, and a request is answered with 503.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} are not defined yet")
        self.what = what


class MasterData:
    """Records of master data, of which a process keeps the last used ones parsed."""

    def __init__(self, parsed_records: int = _PARSED_RECORDS) -> None:
        self._parsed: OrderedDict[tuple[str, str], tuple[str, Any]] = OrderedDict()
        self._most = parsed_records

    async def get(
        self, connection: Connection, contract: type[S], keys: Collection[str]
    ) -> dict[str, S]:
        """Return the newest states in the order of ``keys``; one never published is absent."""
        parsed = {key: self._parsed.get((contract.topic, key)) for key in keys}
        event_ids = [each[0] if each else "" for each in parsed.values()]
        rows = await connection.fetch(_SELECT, contract.topic, list(parsed), event_ids)
        states = {row["key"]: self._state(contract, row, parsed[row["key"]]) for row in rows}
        return {key: states[key] for key in parsed if key in states}

    async def of_store(
        self, connection: Connection, contract: type[S], store_id: str
    ) -> dict[str, S]:
        """Return the newest states of the records that concern a store, by their ids."""
        return await self.of_stores(connection, contract, [store_id])

    async def of_stores(
        self, connection: Connection, contract: type[S], store_ids: Collection[str]
    ) -> dict[str, S]:
        """Return the newest states of the records that concern any of the stores, by their ids."""
        rows = await connection.fetch(_SELECT_KEYS_OF_STORES, contract.topic, list(store_ids))
        return await self.get(connection, contract, [row["key"] for row in rows])

    async def starting(
        self, connection: Connection, contract: type[S], beginning: str = ""
    ) -> dict[str, S]:
        """Return the newest states of all records whose ids begin so, by their ids."""
        rows = await connection.fetch(_SELECT_KEYS, contract.topic, beginning)
        return await self.get(connection, contract, [row["key"] for row in rows])

    def _state(self, contract: type[S], row: Any, parsed: tuple[str, Any] | None) -> S:
        if parsed is None or row["record"] is not None:
            parsed = row["event_id"], contract.model_validate_json(row["record"])
        place = contract.topic, row["key"]
        self._parsed[place] = parsed
        self._parsed.move_to_end(place)
        while len(self._parsed) > self._most:
            self._parsed.popitem(last=False)
        state: S = parsed[1]
        return state


async def store_states(
    uow: UnitOfWork, batch: Sequence[ReceivedEvent]
) -> dict[str, list[ReceivedEvent]]:
    """Store the last state of each record in ``batch``, which the duplicate guard has let pass.

    Returns those that say something new by the stores that they concern, or did until now; by
    :data:`GROUP` those that concern the whole group. One that was only republished is not among
    them.
    """
    newest = {_place(received.event): received for received in batch}
    topics, keys = [topic for topic, _ in newest], [key for _, key in newest]
    records = [received.value.decode() for received in newest.values()]
    before = {
        (row["topic"], row["key"]): row
        for row in await uow.connection.fetch(_SELECT_BEFORE, topics, keys, records)
    }
    await uow.connection.execute(
        _STORE,
        topics,
        keys,
        [received.envelope.sequence for received in newest.values()],
        [received.envelope.event_id for received in newest.values()],
        records,
        [",".join(_stores(received.event)) for received in newest.values()],
    )
    by_store: dict[str, list[ReceivedEvent]] = {}
    for place, received in newest.items():
        known = before.get(place)
        if known and known["is_same"]:
            continue
        stores = {*_stores(received.event), *(known["for_stores"] if known else ())}
        for store_id in stores or {GROUP}:
            by_store.setdefault(store_id, []).append(received)
    return by_store


async def knows_store(connection: Connection, store_id: str) -> bool:
    """Return whether management has ever defined the store."""
    return bool(await connection.fetchval(_KNOWS_STORE, StoreDefined.topic, store_id))


async def complete_topics(workers: Pool) -> Set[str]:
    """Return the state topics that the service has once read to their ends."""
    return {row["topic"] for row in await workers.fetch(_SELECT_COMPLETE)}


async def save_complete(workers: Pool, topics: Iterable[str]) -> None:
    """Note that the service has read these state topics to their ends."""
    await workers.execute(_INSERT_COMPLETE, list(topics))


def _place(event: Event) -> tuple[str, str]:
    return event.topic, str(getattr(event, event.key_field))


def _stores(event: Event) -> Iterable[str]:
    return event.for_stores if isinstance(event, State) else ()
