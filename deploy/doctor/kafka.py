"""Kafka as a process reaches it: addresses, certificate, user, topics, rights and lag."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka.admin import NewTopic
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclOperation,
    AdminClient,
    ConfigResource,
    OffsetSpec,
    ResourceType,
    TopicDescription,
)

from deploy.access import Rights
from deploy.doctor.findings import Finding, error, ok, warning
from deploy.embedded.errors import EmbeddedError
from shared.kafka import administration_options, tls_context
from shared.settings import Settings

_AREA = "kafka"
_TIMEOUT_S = 5.0
_ENDS_SOON_DAYS = 30
_MUCH_LAG = 10_000
_SKEW_S = 5.0

_EXPIRED = 10
_OTHER_NAME = (62, 64)


def look_at_kafka(
    settings: Settings, rights: Rights, declared: Sequence[NewTopic]
) -> list[Finding]:
    """Return what is seen as the principal of ``settings``, which ought to have ``rights``."""
    client, reached = _reach(settings)
    if client is None:
        return reached
    wanted = [each for each in declared if each.name in {*rights.reads, *rights.writes}]
    found = [
        *client.government(rights),
        *client.topics(wanted, rights),
        *client.groups(rights),
        *client.configurations(wanted),
        *client.lag(rights),
        *client.clocks([each for each in wanted if each.name in rights.reads]),
    ]
    return [*reached, *found]


def require_kafka(settings: Settings, rights: Rights, topics: Sequence[NewTopic]) -> None:
    """Ask Kafka whether a command can do its work with ``rights`` on ``topics``.

    Raises:
        EmbeddedError: in one line, what is wrong and what to do.
    """
    client, found = _reach(settings)
    if client:
        found = [*client.government(rights), *client.topics(topics, rights)]
    if wrong := [each for each in found if each.level == "error"]:
        raise EmbeddedError(f"Kafka: {wrong[0]}")


def look_at_addresses(settings: Settings) -> list[Finding]:
    """Return whether each broker of ``settings`` takes connections, and shows a certificate."""
    try:
        context = tls_context(settings)
    except OSError as failure:
        return [
            error(
                _AREA,
                f"the files for TLS cannot be used ({failure.strerror or failure})",
                "correct AFTERSALES_KAFKA_CA_FILE, and the files of certificate and key if set",
            )
        ]
    return [_address(context, each.strip()) for each in settings.kafka_bootstrap.split(",")]


def _reach(settings: Settings) -> tuple["_Client | None", list[Finding]]:
    """Return a client that has signed in, unless none can, and what was seen on the way."""
    addresses = look_at_addresses(settings)
    if all(each.level == "error" for each in addresses):
        return None, addresses
    client = _Client(settings)
    signed_in = client.sign_in()
    return (client if signed_in.level == "ok" else None), [*addresses, signed_in]


def _address(context: ssl.SSLContext | None, address: str) -> Finding:
    """Connect to one address, and check the certificate that it shows."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        return error(_AREA, f"{address} is no host:port", "correct AFTERSALES_KAFKA_BOOTSTRAP")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _TIMEOUT_S) as connection:
            if context is None:
                return ok(_AREA, f"{address} takes connections, without TLS")
            return _certificate(context, connection, address, host.strip("[]"))
    except OSError as failure:
        return error(
            _AREA,
            f"{address} cannot be reached ({failure.strerror or failure})",
            "start the broker, or correct AFTERSALES_KAFKA_BOOTSTRAP, name service or firewall",
        )


def _certificate(
    context: ssl.SSLContext, connection: socket.socket, address: str, host: str
) -> Finding:
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as failure:
        return _wrong_certificate(failure, address, host)
    except (ssl.SSLError, OSError) as failure:
        return error(
            _AREA,
            f"{address} does not speak TLS ({failure.__class__.__name__})",
            "use the port of its TLS listener, or another AFTERSALES_KAFKA_SECURITY",
        )
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    if (ends - datetime.now(UTC)).days < _ENDS_SOON_DAYS:
        return warning(
            _AREA, f"the certificate of {address} ends on {ends:%Y-%m-%d}", "renew it before"
        )
    return ok(_AREA, f"{address} shows a certificate that is right until {ends:%Y-%m-%d}")


