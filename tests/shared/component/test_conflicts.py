"""Two events at one sequence of a key: the first has its effect, the other is never lost unseen."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared import dead_letters, inbox
from shared.consumer import Consumer
from shared.contracts.violations import RuleViolation
from shared.contracts.workshop import CapacityChanged
from shared.db import speak_json, transaction
from shared.dead_letters import DeadLetters
from shared.envelope import ReceivedEvent, headers_of
from shared.inbound_records import InboundRecord
from shared.reactions import Reactions
from shared.service import Service
from shared.unit_of_work import UnitOfWork
from tests.support.foundation import CAUSATION, NOW, TOPIC, Bench, greeted

Follower = tuple[Consumer, list[int]]


def record(sequence: int, advisor: str = "", order_id: str = "o1", **changes: Any) -> InboundRecord:
    """Return a greeting by ``advisor``, whose record it identifies; without one, the genuine
    record.
    """
    event = greeted(order_id, advisor or f"a{sequence}")
    headers = headers_of(
        event,
        event_id=f"{event.advisor_id}-{sequence}",
        sequence=sequence,
        time=NOW,
        causation=CAUSATION,
    )
    genuine = InboundRecord(
        topic=TOPIC,
        partition=0,
        offset=10 * sequence + (1 if advisor else 0),
        raw_key=order_id.encode(),
        value=event.model_dump_json().encode(),
        headers=headers,
        key=order_id,
        sequence=sequence,
        store_id="S01",
    )
    return replace(genuine, **changes)


@pytest_asyncio.fixture
async def consumer(bench: Bench) -> AsyncIterator[Consumer]:
    """Yield the bench's consumer, which is given records without a broker."""
    await speak_json(bench.admin)
    yield bench.service.consumer


async def listed(bench: Bench) -> DeadLetters:
    async with transaction(bench.service.workers, ()) as connection:
        return await dead_letters.listed(connection)


async def conflicts(bench: Bench) -> list[tuple[int, str]]:
    """Return sequence and advisor of the conflicting events that are dead-lettered and open."""
    rows = await bench.admin.fetch(
        "SELECT sequence, value FROM crm.dead_letter WHERE conflict AND resolved_at IS NULL "
        "ORDER BY dead_letter_id"
    )
    return [(row["sequence"], json.loads(row["value"])["advisor_id"]) for row in rows]


async def decide(bench: Bench, decision: str, *, conflict: bool = True) -> None:
    """Decide on all open conflicts, or all other letters, and have it carried out."""
    await bench.admin.execute(
        "UPDATE crm.dead_letter SET decision = $1 WHERE resolved_at IS NULL AND conflict = $2",
        decision,
        conflict,
    )
    await bench.service.consumer.apply_operator_decisions(bench.service.workers)


async def test_forged_event_does_not_silence_genuine_one(bench: Bench, consumer: Consumer) -> None:
    await consumer.apply_or_dead_letter([record(1), record(2, "forger")])
    await consumer.apply_or_dead_letter([record(2)])
    assert await conflicts(bench) == [(2, "a2")]
    await consumer.apply_or_dead_letter([record(3)])
    assert bench.effects.advisors == {"o1": ["a1", "forger", "a3"]}
    [letter] = (await listed(bench)).letters
    assert (letter.conflict, letter.waiting, letter.sequence) == (True, 0, 2)


async def test_conflicting_events_in_one_batch_are_distinguished(
    bench: Bench, consumer: Consumer
) -> None:
    await consumer.apply_or_dead_letter([record(1), record(1, "forger"), record(1), record(2)])
    assert bench.effects.advisors == {"o1": ["a1", "a2"]}
    assert await conflicts(bench) == [(1, "forger")]


