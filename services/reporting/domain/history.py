"""The history of one order, from the events of several topics."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.reporting.domain.confidential import EVENTS_OF_THE_WORK, without_money


@dataclass(frozen=True)
class LoggedEvent:
    """One event as published."""

    event_id: str
    type: str
    time: datetime
    sequence: int
    topic: str
    key: str
    causation_id: str | None
    data: Mapping[str, Any]


def of_the_work(events: Iterable[LoggedEvent]) -> list[LoggedEvent]:
    """Return the events for roles that do the work.

    They leave out invoices, payments, opinions and amounts.
    """
    known = []
    for event in events:
        _, publisher, name, _ = event.type.split(".")
        if publisher == "workshop" or name in EVENTS_OF_THE_WORK:
            known.append(replace(event, data=without_money(event.data)))
    return known


def in_order(events: Iterable[LoggedEvent]) -> list[LoggedEvent]:
    """Return the events by time, but in the order of their stream and after their causation.

    Sequence orders the events of one topic and key; between streams clocks may differ a little,
    and an event's causation comes first whatever they say.
    """
    streams: dict[tuple[str, str], deque[LoggedEvent]] = defaultdict(deque)
    for event in sorted(events, key=lambda event: event.sequence):
        streams[event.topic, event.key].append(event)
    waiting = {event.event_id for stream in streams.values() for event in stream}
    ordered = []
    while heads := [stream[0] for stream in streams.values() if stream]:
        free = [head for head in heads if head.causation_id not in waiting]
        first = min(free or heads, key=lambda head: (head.time, head.event_id))
        streams[first.topic, first.key].popleft()
        waiting.remove(first.event_id)
        ordered.append(first)
    return ordered
