"""Connections to the Kafka of one data folder, by principal."""

from functools import cached_property
from typing import Any

from deploy.access import Access
from deploy.embedded.secrets import ADMINISTRATOR, KafkaSecrets, ensure_secrets
from deploy.embedded.settings import EmbeddedSettings
from shared.kafka import administration_options, client_options
from shared.settings import Settings


class KafkaClients:
    """How processes reach the broker, on the loopback address."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._settings = settings
        self.bootstrap = f"127.0.0.1:{settings.ports.kafka}"

    @cached_property
    def secrets(self) -> KafkaSecrets:
        """Passwords and certificates."""
        return ensure_secrets(self._settings.data.resolve() / "secrets").kafka

    def variables_of(self, principal: str) -> dict[str, Any]:
        """Return the settings by which a process reaches Kafka as ``principal``, by name."""
        return {
            "kafka_bootstrap": self.bootstrap,
            "kafka_security": "SASL_PLAINTEXT",
            "kafka_username": principal,
            "kafka_password": self.secrets.passwords[principal],
        }

    def settings_of(self, principal: str) -> Settings:
        """Return the same as settings, whatever the environment says."""
        return Settings.model_construct(None, **self.variables_of(principal))

    def tls_settings_of(self, principal: str) -> Settings:
        """Return settings by which a process beyond the platform reaches Kafka over TLS."""
        return self.settings_of(principal).model_copy(
            update={
                "kafka_bootstrap": f"127.0.0.1:{self._settings.ports.kafka_tls}",
                "kafka_security": "SASL_SSL",
                "kafka_ca_file": self.secrets.authority_file,
            }
        )

    @property
    def client(self) -> dict[str, Any]:
        """Return the administrator's connection arguments of an aiokafka client."""
        return client_options(self.settings_of(ADMINISTRATOR))

    @property
    def access(self) -> Access:
        """Return the administration of users and rights."""
        return Access(administration_options(self.settings_of(ADMINISTRATOR)))
