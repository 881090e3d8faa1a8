"""Records of topics, read outside any consumer group."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from deploy.embedded.errors import EmbeddedError
from shared.settings import SUBSCRIBERS

_TIMEOUT_S = 10.0
_EMPTY_WAIT_MS = 50
"""How long Kafka waits for a record where there is none: a read that ends should end soon."""

_PASSING = (
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._TRANSPORT,  # noqa: SLF001
)


class Place(NamedTuple):
    """Partition of a topic."""

    topic: str
    partition: int


class Records:
    """Reader of records; its calls block."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """``options`` are those of a librdkafka client."""
        self._options = options

    def all(self, topic: str, partitions: Sequence[int] = (0,)) -> list[Message]:
        """Return the records of a topic, from its beginning to the end that it has now.

        Raises:
            EmbeddedError: Kafka stops responding, or refuses.
        """
        begins = dict.fromkeys((Place(topic, each) for each in partitions), OFFSET_BEGINNING)
        with self._consumer() as consumer:
            return list(_read(consumer, begins, first_only=False))

    def at(self, wanted: Iterable[tuple[Place, int]]) -> dict[tuple[Place, int], Message]:
        """Return the first record from each offset on; without those behind which there is none.

        Raises:
            EmbeddedError: Kafka stops responding, or refuses.
        """
        unread: dict[Place, list[int]] = {}
        for place, offset in set(wanted):
            unread.setdefault(place, []).append(offset)
        found: dict[tuple[Place, int], Message] = {}
        if not unread:
            return found
        with self._consumer() as consumer:
            while begins := {place: offsets.pop() for place, offsets in unread.items() if offsets}:
                for message in _read(consumer, begins, first_only=True):
                    place = _place(message)
                    found[place, begins[place]] = message
        return found

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        consumer = Consumer(
            {
                **self._options,
                "group.id": SUBSCRIBERS,  # it never joins, but is asked for
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": _EMPTY_WAIT_MS,
            }
        )
        try:
            yield consumer
        finally:
            consumer.close()


def _read(
    consumer: Consumer, begins: Mapping[Place, int], *, first_only: bool
) -> Iterator[Message]:
    """Yield the records from ``begins`` to the ends that they have now, or the first ones."""
    places = [TopicPartition(*place, offset) for place, offset in begins.items()]
    consumer.assign(places)
    consumer.resume(places)  # what an earlier call has paused
    unread = set(begins)
    deadline = time.monotonic() + _TIMEOUT_S
    while unread:
        message = consumer.poll(max(0.0, deadline - time.monotonic()))
        if message is None:
            raise EmbeddedError(f"Kafka does not respond while {min(unread).topic} is read")
        if is_passing(message.error()):
            continue
        deadline = time.monotonic() + _TIMEOUT_S
        is_end, place = _is_end(message), _place(message)
        if not is_end and place in unread:
            yield message
        if is_end or first_only:
            consumer.pause([TopicPartition(*place)])
            unread.discard(place)


def is_passing(error: KafkaError | None) -> bool:
    """Return whether a client goes on after an error, as where one of several brokers is away."""
    return error is not None and error.code() in _PASSING


def _place(message: Message) -> Place:
    return Place(str(message.topic()), int(message.partition() or 0))


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
        raise EmbeddedError(f"Kafka refuses to read {message.topic() or 'records'}: {error.str()}")
    return error is not None
