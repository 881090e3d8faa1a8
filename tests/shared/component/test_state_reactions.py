"""Reactions to states, in the transaction that stores them, on real Kafka and PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.contracts.base import GROUP
from shared.contracts.crm import CustomerRegistered
from shared.envelope import ReceivedEvent
from tests.support.harness import InProcess, Publisher, published, publisher
from tests.support.polling import until
from tests.support.rules import loyalty_rules, rule_set
from tests.support.rules_reader import deps_of, rules_reader

DAY = date(2026, 1, 1)
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


async def caused_by(servers: Platform, event_id: str) -> dict[str, ReceivedEvent]:
    """Return the events that follow from a state, by their stores."""
    return {
        each.envelope.store_id: each
        for each in await published(servers, [CustomerRegistered.topic])
        if each.envelope.causation_id == event_id
    }


async def follow(servers: Platform, event_id: str, stores: set[str]) -> dict[str, ReceivedEvent]:
    """Wait until events of exactly these stores follow from a state, and return them."""

    async def followed() -> bool:
        return (await caused_by(servers, event_id)).keys() >= stores

    assert await until(followed)
    found = await caused_by(servers, event_id)
    assert found.keys() == stores
    return found


async def test_reaction_publishes_events_of_the_store(
    reader: InProcess, management: Publisher, empty_servers: Platform
) -> None:
    rules = rule_set("loyalty.S01", (DAY, loyalty_rules()))
    (event_id,) = await management.publish(rules, at=NOW)
    found = await follow(empty_servers, event_id, {"S01"})
    event = found["S01"].event
    assert isinstance(event, CustomerRegistered)
    assert (event.customer_ref, event.registered_at) == ("of-S01", NOW)
    assert found["S01"].envelope.correlation_id == "test"


async def test_reaction_sees_rows_of_one_store(
    reader: InProcess, management: Publisher, empty_servers: Platform
) -> None:
    rules = rule_set("rows", (DAY, loyalty_rules()))
    of_both = rules.model_copy(update={"for_stores": ("S03", "S04")})
    (event_id,) = await management.publish(of_both, at=NOW)
    await follow(empty_servers, event_id, {"S03", "S04"})
    seen = deps_of(reader).timers_seen
    assert (seen["S03"], seen["S04"]) == (["S03 rows"], ["S04 rows"])


async def test_store_left_by_a_state_reacts(
    reader: InProcess, management: Publisher, empty_servers: Platform
) -> None:
    rules = rule_set("moved", (DAY, loyalty_rules()))
    for for_stores, concerned in (("S05",), {"S05"}), (("S06",), {"S05", "S06"}):
        state = rules.model_copy(update={"for_stores": for_stores})
        (event_id,) = await management.publish(state, at=NOW)
        await follow(empty_servers, event_id, concerned)


async def test_state_without_stores_concerns_the_group(
    reader: InProcess, management: Publisher, empty_servers: Platform
) -> None:
    (event_id,) = await management.publish(rule_set("loyalty", (DAY, loyalty_rules())), at=NOW)
    await follow(empty_servers, event_id, {GROUP})
    assert deps_of(reader).timers_seen[GROUP] == ["_group loyalty"]
