"""Metrics of Kafka and of its subscribers."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict

import structlog
from confluent_kafka import KafkaException

from deploy.embedded.errors import EmbeddedError
from deploy.subscribers.administration import Cluster, Subscribers
from deploy.subscribers.progress import Progress
from shared.telemetry import KAFKA, SUBSCRIBER_FORWARDERS, SUBSCRIBER_LAG, SUBSCRIBER_UNCOPIED

log = structlog.get_logger()

_FRESH_S = 30.0
_LONGEST_S = 5.0
_OF_SUBSCRIBERS = {
    SUBSCRIBER_LAG: "lag",
    SUBSCRIBER_UNCOPIED: "uncopied",
    SUBSCRIBER_FORWARDERS: "forwarders",
}


class KafkaMetrics:
    """Gauges that are read from Kafka, at most every half minute.

    Where Kafka does not answer, those of Kafka are absent, and those of subscribers stay the last
    known.
    """

    def __init__(self, subscribers: Subscribers) -> None:
        self._subscribers = subscribers
        self._read_at = -_FRESH_S
        self._reading: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Read the gauges again unless they are fresh; a slow answer is kept for the next time."""
        if self._reading is None and time.monotonic() >= self._read_at + _FRESH_S:
            self._reading = asyncio.create_task(self._read())
        if self._reading:
            await asyncio.wait([self._reading], timeout=_LONGEST_S)

    async def _read(self) -> None:
        try:
            show(*await asyncio.to_thread(self._ask))
        except (EmbeddedError, KafkaException, TimeoutError) as error:
            log.warning("Kafka gives no metrics", error=repr(error))
            KAFKA.clear()
        finally:
            self._read_at, self._reading = time.monotonic(), None

    def _ask(self) -> tuple[Cluster, Sequence[Progress]]:
        return self._subscribers.cluster(), self._subscribers.progress()


def show(cluster: Cluster, progress: Sequence[Progress]) -> None:
    """Set the gauges; a subscriber that was removed, or has read nothing, has no lag."""
    for what, figure in asdict(cluster).items():
        KAFKA.labels(what).set(figure)
    for gauge, name in _OF_SUBSCRIBERS.items():
        gauge.clear()
        for each in progress:
            if (figure := getattr(each, name)) is not None:
                gauge.labels(each.subscriber.name).set(figure)
