"""Metrics of Kafka and of its subscribers."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict

import structlog
from confluent_kafka import KafkaException

from deploy.embedded.errors import EmbeddedError
from deploy.subscribers.administration import Cluster, Progress, Subscribers
from shared.telemetry import KAFKA, SUBSCRIBER_LAG

log = structlog.get_logger()

_FRESH_S = 30.0
_LONGEST_S = 5.0


class KafkaMetrics:
    """Gauges that are read from Kafka, at most every half minute.

    Where Kafka does not answer, those of Kafka are absent, and the lag stays the last known.
    """

    def __init__(self, subscribers: Subscribers) -> None:
        self._subscribers = subscribers
        self._read_at = -_FRESH_S
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the gauges again unless they are fresh; a slow answer counts for the next time."""
        async with self._reading:
            if time.monotonic() < self._read_at + _FRESH_S:
                return
            self._read_at = time.monotonic()
            try:
                async with asyncio.timeout(_LONGEST_S):
                    cluster, progress = await asyncio.to_thread(self._read)
            except (EmbeddedError, KafkaException, TimeoutError) as error:
                log.warning("Kafka gives no metrics", error=repr(error))
                KAFKA.clear()
            else:
                show(cluster, progress)

    def _read(self) -> tuple[Cluster, Sequence[Progress]]:
        return self._subscribers.cluster(), self._subscribers.progress()


def show(cluster: Cluster, progress: Sequence[Progress]) -> None:
    """Set the gauges; a subscriber that was removed, or has read nothing, has none."""
    for what, figure in asdict(cluster).items():
        KAFKA.labels(what).set(figure)
    SUBSCRIBER_LAG.clear()
    for each in progress:
        if each.lag is not None:
            SUBSCRIBER_LAG.labels(each.subscriber.name).set(each.lag)
