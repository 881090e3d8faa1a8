"""Kafka connection of a process."""

import ssl
from typing import Any

from faststream.security import BaseSecurity, SASLScram512

from shared.settings import Settings

_MECHANISM = "SCRAM-SHA-512"


def brokers(settings: Settings) -> list[str]:
    """Return the brokers to begin with, as both kinds of clients in Python take several."""
    return [each.strip() for each in settings.kafka_bootstrap.split(",")]


def client_options(settings: Settings) -> dict[str, Any]:
    """Return the connection arguments of an aiokafka client."""
    options: dict[str, Any] = {
        "bootstrap_servers": brokers(settings),
        "security_protocol": settings.kafka_security,
        "ssl_context": tls_context(settings),
    }
    if "SASL" in settings.kafka_security:
        options |= {
            "sasl_mechanism": _MECHANISM,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    return options


def broker_security(settings: Settings) -> BaseSecurity:
    """Return the connection arguments for FastStream's broker."""
    context = tls_context(settings)
    if "SASL" not in settings.kafka_security:
        return BaseSecurity(ssl_context=context, use_ssl=context is not None)
    return SASLScram512(
        username=settings.kafka_username,
        password=settings.kafka_password,
        ssl_context=context,
        use_ssl=context is not None,
    )


def administration_options(settings: Settings) -> dict[str, Any]:
    """Return the configuration of a librdkafka client, by which users and rights are managed."""
    files = {
        "ssl.ca.location": settings.kafka_ca_file,
        "ssl.certificate.location": settings.kafka_certificate_file,
        "ssl.key.location": settings.kafka_key_file,
    }
    options = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "security.protocol": settings.kafka_security,
        **{name: str(file) for name, file in files.items() if file},
    }
    if "SASL" in settings.kafka_security:
        options |= {
            "sasl.mechanism": _MECHANISM,
            "sasl.username": settings.kafka_username,
            "sasl.password": settings.kafka_password,
        }
    return options


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return how the broker is verified and the process shows itself, or None without TLS."""
    if "SSL" not in settings.kafka_security:
        return None
    context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if settings.kafka_certificate_file:
        context.load_cert_chain(settings.kafka_certificate_file, settings.kafka_key_file)
    return context
