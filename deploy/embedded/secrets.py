"""Secrets of one data folder: made once, readable by their owner only."""

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from deploy.embedded.certificates import Certified, new_authority, new_certificate
from deploy.embedded.errors import EmbeddedError
from shared.issuer import DevelopmentIssuer
from shared.keyring import new_root
from shared.settings import FORWARDER, SUBSCRIBERS, read_settings

_SHARED_KEYS = "personal.json"
_BROKER_HOSTS = ("127.0.0.1", "localhost")
SERVICES = ("reception", "workshop", "crm", "reporting", "management")

ADMINISTRATOR, BROKER = "admin", "broker"
"""Principals of Kafka to whom no rule applies."""

PRINCIPALS = (*SERVICES, FORWARDER, SUBSCRIBERS, "audit")
"""Principals of Kafka whose rights ``deploy/acls.yaml`` declares."""


@dataclass(frozen=True)
class KafkaSecrets:
    """Kafka's passwords by principal, and the files of its authority and its certificate.

    ``broker_file`` holds key and certificate of the broker.
    """

    passwords: dict[str, str]
    authority_file: Path
    authority_key_file: Path
    broker_file: Path

    @property
    def authority(self) -> Certified:
        return Certified(self.authority_file.read_text(), self.authority_key_file.read_text())


@dataclass(frozen=True)
class Secrets:
    """Files of the folder, and the database passwords by role."""

    issuer_key_file: Path
    jwks_file: Path
    keys_files: dict[str, Path]
    recognition_keys_file: Path
    desk_secret_file: Path
    passwords: dict[str, str]
    kafka: KafkaSecrets

    def issuer(self) -> DevelopmentIssuer:
        """Return the issuer of tokens that the platform's services accept."""
        expected = read_settings()
        return DevelopmentIssuer(self.issuer_key_file, expected.issuer, expected.audience)


def roles(service: str) -> tuple[str, str, str]:
    """Owner, runtime and worker role of a service's schema."""
    return f"{service}_owner", service, f"{service}_worker"


def ensure_secrets(folder: Path) -> Secrets:
    """Read the secrets of ``folder`` and make those that are missing.

    Raises:
        EmbeddedError: the data is of a version whose secrets do not serve any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if (folder / _SHARED_KEYS).exists():
        raise EmbeddedError(
            f"{folder / _SHARED_KEYS}: this data is under keys that all services shared, which is "
            "not supported any more; start again with --reset-data"
        )
    if (folder / "passwords.json").exists() and not (folder / "kafka.json").exists():
        raise EmbeddedError(
            f"{folder.parent} holds data of a version whose Kafka was open to all: "
            "start with --reset-data to remove it and begin again"
        )
    made = Secrets(
        issuer_key_file=folder / "issuer.json",
        jwks_file=folder / "jwks.json",
        keys_files={service: folder / f"keys-{service}.json" for service in SERVICES},
        recognition_keys_file=folder / "keys-recognition.json",
        desk_secret_file=folder / "desk.json",
        kafka=_kafka_secrets(folder),
        passwords=_ensure_passwords(folder / "passwords.json", _database_roles()),
    )
    issuer = _ensure(made.issuer_key_file, _new_issuer_key)
    _ensure(made.jwks_file, lambda: _public_keys(issuer))
    for file in (*made.keys_files.values(), made.recognition_keys_file):
        _ensure(file, new_root)
    _ensure(made.desk_secret_file, lambda: {"secret": secrets.token_urlsafe(32)})
    return made


def _ensure(file: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not file.exists():
        _write(file, make())
    read: dict[str, Any] = json.loads(file.read_text())
    return read


def _write(file: Path, secret: Mapping[str, Any]) -> None:
    _write_text(file, json.dumps(secret, indent=1))


def _write_text(file: Path, content: str) -> None:
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as output:
        output.write(content)
    draft.rename(file)


def _kafka_secrets(folder: Path) -> KafkaSecrets:
    """Read what Kafka and its clients need, and make it the first time."""
    made = KafkaSecrets(
        passwords=_ensure_passwords(folder / "kafka.json", (ADMINISTRATOR, BROKER, *PRINCIPALS)),
        authority_file=folder / "kafka-ca.pem",
        authority_key_file=folder / "kafka-ca-key.pem",
        broker_file=folder / "kafka-broker.pem",
    )
    if not made.broker_file.exists():
        authority = new_authority("aftersales embedded")
        broker = new_certificate(authority, "kafka", _BROKER_HOSTS)
        _write_text(made.authority_key_file, authority.key)
        _write_text(made.authority_file, authority.certificate)
        _write_text(made.broker_file, broker.key + broker.certificate)
    return made


def _ensure_passwords(file: Path, names: Sequence[str]) -> dict[str, str]:
    """Read the passwords by name, and make those that an earlier version did not have."""
    kept = _ensure(file, lambda: _new_passwords(names))
    complete = _new_passwords(names) | kept
    if complete != kept:
        _write(file, complete)
    return complete


def _new_passwords(names: Sequence[str]) -> dict[str, str]:
    return {name: secrets.token_urlsafe(24) for name in names}


def _database_roles() -> list[str]:
    return ["postgres", *(role for service in SERVICES for role in roles(service))]


def _new_issuer_key() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
    key.ensure_kid()
    return dict(key.as_dict(private=True))


def _public_keys(issuer: dict[str, Any]) -> dict[str, Any]:
    return {"keys": [ECKey.import_key(issuer).as_dict(private=False)]}
