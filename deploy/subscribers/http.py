"""Routes of the administration of subscribers, for the group's operator."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

import structlog
from confluent_kafka import KafkaException
from fastapi import Depends, Path, Request
from pydantic import BaseModel, Field

from deploy.embedded.errors import EmbeddedError
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.changes import Attempt, Change, ChangeKind
from deploy.subscribers.handover import SubscriberAccess
from deploy.subscribers.model import Offer, Subscriber
from deploy.subscribers.progress import Progress
from shared.commands import Headers
from shared.contracts.base import Identifier
from shared.problems import unavailable
from shared.request_model import RequestModel
from shared.requirements import serves
from shared.routing import Router
from shared.security import Principal, require_roles
from shared.settings import Settings

log = structlog.get_logger()

router = Router(prefix="/subscribers", tags=["subscribers"])

T = TypeVar("T")

_CHANGES_SHOWN = 20
_LONGEST_TEXT = 200
_MOST = 10_000

Name = Annotated[str, Path(description="name of the subscriber", max_length=_LONGEST_TEXT)]
TopicName = Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT)]
Reader = Annotated[Principal, Depends(require_roles("operator", "group_manager"))]
Operator = Annotated[Principal, Depends(require_roles("operator"))]


class AddSubscriberRequest(RequestModel):
    """A subscriber to add; without ``stores`` it sees all stores."""

    name: str = Field(max_length=_LONGEST_TEXT)
    topics: list[TopicName] = Field(max_length=_MOST)
    stores: list[Identifier] | None = Field(None, max_length=_MOST)


class SubscriberView(BaseModel):
    """A subscriber, and how far it has read; ``lag`` is absent while it has read nothing.

    ``uncopied`` and ``forwarders`` are absent for one that reads the topics themselves.
    """

    name: str
    user: str
    topics: Sequence[str]
    stores: Sequence[str]
    consumers: int = Field(description="its consumers that are connected")
    lag: int | None = Field(description="events that wait for it")
    uncopied: int | None = Field(
        description="events that the forwarder has still to look at for its own streams"
    )
    forwarders: int | None = Field(description="processes that copy its own streams")
    last_read: datetime | None = Field(description="when the newest event that it read was sent")


class TopicChoice(BaseModel):
    """A topic that can be read; one that is not ``by_store`` is read for all stores only."""

    name: str
    by_store: bool


class ChangeView(BaseModel):
    """Who changed which subscriber, and when."""

    kind: ChangeKind
    name: str
    by: str
    at: datetime


class SubscriberList(BaseModel):
    """All subscribers, what they can be given, and the latest changes, the newest first."""

    subscribers: Sequence[SubscriberView]
    topics: Sequence[TopicChoice]
    changes: Sequence[ChangeView]


class RemovedSubscriber(BaseModel):
    name: str


@dataclass(frozen=True)
class Administration:
    """What the routes need; ``kafka`` is reached by subscribers."""

    subscribers: Subscribers
    offer: Offer
    kafka: Settings

    async def ask(self, query: Callable[[], T]) -> T:
        """Return the answer of Kafka.

        Raises:
            Problem: 503, when Kafka does not answer or refuses.
        """
        try:
            return await asyncio.to_thread(query)
        except (EmbeddedError, KafkaException, TimeoutError) as error:
            log.warning("Kafka refused", error=repr(error))
            raise unavailable("Kafka") from error


async def _administration(request: Request) -> Administration:
    administration: Administration = request.app.state.administration
    return administration


Injected = Annotated[Administration, Depends(_administration)]


@router.get("", openapi_extra=serves("R39"))
async def list_subscribers(_: Reader, administration: Injected) -> SubscriberList:
    """Return all subscribers with how far they have read, and the latest changes."""
    subscribers, offer = administration.subscribers, administration.offer

    def query() -> tuple[Sequence[SubscriberView], Sequence[Change]]:
        found = subscribers.progress()
        last_read = subscribers.last_read(found)
        views = [_view(each, last_read.get(each.subscriber.name)) for each in found]
        return views, subscribers.changes()

    found, changes = await administration.ask(query)
    return SubscriberList(
        subscribers=found,
        topics=[
            TopicChoice(name=topic, by_store=topic not in offer.undivided) for topic in offer.topics
        ],
        changes=[_change(each) for each in changes[: -_CHANGES_SHOWN - 1 : -1]],
    )


@router.post("", openapi_extra=serves("R39"))
async def add_subscriber(
    body: AddSubscriberRequest, operator: Operator, headers: Headers, administration: Injected
) -> SubscriberAccess:
    """Give another system a user with the least rights; its password is shown this once.

    The same command again sets another password, as none is kept.
    """
    offer = administration.offer
    subscriber = Subscriber.checked(body.name, body.topics, body.stores, offer)
    attempt = Attempt(operator.subject, headers.idempotency_key)
    password = await administration.ask(
        lambda: administration.subscribers.add(subscriber, offer, attempt)
    )
    log.info("subscriber added", subscriber=subscriber.name, by=operator.subject)
    return SubscriberAccess.of(subscriber, password, administration.kafka)


@router.post("/{name}/passwords", openapi_extra=serves("R39"))
async def rotate_password(
    name: Name, operator: Operator, headers: Headers, administration: Injected
) -> SubscriberAccess:
    """Give a subscriber a new password, shown this once; the old one signs in no more."""
    attempt = Attempt(operator.subject, headers.idempotency_key)
    subscriber, password = await administration.ask(
        lambda: administration.subscribers.rotate(name, attempt)
    )
    log.info("password of subscriber changed", subscriber=name, by=operator.subject)
    return SubscriberAccess.of(subscriber, password, administration.kafka)


@router.post("/{name}/removal", openapi_extra=serves("R39"))
async def remove_subscriber(
    name: Name, operator: Operator, headers: Headers, administration: Injected
) -> RemovedSubscriber:
    """Remove a subscriber with its user, rights, consumer groups and own streams."""
    attempt = Attempt(operator.subject, headers.idempotency_key)
    await administration.ask(lambda: administration.subscribers.remove(name, attempt))
    log.info("subscriber removed", subscriber=name, by=operator.subject)
    return RemovedSubscriber(name=name)


def _view(progress: Progress, last_read: datetime | None) -> SubscriberView:
    subscriber = progress.subscriber
    return SubscriberView(
        name=subscriber.name,
        user=subscriber.user,
        topics=subscriber.topics,
        stores=subscriber.stores,
        consumers=progress.members,
        lag=progress.lag,
        uncopied=progress.uncopied,
        forwarders=progress.forwarders,
        last_read=last_read,
    )


def _change(change: Change) -> ChangeView:
    return ChangeView(kind=change.kind, name=change.subscriber.name, by=change.by, at=change.at)
