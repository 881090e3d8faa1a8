"""Rights that are declared, compared with what the code publishes and consumes."""

from pathlib import Path

import pytest
import yaml

from deploy.access import declared_rights
from deploy.docs.streams import SUBSCRIPTIONS
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import PRINCIPALS, SERVICES
from deploy.embedded.settings import EmbeddedSettings
from deploy.embedded.topics import declared_topics
from shared.contracts import CONTRACTS
from shared.contracts.base import State

FILE = EmbeddedSettings().acls_file
TOPICS = [topic.name for topic in declared_topics(EmbeddedSettings().topics_file, 1)]
INTERNAL = {"aftersales.subscribers.v1", "aftersales.subscribers.changes.v1"}
STREAMS = set(TOPICS) - INTERNAL
STATES = {event.topic for event in CONTRACTS.values() if issubclass(event, State)}
RIGHTS = {each.principal: each for each in declared_rights(FILE, TOPICS, PRINCIPALS)}


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_the_rights_that_its_code_needs(service: str) -> None:
    rights = RIGHTS[service]
    published = {event.topic for event in CONTRACTS.values() if event.publisher == service}
    consumed = SUBSCRIPTIONS[service]
    assert sorted(rights.writes) == sorted(published)
    assert sorted(rights.reads) == sorted({event.topic for event in consumed})
    groups = {f"{service}.state" if issubclass(each, State) else service for each in consumed}
    assert set(rights.joins) == groups
    assert not rights.watches


def test_audit_reads_everything_and_joins_no_group() -> None:
    assert sorted(RIGHTS["audit"].reads) == sorted(STREAMS)
    assert not RIGHTS["audit"].writes
    assert not RIGHTS["audit"].joins


def test_forwarder_reads_no_states_and_writes_copies_only() -> None:
    rights = RIGHTS["forwarder"]
    own = "aftersales.subscriber.*"
    assert set(rights.reads) == (STREAMS - STATES) | {"aftersales.subscribers.v1", own}
    assert rights.writes == (own,)


def test_subscribers_alone_governs_and_only_reads_events() -> None:
    rights = RIGHTS["subscribers"]
    own = "aftersales.subscriber.*"
    assert {each.principal for each in RIGHTS.values() if each.governs} == {"subscribers"}
    assert set(rights.reads) == STREAMS | INTERNAL | {own}
    assert set(rights.writes) == INTERNAL
    assert rights.makes == (own,)
    assert rights.joins == ("subscribers.changes",)
    assert set(rights.ends) == {"subscriber.*", "forwarder.*"}
    assert set(rights.watches) == {"subscribers", *rights.ends}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"crm": {"reads": ["aftersales.crm.nothing.v1"]}},
            "crm: topic aftersales.crm.nothing.v1 is not declared",
        ),
        ({"crm": {"writes": ["aftersales.*"]}}, "crm: topic aftersales.* is not declared"),
        ({"billing": {}}, "there is no principal billing"),
        ({"crm": {"deletes": []}}, "crm: deletes is none of writes, reads, makes, joins"),
        ({"crm": {"governs": ["group"]}}, "crm: group is not kafka-cluster"),
    ],
    ids=["topic", "all topics", "principal", "right", "cluster"],
)
def test_unknown_name_in_file_is_refused(
    change: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    declared = yaml.safe_load(FILE.read_text())["principals"]
    file = tmp_path / "acls.yaml"
    file.write_text(yaml.safe_dump({"principals": declared | change}))
    with pytest.raises(EmbeddedError) as refused:
        declared_rights(file, TOPICS, PRINCIPALS)
    assert str(refused.value).startswith(f"{file}: {sentence}")


def test_principal_without_rights_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "acls.yaml"
    file.write_text("principals: {}")
    with pytest.raises(EmbeddedError, match="audit has no rights"):
        declared_rights(file, TOPICS, PRINCIPALS)
