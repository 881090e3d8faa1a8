"""Subscribers as their administration sees them: users, rights, streams and the forwarder."""

from collections.abc import Collection, Iterator, Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import AclBinding

from deploy.access import Access
from deploy.doctor.findings import Finding, error, ok, warning
from deploy.doctor.kafka import look_at_addresses
from deploy.embedded.errors import EmbeddedError
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.handover import doubts, reached_by_subscribers
from deploy.subscribers.progress import Progress
from shared.kafka import administration_options
from shared.settings import Settings

_AREA = "subscribers"
_MANY_UNCOPIED = 10_000


def look_at_subscribers(settings: Settings) -> list[Finding]:
    """Return what is wrong with subscribers, and with how they reach Kafka."""
    return [*_listener(settings), *_subscribers(settings)]


def _listener(settings: Settings) -> Iterator[Finding]:
    """Yield what other systems may meet, as far as it is seen from here."""
    reached = reached_by_subscribers(settings)
    for seen, remedy in doubts(reached):
        yield warning(_AREA, seen, remedy)
    if settings.subscriber_kafka_bootstrap:
        for each in look_at_addresses(reached):
            remedy = each.remedy.replace("AFTERSALES_KAFKA_", "AFTERSALES_SUBSCRIBER_KAFKA_")
            yield warning(_AREA, each.seen, remedy) if remedy else ok(_AREA, each.seen)


def _subscribers(settings: Settings) -> Iterator[Finding]:
    options = administration_options(settings)
    access = Access(options)
    try:
        found = Subscribers(options).progress()
        users, rights = access.users(), access.rights()
    except (EmbeddedError, KafkaException, TimeoutError) as failure:
        yield error(_AREA, f"Kafka does not tell ({failure})", "see the lines about kafka")
        return
    faults = [fault for each in found for fault in _faults(each, users, rights)]
    yield from faults
    if not faults:
        yield ok(_AREA, f"{len(found)} subscribers have their users, rights and streams")


def _faults(
    progress: Progress, users: Collection[str], rights: Mapping[str, Collection[AclBinding]]
) -> Iterator[Finding]:
    subscriber = progress.subscriber
    again = f"`aftersales subscriber rotate {subscriber.name}` gives it both, with a new password"
    if subscriber.user not in users:
        yield error(_AREA, f"{subscriber.name} has no user {subscriber.user}", again)
    elif set(rights.get(subscriber.user, ())) != subscriber.rights.bindings():
        yield error(_AREA, f"{subscriber.user} has other rights than it should", again)
    if progress.missing:
        yield error(
            _AREA,
            f"topic {progress.missing[0]} of {subscriber.name} does not exist",
            "remove the subscriber and add it again",
        )
    if progress.forwarders == 0:
        yield error(
            _AREA,
            f"no forwarder copies events for {subscriber.name}",
            "start `aftersales run forwarder`, or look at its log",
        )
    elif (progress.uncopied or 0) > _MANY_UNCOPIED:
        yield warning(
            _AREA,
            f"{progress.uncopied:,} events are still to be copied for {subscriber.name}",
            "start more forwarders, or look why they do not go on",
        )