def _wrong_certificate(failure: ssl.SSLCertVerificationError, address: str, host: str) -> Finding:
    if failure.verify_code == _EXPIRED:
        return error(_AREA, f"the certificate of {address} has expired", "renew it at the broker")
    if failure.verify_code in _OTHER_NAME:
        return error(
            _AREA,
            f"the certificate of {address} is for another name",
            f"give the broker a certificate for {host}, or use the name that it is for",
        )
    return error(
        _AREA,
        f"the certificate of {address} is not trusted ({failure.verify_message})",
        "name the file of its authority in AFTERSALES_KAFKA_CA_FILE",
    )


class _Client:
    """Client that signs in as the process does."""

    def __init__(self, settings: Settings) -> None:
        self._refused: list[KafkaError] = []
        self._options: dict[str, Any] = {**administration_options(settings), "log_level": 0}
        self._user = settings.kafka_username or "the certificate's user"
        self._admin = AdminClient(self._options | {"error_cb": self._refused.append})

    def sign_in(self) -> Finding:
        try:
            found = self._admin.list_topics(timeout=_TIMEOUT_S)
        except KafkaException as failure:
            self._admin.poll(0)
            codes = {each.code() for each in self._refused}
            if KafkaError._AUTHENTICATION in codes:  # noqa: SLF001
                return error(
                    _AREA,
                    f"the broker does not let {self._user} sign in",
                    "correct user and password, or give the user this password",
                )
            return error(
                _AREA,
                f"the broker does not respond ({failure.args[0].str()})",
                "look at its log; if it answers with TLS, set AFTERSALES_KAFKA_SECURITY",
            )
        return ok(_AREA, f"{self._user} signed in; brokers: {len(found.brokers)}")

    def government(self, rights: Rights) -> Iterator[Finding]:
        """Yield an error where the user may not alter users and rights, but should."""
        if not rights.governs:
            return
        described = self._admin.describe_cluster(
            include_authorized_operations=True, request_timeout=_TIMEOUT_S
        )
        if AclOperation.ALTER not in (described.result(_TIMEOUT_S).authorized_operations or ()):
            yield error(
                _AREA,
                f"{self._user} may not alter users and rights",
                "sign in as Kafka's administrator, or give it the rights of the principal "
                "subscribers in deploy/acls.yaml",
            )

    def topics(self, wanted: Sequence[NewTopic], rights: Rights) -> Iterator[Finding]:
        """Yield what is wrong with topics and the rights to them."""
        faults = [
            fault
            for topic in wanted
            if (
                fault := self._topic(
                    topic, reads=topic.name in rights.reads, writes=topic.name in rights.writes
                )
            )
        ]
        yield from faults
        if not faults:
            yield ok(_AREA, f"{len(wanted)} topics are there, with the rights to them")

    def _topic(self, wanted: NewTopic, *, reads: bool, writes: bool) -> Finding | None:
        name = wanted.name
        try:
            topic = self._described(name)
        except KafkaException as failure:
            return self._no_topic(name, failure.args[0])
        allowed = set(topic.authorized_operations or ())
        lacks = [
            right
            for right, operation, is_needed in (
                ("read", AclOperation.READ, reads),
                ("write", AclOperation.WRITE, writes),
            )
            if is_needed and operation not in allowed
        ]
        if lacks:
            return self._no_right(" and ".join(lacks), f"topic {name}")
        if without := [each.id for each in topic.partitions if not _has_leader(each)]:
            return error(
                _AREA,
                f"topic {name} has no leader for {len(without)} partitions",
                "start the brokers that hold them",
            )
        if len(topic.partitions) != wanted.num_partitions:
            return warning(
                _AREA,
                f"topic {name} has {len(topic.partitions)} partitions, declared are "
                f"{wanted.num_partitions}",
                "change deploy/topics.yaml or the topic; order of its keys ends where it changes",
            )
        return None

    def _described(self, name: str) -> TopicDescription:
        described = self._admin.describe_topics(
            TopicCollection([name]), include_authorized_operations=True, request_timeout=_TIMEOUT_S
        )
        found: TopicDescription = described[name].result(_TIMEOUT_S)
        return found

    def _no_topic(self, name: str, failure: KafkaError) -> Finding:
        if failure.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return self._no_right("see", f"topic {name}")
        if failure.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return error(
                _AREA, f"topic {name} does not exist", "create it as deploy/topics.yaml says"
            )
        return error(_AREA, f"topic {name}: {failure.str()}", "look at the broker's log")

    def _no_right(self, right: str, what: str) -> Finding:
        return error(
            _AREA,
            f"{self._user} may not {right} {what}",
            "give it the rights that deploy/acls.yaml says",
        )

    def groups(self, rights: Rights) -> Iterator[Finding]:
        """Yield the consumer groups that the user may not join."""
        if not (named := _named(rights.joins)):
            return
        described = self._admin.describe_consumer_groups(
            named, include_authorized_operations=True, request_timeout=_TIMEOUT_S
        )
        for group, future in described.items():
            try:
                allowed = set(future.result(_TIMEOUT_S).authorized_operations or ())
            except KafkaException:
                allowed = set()
            if AclOperation.READ not in allowed:
                yield self._no_right("join", f"consumer group {group}")

    def configurations(self, wanted: Sequence[NewTopic]) -> Iterator[Finding]:
        """Yield settings of topics that differ, as far as the user may see them."""
        resources = {
            ConfigResource(ResourceType.TOPIC, topic.name): topic.topic_configs for topic in wanted
        }
        for resource, future in self._admin.describe_configs(list(resources)).items():
            try:
                present = future.result(_TIMEOUT_S)
            except KafkaException:
                continue
            for name, value in resources[resource].items():
                if present[name].value != value:
                    yield warning(
                        _AREA,
                        f"topic {resource.name} has {name}={present[name].value}, declared is "
                        f"{value}",
                        "change the topic, or deploy/topics.yaml",
                    )

    def clocks(self, read: Sequence[NewTopic]) -> Iterator[Finding]:
        """Yield topics whose newest records are later than now, by their publishers' clocks."""
        latest: Any = OffsetSpec
        asked = {
            TopicPartition(topic.name, partition): latest.max_timestamp()
            for topic in read
            for partition in range(topic.num_partitions)
        }
        newest: dict[str, float] = {}
        for place, future in self._admin.list_offsets(asked, request_timeout=_TIMEOUT_S).items():
            try:
                found = future.result(_TIMEOUT_S).timestamp / 1000
            except KafkaException:
                continue
            newest[place.topic] = max(newest.get(place.topic, found), found)
        for topic, moment in newest.items():
            if (ahead := moment - time.time()) > _SKEW_S:
                yield error(
                    _AREA,
                    f"the newest record of topic {topic} is {ahead:.0f} s ahead of this machine's "
                    "clock",
                    "let all machines follow one time server (NTP); Kafka refuses records that "
                    "are an hour ahead of its own clock",
                )

    def lag(self, rights: Rights) -> Iterator[Finding]:
        """Yield how many records wait for the groups of the user."""
        for group in _named(rights.joins):
            asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
            try:
                lag = self._behind(asked[group].result(_TIMEOUT_S).topic_partitions or [])
            except KafkaException:
                continue
            seen = f"{lag:,} records wait for consumer group {group}"
            if lag > _MUCH_LAG:
                remedy = "start more instances of the service, or look why it does not go on"
                yield warning(_AREA, seen, remedy)
            else:
                yield ok(_AREA, seen)

    def _behind(self, committed: Sequence[TopicPartition]) -> int:
        """Return how many records stand behind the ``committed`` offsets."""
        latest: Any = OffsetSpec
        begins = {TopicPartition(each.topic, each.partition): each.offset for each in committed}
        if not begins:
            return 0
        asked = dict.fromkeys(begins, latest.latest())
        ends = self._admin.list_offsets(asked, request_timeout=_TIMEOUT_S)
        return sum(
            max(0, future.result(_TIMEOUT_S).offset - max(begins[place], 0))
            for place, future in ends.items()
        )


def _has_leader(partition: Any) -> bool:
    return partition.leader is not None and partition.leader.id >= 0


def _named(groups: Sequence[str]) -> list[str]:
    """Return the groups that are not patterns."""
    return [group for group in groups if not group.endswith("*")]
