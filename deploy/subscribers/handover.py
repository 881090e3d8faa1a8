"""What the owner of a subscriber needs to sign in and read."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from deploy.subscribers.model import Subscriber
from shared.settings import Settings

_MECHANISM = "SCRAM-SHA-512"


def reached_by_subscribers(kafka: Settings) -> Settings:
    """Return how other systems reach the Kafka that the platform reaches by ``kafka``."""
    if not kafka.subscriber_kafka_bootstrap:
        return kafka
    return kafka.model_copy(
        update={
            "kafka_bootstrap": kafka.subscriber_kafka_bootstrap,
            "kafka_security": "SASL_SSL",
            "kafka_ca_file": kafka.subscriber_kafka_ca_file,
        }
    )


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
    command: str = Field(description="command that reads the first events")

    @classmethod
    def of(
        cls, subscriber: Subscriber, password: str, kafka: Settings, authority_file: str = "ca.pem"
    ) -> "SubscriberAccess":
        """Return the access of ``subscriber`` to the Kafka of ``kafka``.

        ``authority_file`` is the file in which its owner has the certificate.
        """
        authority, first = kafka.kafka_ca_file, next(iter(subscriber.streams.values()))
        command = [
            *("kcat", "-b", kafka.kafka_bootstrap),
            *("-X", f"security.protocol={kafka.kafka_security}"),
            *("-X", f"sasl.mechanism={_MECHANISM}", "-X", f"sasl.username={subscriber.user}"),
            *("-X", "sasl.password=$PASSWORD"),
            *(["-X", f"ssl.ca.location={authority_file}"] if authority else []),
            *("-G", f"{subscriber.group_prefix}first", first),
        ]
        return cls(
            bootstrap=kafka.kafka_bootstrap,
            security=kafka.kafka_security,
            mechanism=_MECHANISM,
            user=subscriber.user,
            password=password,
            authority=authority.read_text() if authority else "",
            stores=subscriber.stores,
            topics=list(subscriber.streams.values()),
            group_prefix=subscriber.group_prefix,
            command=" ".join(command),
        )
