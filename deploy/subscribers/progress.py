"""How far subscribers have read, and how far their streams are copied."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from deploy.subscribers.model import Subscriber
from deploy.subscribers.records import Place, Records

_TIMEOUT_S = 10.0

Offsets = Mapping[Place, int]


@dataclass(frozen=True)
class Progress:
    """How far a subscriber has read.

    ``members`` is the number of its present consumers, ``lag`` that of the records that wait for
    it, None while it has not read anything. ``uncopied`` is the number of records that the
    forwarder has still to copy or to pass over for it, and ``forwarders`` that of the processes
    which do so; both are None for a subscriber that reads the topics themselves. ``missing`` are
    topics that it should be able to read, and that do not exist.
    """

    subscriber: Subscriber
    groups: Sequence[str]
    members: int
    lag: int | None
    uncopied: int | None
    forwarders: int | None
    committed: Offsets
    missing: Sequence[str]


class ProgressReader:
    """Reader of the progress of subscribers: a few requests for all of them; its calls block."""

    def __init__(self, admin: AdminClient, records: Records) -> None:
        self._admin = admin
        self._records = records

    def read(self, subscribers: Sequence[Subscriber]) -> list[Progress]:
        """Return how far each of ``subscribers`` has read.

        Raises:
            KafkaException: Kafka refuses, or does not respond.
        """
        if not subscribers:
            return []
        present = self.groups()
        groups = {each.name: reading_groups(each, present) for each in subscribers}
        forwarding = {each.forwarding_group for each in subscribers if each.stores}
        asked = sorted({*(name for names in groups.values() for name in names), *forwarding})
        committed = self._committed([each for each in asked if each in set(present)])
        members = self._members([each for each in asked if each in set(present)])
        ends = self._ends({topic for each in subscribers for topic in _topics(each)})
        return [
            _progress(each, groups[each.name], committed, members, ends) for each in subscribers
        ]

    def last_read(self, progress: Sequence[Progress]) -> dict[str, datetime]:
        """Return by subscriber when the newest record that it has read was sent.

        Raises:
            EmbeddedError: Kafka stops responding, or refuses.
        """
        wanted = {
            each.subscriber.name: [
                (place, offset - 1) for place, offset in each.committed.items() if offset
            ]
            for each in progress
        }
        found = self._records.at(place for places in wanted.values() for place in places)
        times = {
            name: [found[place].timestamp()[1] for place in places if place in found]
            for name, places in wanted.items()
        }
        return {
            name: datetime.fromtimestamp(max(sent) / 1000, UTC)
            for name, sent in times.items()
            if sent
        }

    def groups(self) -> list[str]:
        """Return the names of all consumer groups."""
        listed = self._admin.list_consumer_groups(request_timeout=_TIMEOUT_S).result(_TIMEOUT_S)
        return [each.group_id for each in listed.valid]

    def _committed(self, groups: Sequence[str]) -> dict[str, Offsets]:
        asked = {
            group: self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=_TIMEOUT_S
            )[group]
            for group in groups
        }
        return {
            group: {
                Place(each.topic, each.partition): each.offset
                for each in future.result(_TIMEOUT_S).topic_partitions or ()
                if each.offset >= 0
            }
            for group, future in asked.items()
        }

    def _members(self, groups: Sequence[str]) -> dict[str, int]:
        if not groups:
            return {}
        described = self._admin.describe_consumer_groups(list(groups), request_timeout=_TIMEOUT_S)
        return {group: len(each.result(_TIMEOUT_S).members) for group, each in described.items()}

    def _ends(self, topics: Iterable[str]) -> dict[Place, tuple[int, int]]:
        """Return the first offset and the one behind the last record of each partition."""
        present = self._admin.list_topics(timeout=_TIMEOUT_S).topics
        places = [
            TopicPartition(topic, partition)
            for topic in topics
            if topic in present
            for partition in present[topic].partitions
        ]
        spec: Any = OffsetSpec
        begins, ends = (self._offsets(places, each) for each in (spec.earliest(), spec.latest()))
        return {place: (begins[place], ends[place]) for place in ends}

    def _offsets(self, places: Sequence[TopicPartition], which: OffsetSpec) -> dict[Place, int]:
        asked: Mapping[TopicPartition, Future[Any]] = (
            self._admin.list_offsets(dict.fromkeys(places, which), request_timeout=_TIMEOUT_S)
            if places
            else {}
        )
        return {
            Place(each.topic, each.partition): future.result(_TIMEOUT_S).offset
            for each, future in asked.items()
        }


def reading_groups(subscriber: Subscriber, among: Iterable[str]) -> list[str]:
    """Return the consumer groups that are a subscriber's own."""
    return [each for each in among if each.startswith(subscriber.group_prefix)]


def _topics(subscriber: Subscriber) -> set[str]:
    return {*subscriber.streams.values(), *subscriber.topics}


def _progress(
    subscriber: Subscriber,
    groups: Sequence[str],
    committed: Mapping[str, Offsets],
    members: Mapping[str, int],
    ends: Mapping[Place, tuple[int, int]],
) -> Progress:
    read: dict[Place, int] = {}
    for group in groups:
        for place, offset in committed[group].items():
            read[place] = max(read.get(place, 0), offset)
    forwarding = subscriber.forwarding_group
    return Progress(
        subscriber,
        groups,
        members=sum(members[group] for group in groups),
        lag=_behind(subscriber.streams.values(), read, ends) if read else None,
        uncopied=_behind(subscriber.topics, committed.get(forwarding, {}), ends)
        if subscriber.stores
        else None,
        forwarders=members.get(forwarding, 0) if subscriber.stores else None,
        committed=read,
        missing=sorted({*subscriber.streams.values()} - {place.topic for place in ends}),
    )


def _behind(
    topics: Iterable[str], committed: Offsets, ends: Mapping[Place, tuple[int, int]]
) -> int:
    wanted = set(topics)
    return sum(
        max(0, end - max(begin, committed.get(place, 0)))
        for place, (begin, end) in ends.items()
        if place.topic in wanted
    )
