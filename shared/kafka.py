"""Kafka connection of a process."""

import ssl
from typing import Any

from faststream.security import BaseSecurity, SASLScram512

from shared.settings import Settings


def client_options(settings: Settings) -> dict[str, Any]:
    """Return the connection arguments of an aiokafka client."""
    if settings.kafka_username is None:
        return {"bootstrap_servers": settings.kafka_bootstrap}
    return {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": settings.kafka_password,
        "ssl_context": ssl.create_default_context(cafile=settings.kafka_ca_file),
    }


def broker_security(settings: Settings) -> BaseSecurity | None:
    """Return the connection arguments for FastStream's broker."""
    if settings.kafka_username is None or settings.kafka_password is None:
        return None
    return SASLScram512(
        username=settings.kafka_username,
        password=settings.kafka_password,
        ssl_context=ssl.create_default_context(cafile=settings.kafka_ca_file),
        use_ssl=True,
    )
