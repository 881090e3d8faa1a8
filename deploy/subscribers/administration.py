"""Subscribers of a Kafka cluster: added, listed, given a new password and removed.

The command line and the process :mod:`deploy.subscribers.administration_app` call the same here.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.access import Access
from deploy.embedded.errors import EmbeddedError
from deploy.subscribers.changes import CHANGES, Attempt, Change
from deploy.subscribers.model import REGISTRY, Offer, Subscriber
from shared.contracts.violations import RuleViolation, key_reused
from shared.settings import SUBSCRIBERS

_CHANGING = "subscribers.changes"
_TIMEOUT_S = 10.0
_STOPS_WITHIN_S = 3.0
_PAUSE_S = 0.5
_TURN_S = 40.0


@dataclass(frozen=True)
class Progress:
    """How far a subscriber has read.

    ``lag`` is None while it has not read anything, ``last_read`` the time of the newest record that
    it has read, ``members`` the number of its present consumers.
    """

    subscriber: Subscriber
    groups: Sequence[str]
    members: int
    lag: int | None
    last_read: datetime | None


@dataclass(frozen=True)
class Cluster:
    """State of Kafka: its brokers, and partitions without a leader or with copies behind."""

    brokers: int
    partitions: int
    offline_partitions: int
    under_replicated_partitions: int


class Subscribers:
    """Administration of the subscribers of a cluster; its calls block.

    Each change is recorded with who made it and when, then carried out. The same attempt again
    carries it out again, so that a change that broke off is completed; a password is kept nowhere,
    so that the repetition sets another one. Changes are made one by one, by whichever processes.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """``options`` are those of a librdkafka client that may alter users and rights."""
        self._options = {**options, "log_level": 0}
        self._admin = AdminClient(self._options)
        self._access = Access(options)

    def add(self, subscriber: Subscriber, offer: Offer, attempt: Attempt) -> str:
        """Make user, rights and streams of ``subscriber``, and return its password.

        Raises:
            RuleViolation: there is one of that name, a removed one of that name is still being
                served, or a topic does not exist.
        """
        change = Change.new("added", subscriber, attempt)
        with self._turn():
            if self._recorded(change) is None:
                self._check_new(subscriber)
                self._forget_removed(subscriber)
                self._record(change)
            if subscriber.stores:
                self._make_streams(subscriber, offer)
            password = self._new_password(subscriber)
            self._access.set_rights([subscriber.rights])
            self._register(subscriber.name, subscriber.model_dump_json().encode())
        return password

    def rotate(self, name: str, attempt: Attempt) -> tuple[Subscriber, str]:
        """Give a subscriber a new password, and return it; the old one signs in no more.

        Raises:
            RuleViolation: there is none of that name.
        """
        with self._turn():
            subscriber = self.one(name)
            change = Change.new("rotated", subscriber, attempt)
            if self._recorded(change) is None:
                self._record(change)
            return subscriber, self._new_password(subscriber)

    def remove(self, name: str, attempt: Attempt) -> None:
        """Remove a subscriber with its user, rights, consumer groups and own streams.

        Raises:
            RuleViolation: there is none of that name.
        """
        with self._turn():
            present = self.all().get(name) or Subscriber(name=name, topics=())
            change = Change.new("removed", present, attempt)
            recorded = self._recorded(change)
            if recorded is None:
                self.one(name)
                self._record(change)
            self._remove((recorded or change).subscriber)

    def _remove(self, subscriber: Subscriber) -> None:
        """Remove what is left of a subscriber."""
        if subscriber.user in self._access.users():
            self._access.remove_user(subscriber.user)
        own = [topic for topic in self._topics() if topic.startswith(subscriber.own_prefix)]
        self._register(subscriber.name, None)
        if own:
            _wait(self._admin.delete_topics(own))
        if groups := _groups(subscriber, self._all_groups()):
            # One that is still in use stays, without rights, until Kafka forgets it.
            wait(self._admin.delete_consumer_groups(groups).values(), _TIMEOUT_S)

    def _forget_removed(self, subscriber: Subscriber) -> None:
        """Delete how far the streams of a removed subscriber of that name were copied: those of the
        new one begin with the first event.

        Raises:
            RuleViolation: the forwarder has not stopped copying them yet.
        """
        group, limit = subscriber.forwarding_group, time.monotonic() + _STOPS_WITHIN_S
        while group in self._all_groups():
            (deleted,) = self._admin.delete_consumer_groups([group]).values()
            try:
                deleted.result(timeout=_TIMEOUT_S)
            except KafkaException as error:
                if time.monotonic() > limit:
                    raise RuleViolation(
                        "subscriber_leaving",
                        f"the removed subscriber {subscriber.name} is still being served; "
                        "add it again in a minute",
                        field="name",
                        kind="conflict",
                    ) from error
                time.sleep(_PAUSE_S)

    def one(self, name: str) -> Subscriber:
        """Return the subscriber of that name.

        Raises:
            RuleViolation: there is none.
        """
        found = self.all().get(name)
        if found is None:
            raise RuleViolation(
                "unknown_subscriber",
                f"there is no subscriber {name}",
                field="name",
                kind="not_found",
            )
        return found

    def all(self) -> dict[str, Subscriber]:
        """Return all subscribers by their names."""
        newest = {
            (message.key() or b"").decode(): message.value()
            for message in self._records([TopicPartition(REGISTRY, 0, OFFSET_BEGINNING)])
        }
        return {
            name: Subscriber.model_validate_json(value)
            for name, value in sorted(newest.items())
            if value
        }

    def changes(self) -> list[Change]:
        """Return all changes, the newest last."""
        records = self._records([TopicPartition(CHANGES, 0, OFFSET_BEGINNING)])
        return [Change.model_validate_json(record.value() or b"") for record in records]

    def progress(self) -> list[Progress]:
        """Return how far each subscriber has read."""
        subscribers = self.all().values()
        if not subscribers:
            return []
        groups, topics = self._all_groups(), self._topics()
        return [self._progress(each, groups, topics) for each in subscribers]

    def cluster(self) -> Cluster:
        """Return the state of the brokers, and of the topics that the administration sees."""
        found = self._admin.list_topics(timeout=_TIMEOUT_S)
        partitions = [each for topic in found.topics.values() for each in topic.partitions.values()]
        return Cluster(
            brokers=len(found.brokers),
            partitions=len(partitions),
            offline_partitions=sum(each.leader < 0 for each in partitions),
            under_replicated_partitions=sum(
                len(each.isrs) < len(each.replicas) for each in partitions
            ),
        )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no other process makes a change, and hold the others back meanwhile.

        The one partition of the changes belongs to one consumer of a group at a time, who gives it
        back when it leaves, or when its process has gone.

        Raises:
            EmbeddedError: the others do not end.
        """
        consumer = Consumer(
            {
                **self._options,
                "group.id": _CHANGING,
                "enable.auto.commit": False,
                "session.timeout.ms": 10_000,
            }
        )
        try:
            consumer.subscribe([CHANGES])
            deadline = time.monotonic() + _TURN_S
            while not consumer.assignment():
                if time.monotonic() > deadline:
                    raise EmbeddedError("another change of a subscriber is still under way")
                consumer.poll(0.1)
            yield
        finally:
            consumer.close()

    def _recorded(self, change: Change) -> Change | None:
        """Return the change as it was recorded for an earlier try of the same attempt.

        Raises:
            RuleViolation: its attempt was another change, or the subscriber was changed since.
        """
        made = self.changes()
        before = next((each for each in made if each.attempt == change.attempt), None)
        if before is None:
            return None
        if not before.is_same_request(change):
            raise key_reused()
        newest = next(
            each for each in reversed(made) if each.subscriber.name == change.subscriber.name
        )
        if newest.attempt != change.attempt:
            raise RuleViolation(
                "changed_since",
                f"{change.subscriber.name} was changed again since this was asked for",
                kind="conflict",
                by=newest.by,
                at=newest.at.isoformat(),
            )
        return before

    def _check_new(self, subscriber: Subscriber) -> None:
        if subscriber.name in self.all():
            raise RuleViolation(
                "subscriber_exists",
                f"there is a subscriber {subscriber.name} already",
                field="name",
                kind="conflict",
            )
        present = self._topics()
        if missing := [topic for topic in subscriber.topics if topic not in present]:
            raise RuleViolation(
                "topic_missing",
                f"topic {missing[0]} does not exist in Kafka",
                field="topics",
                kind="conflict",
                topic=missing[0],
            )

    def _progress(
        self,
        subscriber: Subscriber,
        all_groups: Sequence[str],
        topics: Mapping[str, Sequence[int]],
    ) -> Progress:
        found = _groups(subscriber, all_groups)
        groups = [each for each in found if each != subscriber.forwarding_group]
        committed: dict[tuple[str, int], int] = {}
        for group in groups:
            for place in self._offsets(group):
                at = (place.topic, place.partition)
                committed[at] = max(committed.get(at, 0), place.offset)
        return Progress(
            subscriber,
            groups,
            members=self._members(groups),
            lag=self._lag(subscriber, committed, topics) if committed else None,
            last_read=self._last_read(committed),
        )

    def _lag(
        self,
        subscriber: Subscriber,
        committed: Mapping[tuple[str, int], int],
        topics: Mapping[str, Sequence[int]],
    ) -> int:
        with self._consumer() as consumer:
            lag = 0
            for topic in subscriber.streams.values():
                for partition in topics.get(topic, ()):
                    begin, end = consumer.get_watermark_offsets(
                        TopicPartition(topic, partition), timeout=_TIMEOUT_S
                    )
                    lag += end - max(begin, committed.get((topic, partition), 0))
        return lag

    def _last_read(self, committed: Mapping[tuple[str, int], int]) -> datetime | None:
        """Return the time of the newest record before the committed offsets."""
        places = [
            TopicPartition(topic, partition, offset - 1)
            for (topic, partition), offset in committed.items()
            if offset
        ]
        times = [message.timestamp()[1] for message in self._records(places, first_only=True)]
        return datetime.fromtimestamp(max(times) / 1000, UTC) if times else None

    def _make_streams(self, subscriber: Subscriber, offer: Offer) -> None:
        present = self._topics()
        made = [
            NewTopic(stream, len(present[topic]), config=dict(offer.topics[topic]))
            for topic, stream in subscriber.streams.items()
            if stream not in present
        ]
        if made:
            _wait(self._admin.create_topics(made))

    def _new_password(self, subscriber: Subscriber) -> str:
        """Set a new password, and return it once the broker accepts it."""
        password = secrets.token_urlsafe(24)
        self._access.set_passwords({subscriber.user: password})
        own = {"sasl.username": subscriber.user, "sasl.password": password}
        AdminClient({**self._options, **own}).list_topics(timeout=_TIMEOUT_S)
        return password

    def _register(self, name: str, value: bytes | None) -> None:
        self._write(REGISTRY, name, value)

    def _record(self, change: Change) -> None:
        self._write(CHANGES, change.subscriber.name, change.model_dump_json().encode())

    def _write(self, topic: str, key: str, value: bytes | None) -> None:
        failed: list[KafkaError] = []
        producer = Producer({**self._options, "acks": "all"})
        producer.produce(
            topic,
            value,
            key=key.encode(),
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        if producer.flush(_TIMEOUT_S) or failed:
            raise EmbeddedError(f"{topic} could not be written: {failed[:1] or 'no response'}")

    def _topics(self) -> dict[str, Sequence[int]]:
        """Return the partitions of each topic."""
        found = self._admin.list_topics(timeout=_TIMEOUT_S).topics
        return {name: list(topic.partitions) for name, topic in found.items()}

    def _all_groups(self) -> list[str]:
        listed = self._admin.list_consumer_groups(request_timeout=_TIMEOUT_S).result()
        return [each.group_id for each in listed.valid]

    def _members(self, groups: Sequence[str]) -> int:
        if not groups:
            return 0
        described = self._admin.describe_consumer_groups(list(groups))
        return sum(len(future.result(_TIMEOUT_S).members) for future in described.values())

    def _offsets(self, group: str) -> Sequence[TopicPartition]:
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        found = asked[group].result(_TIMEOUT_S).topic_partitions or []
        return [place for place in found if place.offset >= 0]

    def _records(
        self, places: Sequence[TopicPartition], *, first_only: bool = False
    ) -> list[Message]:
        """Return the records from ``places`` to the ends that they have now, or the first ones."""
        records: list[Message] = []
        with self._consumer() as consumer:
            consumer.assign(list(places))
            unread = {(place.topic, place.partition) for place in places}
            while unread:
                message = consumer.poll(_TIMEOUT_S)
                if message is None:
                    raise EmbeddedError(f"{places[0].topic} could not be read: no response")
                place = (str(message.topic()), int(message.partition() or 0))
                if not _is_end(message) and place in unread:
                    records.append(message)
                if _is_end(message) or first_only:
                    consumer.pause([TopicPartition(*place)])
                    unread.discard(place)
        return records

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        consumer = Consumer(
            {
                **self._options,
                "group.id": SUBSCRIBERS,  # it never joins, but is asked for
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            yield consumer
        finally:
            consumer.close()


def _groups(subscriber: Subscriber, among: Sequence[str]) -> list[str]:
    """Return the consumer groups of a subscriber, and the one that copies its streams."""
    return [
        each
        for each in among
        if each.startswith(subscriber.group_prefix) or each == subscriber.forwarding_group
    ]


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
        raise EmbeddedError(f"{message.topic()} could not be read: {error.str()}")
    return error is not None


def _wait(futures: Mapping[str, Any]) -> None:
    for name, future in futures.items():
        try:
            future.result(timeout=_TIMEOUT_S)
        except KafkaException as error:
            raise EmbeddedError(f"topic {name}: {error.args[0].str()}") from error