@pytest.mark.parametrize(
    "changes",
    [
        {"value": greeted("o1", "other").model_dump_json().encode()},
        {"headers": {**record(1).headers, "ce_id": "another"}},
        {"headers": {**record(1).headers, "ce_time": (NOW + timedelta(days=1)).isoformat()}},
        {"headers": {**record(1).headers, "ce_type": "aftersales.reception.NeverHeardOf.v1"}},
    ],
)
async def test_record_with_any_difference_is_another_event(
    bench: Bench, consumer: Consumer, changes: dict[str, Any]
) -> None:
    await consumer.apply_or_dead_letter([record(1)])
    await consumer.apply_or_dead_letter([record(1, offset=99)])
    assert await conflicts(bench) == []
    await consumer.apply_or_dead_letter([record(1, offset=100, **changes)])
    assert len(await conflicts(bench)) == 1
    assert bench.effects.advisors == {"o1": ["a1"]}


async def test_two_parked_events_of_one_sequence_conflict(bench: Bench, consumer: Consumer) -> None:
    await consumer.apply_or_dead_letter([record(3)])
    await consumer.apply_or_dead_letter([record(3, "forger"), record(3)])
    assert await conflicts(bench) == [(3, "forger")]
    [gap] = (await listed(bench)).gaps
    assert (gap.sequence, gap.waiting) == (3, 1)
    await consumer.apply_or_dead_letter([record(1), record(2)])
    assert bench.effects.advisors == {"o1": ["a1", "a2", "a3"]}


async def test_rereading_topic_adds_no_conflicts(bench: Bench, consumer: Consumer) -> None:
    everything = [record(1), record(1, "forger"), record(2), record(2, "forger")]
    await consumer.apply_or_dead_letter(everything)
    await decide(bench, "skip")
    await consumer.apply_or_dead_letter(everything)
    await bench.admin.execute("TRUNCATE crm.stream_position, crm.applied_digests")
    await consumer.apply_or_dead_letter(everything)
    assert await conflicts(bench) == []
    assert await bench.admin.fetchval("SELECT count(*) FROM crm.dead_letter") == 2
    assert bench.effects.advisors == {"o1": ["a1", "a2", "a1", "a2"]}


async def test_conflicts_are_detected_for_long_keys(bench: Bench, consumer: Consumer) -> None:
    for first in (1, 101, 201, 301):
        await consumer.apply_or_dead_letter([record(n) for n in range(first, first + 100)])
    await consumer.apply_or_dead_letter([record(n) for n in range(1, 401)])
    assert await conflicts(bench) == []
    for sequence in (1, 100, 137, 336, 337, 400):
        await consumer.apply_or_dead_letter([record(sequence, "forger")])
    assert await conflicts(bench) == [(n, "forger") for n in (1, 100, 137, 336, 337, 400)]
    held = await bench.admin.fetchval("SELECT max(octet_length(digests)) FROM crm.stream_position")
    assert held <= 8 * 228


async def test_conflict_is_skipped_but_never_replayed(bench: Bench, consumer: Consumer) -> None:
    await consumer.apply_or_dead_letter([record(1)])
    await consumer.apply_or_dead_letter([record(1, "forger")])
    await bench.admin.execute("SET search_path TO crm")
    [letter] = (await dead_letters.listed(bench.admin)).letters
    with pytest.raises(RuleViolation) as violation:
        await dead_letters.decide(bench.admin, letter.letter_id, "replay", by="me", key="key-1")
    assert violation.value.rule == "sequence_taken"
    await decide(bench, "replay")
    assert await conflicts(bench) == [(1, "forger")]
    await dead_letters.decide(bench.admin, letter.letter_id, "skip", by="me", key="key-2")
    await consumer.apply_operator_decisions(bench.service.workers)
    assert await conflicts(bench) == []
    assert bench.effects.advisors == {"o1": ["a1"]}


async def test_event_behind_unreadable_rival_is_replayed(bench: Bench, consumer: Consumer) -> None:
    await consumer.apply_or_dead_letter([record(2, "forger", value=b"{broken")])
    await consumer.apply_or_dead_letter([record(2), record(3)])
    await consumer.apply_or_dead_letter([record(1)])
    [kept] = (await listed(bench)).letters[:1]
    assert (kept.conflict, kept.sequence) == (True, 2)
    await decide(bench, "replay")
    assert bench.effects.advisors == {"o1": ["a1", "a2", "a3"]}
    [broken] = (await listed(bench)).letters
    await bench.admin.execute("SET search_path TO crm")
    with pytest.raises(RuleViolation) as violation:
        await dead_letters.decide(bench.admin, broken.letter_id, "replay", by="me", key="key-3")
    assert violation.value.rule == "sequence_taken"
    await decide(bench, "skip", conflict=False)
    assert (await listed(bench)).letters == []


