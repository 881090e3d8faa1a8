"""The generated documents: complete, consistent in themselves, and true to the code (R39)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from deploy.audit.audit_data import CONSUMES
from deploy.docs.asyncapi import FILE
from deploy.docs.requirements import TITLES, Found
from deploy.docs.streams import SUBSCRIPTIONS
from shared.contracts import CONTRACTS
from shared.contracts.reception import OrderCancelled
from shared.envelope import Causation, headers_of

REPOSITORY = Path(__file__).parents[2]


def document() -> Any:
    return yaml.load((REPOSITORY / FILE).read_text(), yaml.CSafeLoader)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def resolves(reference: str, root: Any) -> bool:
    file, _, path = reference.partition("#")
    if file:
        return (REPOSITORY / FILE).parent.joinpath(file).exists()
    for name in path.strip("/").split("/"):
        if name not in root:
            return False
        root = root[name]
    return True


def test_every_document_reference_resolves() -> None:
    root = document()
    found = set(references(root))
    assert found
    assert [each for each in found if not resolves(each, root)] == []


def test_every_event_is_on_its_topic_channel() -> None:
    channels = document()["channels"].values()
    described = {(channel["address"], name) for channel in channels for name in channel["messages"]}
    assert described == {(event.topic, event.__name__) for event in CONTRACTS.values()}


def test_described_headers_equal_sent_headers() -> None:
    event = OrderCancelled(store_id="S01", order_id="o-1", reason="other")
    causation = Causation(
        "correlation", "causation", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    )
    sent = headers_of(event, event_id="id", sequence=1, time=datetime.now(UTC), causation=causation)
    assert document()["components"]["schemas"]["headers"]["properties"].keys() == sent.keys()


def test_audit_expects_the_topics_of_each_consumer() -> None:
    followed = {
        service: {event.topic for event in subscriptions}
        for service, subscriptions in SUBSCRIPTIONS.items()
    }
    assert followed == CONSUMES


def test_unknown_requirement_is_a_dead_reference() -> None:
    found = Found()
    found.add("events", "OrderOpened", ("R5", "R99"))
    assert found.dead == ["OrderOpened names R99, which is no requirement"]
    assert list(TITLES) == [f"R{number}" for number in range(1, 44)]
