"""What the owner of a subscriber needs to sign in and read."""

from collections.abc import Sequence
from shlex import quote

from pydantic import BaseModel, Field

from deploy.subscribers.model import Subscriber
from shared.settings import Settings

_PASSWORDS_OVER_TLS = "SASL_SSL"

_MECHANISM = "SCRAM-SHA-512"
_AUTHORITY_FILE = "aftersales-ca.pem"


def reached_by_subscribers(kafka: Settings) -> Settings:
    """Return how other systems reach the Kafka that the platform reaches by ``kafka``."""
    if not kafka.subscriber_kafka_bootstrap:
        return kafka
    return kafka.model_copy(
        update={
            "kafka_bootstrap": kafka.subscriber_kafka_bootstrap,
            "kafka_security": _PASSWORDS_OVER_TLS,
            "kafka_ca_file": kafka.subscriber_kafka_ca_file,
        }
    )


def doubts(kafka: Settings) -> list[tuple[str, str]]:
    """Return what may be wrong with how subscribers reach Kafka, and what to do about each.

    ``kafka`` is the listener that :func:`reached_by_subscribers` returns.
    """
    if kafka.kafka_security != _PASSWORDS_OVER_TLS:
        return [
            (
                f"{kafka.kafka_bootstrap} takes {kafka.kafka_security}, but subscribers sign in by "
                "password over TLS",
                "set AFTERSALES_SUBSCRIBER_KAFKA_BOOTSTRAP to brokers that take SASL_SSL",
            )
        ]
    if kafka.kafka_ca_file:
        return []
    name = "SUBSCRIBER_KAFKA" if kafka.subscriber_kafka_bootstrap else "KAFKA"
    return [
        (
            f"no authority of {kafka.kafka_bootstrap} is set for subscribers",
            f"set AFTERSALES_{name}_CA_FILE, unless its certificate is from a public authority",
        )
    ]


class SubscriberAccess(BaseModel):
    """How a subscriber reaches Kafka; its password is shown once and kept nowhere."""

    bootstrap: str = Field(description="brokers to begin with, separated by commas")
    security: str
    mechanism: str
    user: str
    password: str
    authority: str = Field(
        description="certificate (PEM) that signs those of the brokers; empty: the system's"
    )
    stores: Sequence[str] = Field(description="the stores whose events it sees; empty: all")
    topics: Sequence[str]
    group_prefix: str = Field(description="beginning of the names of its consumer groups")
    shell: str = Field(
        description="lines for a shell that set the variables of docs/subscribers.md"
    )

    @classmethod
    def of(cls, subscriber: Subscriber, password: str, kafka: Settings) -> "SubscriberAccess":
        """Return the access of ``subscriber`` to the Kafka of ``kafka``."""
        authority = kafka.kafka_ca_file.read_text() if kafka.kafka_ca_file else ""
        topics = list(subscriber.streams.values())
        variables = {
            "KAFKA_BOOTSTRAP": kafka.kafka_bootstrap,
            "KAFKA_TOPICS": ",".join(topics),
            "KAFKA_GROUP": f"{subscriber.group_prefix}first",
            "KAFKA_USER": subscriber.user,
            "KAFKA_PASSWORD": password,
        }
        return cls(
            bootstrap=kafka.kafka_bootstrap,
            security=kafka.kafka_security,
            mechanism=_MECHANISM,
            user=subscriber.user,
            password=password,
            authority=authority,
            stores=subscriber.stores,
            topics=topics,
            group_prefix=subscriber.group_prefix,
            shell="\n".join((*_exports(variables), *_authority(authority))),
        )


def _exports(variables: dict[str, str]) -> list[str]:
    return [f"export {name}={quote(value)}" for name, value in variables.items()]


def _authority(certificate: str) -> list[str]:
    """Return the lines that write the certificate into the present folder, and name its file."""
    if not certificate:
        return ["unset KAFKA_CA"]
    return [
        f"cat > {_AUTHORITY_FILE} <<'END'",
        certificate.strip(),
        "END",
        f'export KAFKA_CA="$PWD/{_AUTHORITY_FILE}"',
    ]