async def test_readable_event_replaces_unreadable_rival(bench: Bench, consumer: Consumer) -> None:
    await consumer.apply_or_dead_letter(
        [record(1, "forger", value=b"{broken"), record(1), record(2)]
    )
    assert bench.effects.advisors == {"o1": ["a1", "a2"]}
    await consumer.apply_or_dead_letter([record(3, "forger", value=b"{broken")])
    await consumer.apply_or_dead_letter([record(3), record(4)])
    assert bench.effects.advisors == {"o1": ["a1", "a2", "a3", "a4"]}


async def test_event_without_digest_counts_as_repeated(bench: Bench, consumer: Consumer) -> None:
    await consumer.apply_or_dead_letter([record(1), record(2)])
    await bench.admin.execute("UPDATE crm.stream_position SET digests = ''")
    await consumer.apply_or_dead_letter([record(1, "forger"), record(2), record(3)])
    await consumer.apply_or_dead_letter([record(3, "forger")])
    assert await conflicts(bench) == [(3, "forger")]


def foreign(sequence: int, **changes: Any) -> InboundRecord:
    """Return a record of another store that claims the genuine key."""
    event = greeted("o1", "intruder", store_id="S02")
    forged = record(sequence, "forger", store_id="S02", value=event.model_dump_json().encode())
    return replace(forged, headers={**forged.headers, "ce_storeid": "S02"}, **changes)


async def test_record_of_another_store_blocks_no_event(bench: Bench, consumer: Consumer) -> None:
    await consumer.apply_or_dead_letter([record(1)])
    await consumer.apply_or_dead_letter([foreign(3, value=b"x"), record(1)])
    await consumer.apply_or_dead_letter([record(2, value=b"{broken")])
    await consumer.apply_or_dead_letter([record(3)])
    await decide(bench, "skip", conflict=False)
    await consumer.apply_or_dead_letter([record(4)])
    assert bench.effects.advisors == {"o1": ["a1", "a3", "a4"]}
    [gap] = (await listed(bench)).gaps
    assert (gap.store_id, gap.sequence, gap.waiting) == ("S02", 3, 1)


@pytest.mark.parametrize("together", [True, False])
async def test_record_of_another_store_does_not_claim_key(
    bench: Bench, consumer: Consumer, together: bool
) -> None:
    forged = [foreign(99, value=b"x"), foreign(1, value=b"x")]
    batches = [[record(1), *forged]] if together else [forged, [record(1)]]
    for batch in batches:
        await consumer.apply_or_dead_letter(batch)
    await consumer.apply_or_dead_letter([record(2)])
    assert bench.effects.advisors == {"o1": ["a1", "a2"]}
    [letter] = (await listed(bench)).letters
    assert (letter.store_id, letter.sequence, letter.waiting) == ("S02", 1, 1)


