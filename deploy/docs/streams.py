"""Topics, their events and consumers, for AsyncAPI and docs/events.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from services.crm.entrypoints import events as crm
from services.management.entrypoints import events as management
from services.reception.entrypoints import events as reception
from services.reporting.entrypoints import events as reporting
from services.workshop.entrypoints import events as workshop
from shared.contracts import CONTRACTS, PUBLISHERS, Event

SUBSCRIPTIONS: Mapping[str, Sequence[type[Event]]] = {
    "reception": (*reception.REACTIONS.subscriptions, *reception.STATES),
    "workshop": (*workshop.REACTIONS.subscriptions, *workshop.STATES),
    "crm": (*crm.REACTIONS.subscriptions, *crm.STATES),
    "reporting": (*reporting.REACTIONS.subscriptions, *reporting.STATES),
    "management": management.REACTIONS.subscriptions,
}


@dataclass(frozen=True)
class Stream:
    """One topic with its events."""

    name: str
    key: str
    partitions: int
    compacted: bool
    configuration: Mapping[str, Any]
    events: tuple[type[Event], ...]

    @property
    def publisher(self) -> str:
        return self.name.split(".")[1]

    @property
    def title(self) -> str:
        """``workshop.job`` of ``aftersales.workshop.job.v1``."""
        return ".".join(self.name.split(".")[1:3])

    @property
    def promise(self) -> str:
        """The guarantees of the topic for a reader."""
        if self.compacted:
            return (
                f"The newest event of each {self.key} is kept and replaces those before it; "
                f"ce_sequence rises per {self.key}, with gaps where events were replaced."
            )
        return (
            f"Every event is kept. Per {self.key} the events stand in the order in which they "
            "happened, numbered 1, 2, 3 … by ce_sequence; a repeated record has the ce_id and "
            "ce_sequence of its first occurrence. Between keys, and between topics, there is no "
            "order: ce_causationid names the event or command that came before."
        )


def streams(topics_file: Path) -> list[Stream]:
    """Return the declared topics in their order."""
    declared = yaml.safe_load(topics_file.read_text())
    return [
        Stream(
            name=topic["name"],
            key=topic["key"],
            partitions=declared["partitions"],
            compacted=topic["policy"] == "compact",
            configuration=declared[topic["policy"]],
            events=tuple(event for event in CONTRACTS.values() if event.topic == topic["name"]),
        )
        for topic in declared["topics"]
    ]


def consumers_of(event: type[Event]) -> list[str]:
    """Return the services that act on an event."""
    return [service for service in PUBLISHERS if event in SUBSCRIPTIONS[service]]
