"""Projection of master data, which has a consumer of its own.

Its consumer group and stream positions are its own too: a change never waits behind the events of
other topics.
"""

import asyncio

from shared.consumer import Consumer
from shared.db import Pool
from shared.master_data import complete_topics, save_complete


class Projection:
    """Projection of the state topics that ``consumer`` reads.

    It is complete once they were read to the ends that they had when the service first started;
    from then on it stays complete.
    """

    def __init__(self, consumer: Consumer, workers: Pool) -> None:
        self.consumer = consumer
        self._workers = workers
        self._completed = asyncio.Event()

    @property
    def is_complete(self) -> bool:
        return self._completed.is_set()

    async def completed(self) -> None:
        """Wait until the projection is complete."""
        await self._completed.wait()

    async def recall(self) -> None:
        """Find out whether an earlier process has completed the projection."""
        if await complete_topics(self._workers) >= set(self.consumer.topics):
            self._completed.set()

    async def complete(self) -> None:
        """Complete the projection, whose consumer runs, unless it is complete.

        Raises:
            KafkaError: Kafka does not respond, or does not know the topics yet.
        """
        if not self.is_complete:
            await self.consumer.read_to_ends()
            await save_complete(self._workers, self.consumer.topics)
            self._completed.set()