async def test_events_of_another_store_see_no_foreign_rows(
    bench: Bench, consumer: Consumer
) -> None:
    scopes: list[tuple[str, str]] = []

    async def handle(uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        scope = await uow.connection.fetchval("SELECT current_setting('app.stores')")
        scopes.extend((each.event.store_id, scope) for each in batch)

    consumer._batches._handle = handle
    await consumer.apply_or_dead_letter([record(1)])
    await consumer.apply_or_dead_letter([foreign(1), record(1, order_id="o2")])
    assert scopes == [("S01", "S01"), ("S01", "S01"), ("S02", "S02")]


def version(number: int, offset: int, plan: int = 0) -> InboundRecord:
    """Return a store's capacity under a plan; another plan makes another event."""
    event = CapacityChanged(store_id="S01", plan_version=plan, free=())
    headers = headers_of(
        event, event_id=f"v{number}-{plan}", sequence=number, time=NOW, causation=CAUSATION
    )
    return record(
        number,
        topic=CapacityChanged.topic,
        offset=offset,
        raw_key=b"S01",
        key="S01",
        value=event.model_dump_json().encode(),
        headers=headers,
    )


@pytest_asyncio.fixture
async def follower(bench: Bench) -> AsyncIterator[Follower]:
    """Yield a consumer of capacities that is given records, and the plans that it received."""
    await speak_json(bench.admin)
    plans: list[int] = []

    async def follow(_: UnitOfWork, event: CapacityChanged, _deps: None) -> None:
        plans.append(event.plan_version)

    following = Service(bench.foundation, None, Reactions({CapacityChanged: follow}), {})
    yield following.consumer, plans


async def test_forged_version_does_not_silence_genuine_ones(
    bench: Bench, follower: Follower
) -> None:
    consumer, plans = follower
    await consumer.apply_or_dead_letter([version(4, 10), version(7, 11)])
    await consumer.apply_or_dead_letter(
        [version(4, 10), version(7, 11), version(5, 9), version(4, 12)]
    )
    assert await versions_dead_lettered(bench) == []
    await consumer.apply_or_dead_letter([version(7, 13, plan=1)])
    await consumer.apply_or_dead_letter([version(1000, 14, plan=1)])
    await consumer.apply_or_dead_letter([version(8, 15)])
    assert await versions_dead_lettered(bench) == [
        (7, inbox.ANOTHER_APPLIED),
        (8, inbox.LATE_VERSION),
    ]
    assert plans == [0, 0, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"value": b""},
        {"value": None},
        {"value": b"{broken"},
        {"kind": "aftersales.workshop.NeverHeardOf.v1"},
        {"kind": "aftersales.workshop.CapacityChanged.v9"},
        {"kind": "aftersales.workshop.JobStarted.v1"},
        {"kind": "aftersales.reception.CustomerGreeted.v1", "value": b"{broken"},
    ],
)
async def test_malformed_version_blocks_nothing(
    bench: Bench, follower: Follower, changes: dict[str, Any]
) -> None:
    consumer, plans = follower
    forged = version(900_000_000_000, 12, plan=1)
    if kind := changes.get("kind"):
        forged = replace(forged, headers={**forged.headers, "ce_type": kind})
    forged = replace(forged, value=changes.get("value", forged.value))
    await consumer.apply_or_dead_letter([version(4, 10), forged])
    await decide(bench, "skip", conflict=False)
    await consumer.apply_or_dead_letter([forged, version(5, 13, plan=3)])
    await consumer.apply_or_dead_letter([version(6, 14, plan=4)])
    assert plans == [0, 3, 4]
    assert await versions_dead_lettered(bench) == []
    assert await bench.admin.fetchval("SELECT count(*) FROM crm.parked_event") == 0


async def test_replayed_late_version_becomes_current_state(
    bench: Bench, follower: Follower
) -> None:
    consumer, plans = follower
    await bench.admin.execute("SET search_path TO crm")
    forged = version(1000, 11, plan=1)
    await consumer.apply_or_dead_letter([version(4, 10), forged])
    await consumer.apply_or_dead_letter([version(5, 12, plan=5), version(6, 13, plan=6)])
    older, newer = (await dead_letters.listed(bench.admin)).letters
    for letter, key in ((newer, "newer-1"), (older, "older-1")):
        await dead_letters.decide(bench.admin, letter.letter_id, "replay", by="me", key=key)
        await consumer.apply_operator_decisions(bench.service.workers)
    assert plans == [0, 1, 6]
    await consumer.apply_or_dead_letter([forged, version(7, 14, plan=7)])
    assert plans == [0, 1, 6, 7]
    assert (await dead_letters.listed(bench.admin)).letters == []


async def versions_dead_lettered(bench: Bench) -> list[tuple[int, str]]:
    rows = await bench.admin.fetch(
        "SELECT sequence, error FROM crm.dead_letter WHERE conflict ORDER BY dead_letter_id"
    )
    return [(row["sequence"], row["error"]) for row in rows]
