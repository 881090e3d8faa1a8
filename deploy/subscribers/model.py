"""A subscriber: another system, the topics it reads and the stores it sees."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from deploy.access import SUBSCRIBER_TOPICS, Rights
from shared.contracts import CONTRACTS
from shared.contracts.base import Identifier, State
from shared.contracts.violations import RuleViolation

REGISTRY = "aftersales.subscribers.v1"
"""Compacted topic with each subscriber as it is now, by its name."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 40
_PLATFORM, _VERSION = "aftersales.", ".v1"
_STORE_ID: TypeAdapter[str] = TypeAdapter(Identifier)


@dataclass(frozen=True)
class Offer:
    """Topics that subscribers can read, with the configuration of each."""

    topics: Mapping[str, Mapping[str, str]]

    @classmethod
    def declared(cls, file: Path) -> Self:
        """Return the topics with events that ``deploy/topics.yaml`` declares."""
        declared = yaml.safe_load(file.read_text())
        return cls({topic["name"]: declared[topic["policy"]] for topic in declared["topics"]})

    @property
    def undivided(self) -> frozenset[str]:
        """Topics with master data of the whole group, which cannot be divided by store."""
        states = {event.topic for event in CONTRACTS.values() if issubclass(event, State)}
        return frozenset(states.intersection(self.topics))

    def named(self, name: str) -> str:
        """Return the topic of a name, which may be short: ``reception.order``.

        Raises:
            RuleViolation: there is none.
        """
        for candidate in (name, f"{_PLATFORM}{name}{_VERSION}"):
            if candidate in self.topics:
                return candidate
        short = [each.removeprefix(_PLATFORM).removesuffix(_VERSION) for each in self.topics]
        raise RuleViolation(
            "unknown_topic",
            f"there is no topic {name}; there are {', '.join(short)}",
            field="topics",
            topic=name,
        )


class Subscriber(BaseModel):
    """Another system. Without ``stores`` it reads the topics themselves, of all stores."""

    model_config = ConfigDict(frozen=True)

    name: str
    topics: tuple[str, ...]
    stores: tuple[Identifier, ...] = ()

    @classmethod
    def checked(
        cls, name: str, topics: Sequence[str], stores: Sequence[str] | None, offer: Offer
    ) -> Self:
        """Return the subscriber of that name; topics of ``offer`` may be named in short.

        All stores are seen where ``stores`` is None, never by an empty list.

        Raises:
            RuleViolation: name, topics or stores break a rule.
        """
        _check_name(name)
        if not topics:
            raise RuleViolation("no_topics", "no topic is named", field="topics")
        if stores is not None and not stores:
            raise RuleViolation("no_stores", "no store is named", field="stores")
        named = tuple(dict.fromkeys(map(offer.named, topics)))
        if stores and (group := sorted(offer.undivided.intersection(named))):
            raise RuleViolation(
                "topic_of_group",
                f"{group[0]} holds master data of the whole group, which cannot be divided by "
                "stores",
                field="topics",
                topic=group[0],
            )
        return cls(name=name, topics=named, stores=tuple(dict.fromkeys(map(_store, stores or ()))))

    @property
    def user(self) -> str:
        """Name of its Kafka user, and with a dot the beginning of its consumer groups' names."""
        return f"subscriber.{self.name}"

    @property
    def group_prefix(self) -> str:
        return f"{self.user}."

    @property
    def forwarding_group(self) -> str:
        """Consumer group that copies its streams."""
        return f"forwarder.{self.name}"

    @property
    def own_prefix(self) -> str:
        """Beginning of the names of the streams that are its own."""
        return f"{SUBSCRIBER_TOPICS}{self.name}."

    @property
    def streams(self) -> dict[str, str]:
        """Return the topic that it reads for each topic of the platform."""
        if not self.stores:
            return {topic: topic for topic in self.topics}
        return {topic: self.own_prefix + topic.removeprefix(_PLATFORM) for topic in self.topics}

    @property
    def rights(self) -> Rights:
        """Return the least rights that it needs."""
        return Rights(
            self.user, reads=tuple(self.streams.values()), joins=(f"{self.group_prefix}*",)
        )

    def sees(self, store_id: str | None) -> bool:
        """Return whether it sees events of a store."""
        return store_id in self.stores


def _check_name(name: str) -> None:
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise RuleViolation(
            "subscriber_name",
            f"{name!r} is no name of a subscriber: lower-case letters, digits and single "
            f"hyphens between them, a letter first, {_LONGEST_NAME} characters at most",
            field="name",
            longest=_LONGEST_NAME,
        )


def _store(store_id: str) -> str:
    try:
        return _STORE_ID.validate_python(store_id)
    except ValidationError:
        raise RuleViolation(
            "store_id", f"{store_id!r} is no id of a store", field="stores", store_id=store_id
        ) from None
