"""The generated documents: complete, consistent in themselves, and true to the code (R39)."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.audit.audit_data import CONSUMES
from deploy.docs.asyncapi import FILE
from deploy.docs.descriptions import IncompleteContractError, describe_fields
from deploy.docs.requirements import TITLES, Found
from deploy.docs.streams import SUBSCRIPTIONS
from services.desk.components.event_flow import FOLLOWS, PLACES
from shared.contracts import CONTRACTS, PUBLISHERS
from shared.contracts.reception import OrderCancelled
from shared.envelope import Causation, headers_of
from tests.support.other_languages import ASYNCAPI, NODE

REPOSITORY = Path(__file__).parents[2]


CHECK = ASYNCAPI / "check.mjs"
FILES = [FILE, *(FILE.with_name(f"asyncapi.{service}.yaml") for service in PUBLISHERS)]


def document(file: Path = FILE) -> Any:
    return yaml.load((REPOSITORY / file).read_text(), yaml.CSafeLoader)


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


def parse(*files: Path) -> subprocess.CompletedProcess[str]:
    """Check files with AsyncAPI's own parser."""
    return subprocess.run([NODE, CHECK, *files], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_document_reference_resolves(file: Path) -> None:
    root = document(file)
    found = set(references(root))
    assert found
    assert [each for each in found if not resolves(each, root)] == []


def test_every_event_is_on_its_topic_channel() -> None:
    channels = document()["channels"].values()
    described = {(channel["address"], name) for channel in channels for name in channel["messages"]}
    assert described == {(event.topic, event.__name__) for event in CONTRACTS.values()}


@pytest.mark.parametrize("service", PUBLISHERS)
def test_document_of_service_has_its_events(service: str) -> None:
    part = document(FILE.with_name(f"asyncapi.{service}.yaml"))
    sent = {event.__name__ for event in CONTRACTS.values() if event.publisher == service}
    received = {event.__name__ for event in SUBSCRIPTIONS[service]}
    assert part["components"]["messages"].keys() == sent | received
    assert {name.partition(".")[0] for name in part["operations"]} == {service}


def test_asyncapi_parser_accepts_documents() -> None:
    found = parse(*(REPOSITORY / file for file in FILES))
    assert (found.returncode, found.stdout) == (0, "")


def test_asyncapi_parser_rejects_faulty_document(tmp_path: Path) -> None:
    faulty = tmp_path / "asyncapi.yaml"
    faulty.write_text("asyncapi: 3.0.0\ninfo: {title: no version}\n")
    found = parse(faulty)
    assert found.returncode == 1
    assert 'required property "version"' in found.stdout


def test_field_without_description_is_an_error() -> None:
    with pytest.raises(IncompleteContractError, match=r"does not describe OrderOpened\.color"):
        describe_fields("OrderOpened", {"properties": {"color": {"type": "string"}}})


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


def test_flow_of_order_follows_subscriptions() -> None:
    events = {event.__name__: event for event in CONTRACTS.values()}
    assert {name for edge in FOLLOWS for name in edge} == PLACES.keys()
    for source, target in FOLLOWS:
        service = events[target].publisher
        assert service == events[source].publisher or events[source] in SUBSCRIPTIONS[service]


def test_unknown_requirement_is_a_dead_reference() -> None:
    found = Found()
    found.add("events", "OrderOpened", ("R5", "R99"))
    assert found.dead == ["OrderOpened names R99, which is no requirement"]
    assert list(TITLES) == [f"R{number}" for number in (*range(1, 45), 47)]
