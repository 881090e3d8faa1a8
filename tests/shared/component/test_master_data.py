"""Master data of a service: the newest states, read in its transactions, on the real servers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from shared import consumer
from shared.contracts.management import RuleSetDefined
from shared.envelope import Causation, headers_of
from shared.ids import new_id
from shared.master_data import MasterData
from shared.outbox import LARGEST_EVENT
from tests.support.foundation import greeted
from tests.support.harness import InProcess, Publisher, publisher
from tests.support.polling import until
from tests.support.rules import RULES, loyalty_rules, rule_set
from tests.support.rules_reader import deps_of, rules_reader

DAY = date(2026, 1, 1)
LATER = date(2026, 6, 1)
NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module")
async def reader(empty_servers: Platform) -> AsyncIterator[InProcess]:
    async with rules_reader(empty_servers) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def management(reader: InProcess, empty_servers: Platform) -> AsyncIterator[Publisher]:
    async with publisher(empty_servers) as sending:
        await until(lambda: reader.app.state.service.projection.consumer.assigned)
        yield sending


async def holds(reader: InProcess, state: RuleSetDefined) -> bool:
    """Return whether the service reads ``state`` within the promised time."""

    async def read() -> bool:
        found = await deps_of(reader).rules(state.record_id)
        return found.get(state.record_id) == state

    return await until(read, pause_s=0.02)


async def test_change_counts_in_next_transaction(reader: InProcess, management: Publisher) -> None:
    assert await deps_of(reader).rules("change") == {}
    for state in (
        rule_set("change", (DAY, loyalty_rules())),
        rule_set("change", (DAY, loyalty_rules()), (LATER, loyalty_rules(4))),
        rule_set("change", (DAY, loyalty_rules()), (LATER, None)),
    ):
        await management.publish(state, at=NOW)
        assert await holds(reader, state)


async def test_last_state_of_batch_is_stored(reader: InProcess, management: Publisher) -> None:
    states = [rule_set("batch", (DAY, loyalty_rules(visits))) for visits in range(300)]
    for state in states:
        await management.enqueue(state, NOW)
    assert await holds(reader, states[-1])


async def test_largest_state_is_stored(reader: InProcess, management: Publisher) -> None:
    version = (DAY, loyalty_rules())
    empty, one = (len(rule_set("large", *of).model_dump_json()) for of in ((), (version,)))
    state = rule_set("large", *[version] * ((LARGEST_EVENT - empty) // (one - empty + 1)))
    assert LARGEST_EVENT - 300 < len(state.model_dump_json()) <= LARGEST_EVENT
    await management.publish(state, at=NOW)
    assert await holds(reader, state)


async def test_repeated_state_changes_nothing(reader: InProcess, management: Publisher) -> None:
    letters = await dead_letters(reader)
    first, second, third = (rule_set("repeated", (DAY, loyalty_rules(n))) for n in (1, 2, 3))
    sent = [
        (state, enveloped(state, sequence)) for sequence, state in enumerate((first, second), 1)
    ]
    for state, headers in [*sent, *sent]:
        await management.send_raw(RULES, "repeated", state.model_dump_json().encode(), headers)
    assert await holds(reader, second)
    await management.publish(third, at=NOW)
    assert await holds(reader, third)
    assert await dead_letters(reader) == letters


async def test_republished_state_causes_no_reaction(
    reader: InProcess, management: Publisher
) -> None:
    seen = deps_of(reader).timers_seen
    first, second = (rule_set("again.S42", (DAY, loyalty_rules(n))) for n in (1, 2))
    for state, reacts in ((first, True), (first, False), (second, True)):
        seen.pop("S42", None)
        await management.publish(state, at=NOW)
        await reader.wait_until_idle()
        assert await holds(reader, state)
        assert ("S42" in seen) == reacts


async def test_change_does_not_wait_behind_events(reader: InProcess, management: Publisher) -> None:
    deps = deps_of(reader)
    deps.may_greet.clear()
    await management.publish(greeted("o-1"), at=NOW)
    state = rule_set("backlog", (DAY, loyalty_rules()))
    await management.publish(state, at=NOW)
    assert await holds(reader, state)
    assert deps.greeted == []
    deps.may_greet.set()
    assert await until(lambda: deps.greeted == ["o-1"])


def enveloped(state: RuleSetDefined, sequence: int) -> dict[str, str]:
    return headers_of(
        state,
        event_id=str(new_id()),
        sequence=sequence,
        time=NOW,
        causation=Causation("test", "test"),
    )


def changed(value: bytes, **fields: str) -> bytes:
    for name, text in fields.items():
        value = value.replace(f'"{name}":"'.encode(), f'"{name}":"{text}'.encode())
    return value


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("no_date", {"valid_from": "soon"}),
        ("null_character", {"tier": "\\u0000"}),
        ("another_store", {"store_id": "S01"}),
        ("another_key", {"record_id": "other"}),
    ],
)
async def test_malformed_state_blocks_nothing(
    reader: InProcess, management: Publisher, kind: str, fields: dict[str, str]
) -> None:
    letters = await dead_letters(reader)
    state = rule_set(kind, (DAY, loyalty_rules()))
    await management.publish(state, at=NOW)
    management.sequences[RULES, kind] += 1
    headers = enveloped(state, management.sequences[RULES, kind])
    value = changed(state.model_dump_json().encode(), **fields)
    await management.send_raw(RULES, kind, value, headers)
    assert await until(lambda: dead_letters_grew(reader, letters))
    assert await holds(reader, state)
    good = rule_set(kind, (DAY, loyalty_rules(7)))
    await management.publish(good, at=NOW)
    assert await holds(reader, good)


async def test_state_of_a_store_is_refused(reader: InProcess, management: Publisher) -> None:
    letters = await dead_letters(reader)
    state = rule_set("foreign", (DAY, loyalty_rules()))
    await management.publish(state, at=NOW)
    forged = state.model_copy(update={"store_id": "S01", "versions": ()})
    await management.publish(forged, at=NOW)
    assert await until(lambda: dead_letters_grew(reader, letters))
    assert await deps_of(reader).rules("foreign") == {"foreign": state}


async def test_unchanged_state_is_parsed_once(reader: InProcess, management: Publisher) -> None:
    states = [rule_set(record_id, (DAY, loyalty_rules())) for record_id in ("one", "two")]
    await management.publish(*states, at=NOW)
    assert await holds(reader, states[-1])
    deps = deps_of(reader)
    first, again = await deps.rules("one", "two"), await deps.rules("two", "one", "three")
    assert first == again == {state.record_id: state for state in states}
    assert all(first[record_id] is again[record_id] for record_id in first)

    narrow = MasterData(parsed_records=1)
    async with deps.foundation.uow_factory.read() as connection:
        one = await narrow.get(connection, RuleSetDefined, ["one"])
        two = await narrow.get(connection, RuleSetDefined, ["two"])
        assert (await narrow.get(connection, RuleSetDefined, ["two"]))["two"] is two["two"]
        assert (await narrow.get(connection, RuleSetDefined, ["one"]))["one"] is not one["one"]


async def test_operator_restores_late_state(reader: InProcess, management: Publisher) -> None:
    state = rule_set("decided", (DAY, loyalty_rules()))
    management.sequences[RULES, "decided"] = 50
    await management.publish(state, at=NOW)
    assert await holds(reader, state)
    management.sequences[RULES, "decided"] = 10
    late = rule_set("decided", (DAY, loyalty_rules(9)))
    await management.publish(late, at=NOW)
    letter = await conflicting_letter(reader, "decided")
    assert await deps_of(reader).rules("decided") == {"decided": state}
    response = await reader.post(
        f"/dead-letters/{letter}/decisions", "operator", {"decision": "replay"}
    )
    assert response.status_code == 200, response.text
    assert await holds(reader, late)


async def dead_letters(reader: InProcess) -> list[Any]:
    response = await reader.get("/dead-letters", "operator")
    letters: list[Any] = response.json()["letters"]
    return letters


async def dead_letters_grew(reader: InProcess, before: list[Any]) -> bool:
    return len(await dead_letters(reader)) > len(before)


async def conflicting_letter(reader: InProcess, key: str) -> str:
    async def found() -> list[Any]:
        return [each for each in await dead_letters(reader) if each["key"] == key]

    assert await until(found)
    return str((await found())[0]["letter_id"])


async def test_event_waits_for_state_that_it_needs(
    reader: InProcess, management: Publisher
) -> None:
    before = (await reader.get("/status", "operator")).json()
    deps_of(reader).may_greet.set()
    await management.publish(greeted("needs:late"), at=NOW)
    await asyncio.sleep(0.3)
    assert "needs:late" not in deps_of(reader).greeted
    await management.publish(rule_set("late", (DAY, loyalty_rules())), at=NOW)
    assert await until(lambda: "needs:late" in deps_of(reader).greeted)
    after = (await reader.get("/status", "operator")).json()
    assert after["dead_letters"] == before["dead_letters"]


async def test_events_of_one_batch_are_waited_for_once(
    reader: InProcess, management: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_STATES_COME_WITHIN_S", 1.0)
    before = (await reader.get("/status", "operator")).json()
    deps_of(reader).may_greet.set()
    for number in range(20):
        await management.enqueue(greeted(f"needs:never-{number}"), NOW)

    async def given_up() -> bool:
        after = (await reader.get("/status", "operator")).json()
        return bool(after["dead_letters"] == before["dead_letters"] + 20)

    assert await until(given_up)
