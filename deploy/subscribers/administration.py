"""Subscribers of a Kafka cluster: added, listed, given a new password and removed.

The command line and the process :mod:`deploy.subscribers.administration_app` call the same here.
"""

import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.access import Access
from deploy.embedded.errors import EmbeddedError
from deploy.subscribers.changes import CHANGES, Attempt, Change
from deploy.subscribers.model import REGISTRY, Offer, Subscriber
from deploy.subscribers.progress import Progress, ProgressReader, reading_groups
from deploy.subscribers.records import Records, is_passing
from shared.contracts.management import StoreDefined
from shared.contracts.violations import RuleViolation, key_reused

_CHANGING = "subscribers.changes"
_MOST_NAMED = 20
_TIMEOUT_S = 10.0
_STOPS_WITHIN_S = 3.0
_PAUSE_S = 0.5
_TURN_S = 40.0


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
        self._stored = Records(self._options)
        self._progress = ProgressReader(self._admin, self._stored)

    def add(self, subscriber: Subscriber, offer: Offer, attempt: Attempt) -> str:
        """Make user, rights and streams of ``subscriber``, and return its password.

        Raises:
            RuleViolation: there is one of that name, a removed one of that name is still being
                served, or a topic or a store does not exist.
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

        Its user and its rights are made again where they are missing.

        Raises:
            RuleViolation: there is none of that name.
        """
        with self._turn():
            subscriber = self.one(name)
            change = Change.new("rotated", subscriber, attempt)
            if self._recorded(change) is None:
                self._record(change)
            password = self._new_password(subscriber)
            self._access.set_rights([subscriber.rights])
            return subscriber, password

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
        present = self._progress.groups()
        forwarding = [subscriber.forwarding_group] if subscriber.forwarding_group in present else []
        if groups := [*reading_groups(subscriber, present), *forwarding]:
            # One that is still in use stays, without rights, until Kafka forgets it.
            wait(self._admin.delete_consumer_groups(groups).values(), _TIMEOUT_S)

    def _forget_removed(self, subscriber: Subscriber) -> None:
        """Delete how far the streams of a removed subscriber of that name were copied: those of the
        new one begin with the first event.

        Raises:
            RuleViolation: the forwarder has not stopped copying them yet.
        """
        group, limit = subscriber.forwarding_group, time.monotonic() + _STOPS_WITHIN_S
        while group in self._progress.groups():
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
        return {
            name: Subscriber.model_validate_json(value)
            for name, value in sorted(self._newest(REGISTRY).items())
        }

    def changes(self) -> list[Change]:
        """Return all changes, the newest last."""
        return [
            Change.model_validate_json(record.value() or b"")
            for record in self._stored.all(CHANGES)
        ]

    def progress(self) -> list[Progress]:
        """Return how far each subscriber has read."""
        return self._progress.read(list(self.all().values()))

    def last_read(self, progress: Sequence[Progress]) -> Mapping[str, datetime]:
        """Return by subscriber when the newest record that it has read was sent."""
        return self._progress.last_read(progress)

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
            KafkaException: Kafka does not respond, or refuses.
            RuleViolation: the others do not end.
        """
        self._admin.list_topics(timeout=_TIMEOUT_S)
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
                message = consumer.poll(0.1)
                error = message.error() if message else None
                if error and not is_passing(error):
                    raise KafkaException(error)
                if time.monotonic() > deadline:
                    self._admin.list_topics(timeout=_TIMEOUT_S)
                    raise RuleViolation(
                        "another_change",
                        "another change of a subscriber is still under way: try again in a minute",
                        kind="conflict",
                    )
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
        if subscriber.stores:
            _check_stores(
                subscriber.stores, self._known_stores(present.get(StoreDefined.topic, ()))
            )

    def _known_stores(self, partitions: Sequence[int]) -> Collection[str]:
        """Return the ids of all stores that management has defined, closed ones as well."""
        return self._newest(StoreDefined.topic, partitions).keys()

    def _newest(self, topic: str, partitions: Sequence[int] = (0,)) -> dict[str, bytes]:
        """Return the newest value of each key of a compacted topic, without deleted ones."""
        newest = {
            (record.key() or b"").decode(): record.value()
            for record in self._stored.all(topic, partitions)
        }
        return {key: value for key, value in newest.items() if value}

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
            reason = failed[0].str() if failed else "Kafka does not respond"
            raise EmbeddedError(f"{topic} could not be written: {reason}")

    def _topics(self) -> dict[str, Sequence[int]]:
        """Return the partitions of each topic."""
        found = self._admin.list_topics(timeout=_TIMEOUT_S).topics
        return {name: list(topic.partitions) for name, topic in found.items()}


def _check_stores(named: Sequence[str], known: Collection[str]) -> None:
    """Refuse stores that there are not.

    Raises:
        RuleViolation: one of them is none of those that are ``known``.
    """
    if missing := [store_id for store_id in named if store_id not in known]:
        first = ", ".join(sorted(known)[:_MOST_NAMED])
        more = f" … ({len(known):,})" if len(known) > _MOST_NAMED else ""
        raise RuleViolation(
            "unknown_store",
            f"there is no store {missing[0]}; there are {first or 'none yet'}{more}",
            field="stores",
            store=missing[0],
        )


def _wait(futures: Mapping[str, Any]) -> None:
    for name, future in futures.items():
        try:
            future.result(timeout=_TIMEOUT_S)
        except KafkaException as error:
            raise EmbeddedError(f"topic {name}: {error.args[0].str()}") from error
