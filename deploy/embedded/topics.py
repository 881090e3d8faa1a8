"""Creation of the topics that ``deploy/topics.yaml`` declares."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from deploy.embedded.errors import EmbeddedError

_KNOWN_EVERYWHERE_S = 90.0


def declared_topics(file: Path, replication: int) -> list[NewTopic]:
    """Return the declared topics with their partitions and configuration."""
    declared: dict[str, Any] = yaml.safe_load(file.read_text())
    return [
        NewTopic(topic["name"], partitions, replication, topic_configs=declared[topic["policy"]])
        for topics, partitions in (
            (declared["topics"], declared["partitions"]),
            (declared["internal"], 1),
        )
        for topic in topics
    ]


async def ensure_topics(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> None:
    """Create those of ``topics`` that don't exist yet, and wait until the broker serves them."""
    response = await admin.create_topics(topics)
    for name, code, message in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise EmbeddedError(f"topic {name}: {for_code(code).__name__} {message}")
    wanted = {topic.name for topic in topics}
    await _until(admin, lambda served: wanted <= served)


async def drop_topics(admin: AIOKafkaAdminClient, keep: Collection[str] = ()) -> None:
    """Delete every topic that is not Kafka's own, with all its events, but for those to keep."""
    present = [name for name in await admin.list_topics() if not name.startswith("__")]
    names = [name for name in present if name not in keep]
    response = await admin.delete_topics(names)
    for name, code in response.topic_error_codes:
        if code:
            raise EmbeddedError(f"topic {name}: {for_code(code).__name__}")
    await _until(admin, lambda served: not served & set(names))


async def _until(admin: AIOKafkaAdminClient, reached: Callable[[set[str]], bool]) -> None:
    # The controller responds before the broker knows of the change.
    async with asyncio.timeout(_KNOWN_EVERYWHERE_S):
        while not reached(_served(await admin.describe_topics())):
            await asyncio.sleep(0.05)


def _served(topics: list[dict[str, Any]]) -> set[str]:
    return {
        topic["topic"]
        for topic in topics
        if topic["partitions"] and all(each["leader"] >= 0 for each in topic["partitions"])
    }
